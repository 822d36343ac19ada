"""Where requests come from, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from engine.errors import AccessDenied, EngineError
from engine.web.origin import Origin, origin_of, refuse_cross_site
from engine.web.settings import WebSettings
from tests.web.api_desk import PASSWORD, REQUEST, SAME_SITE, Api, code, give_passwords, open_api
from tests.web.desk_app import Desk

PAGES = ["/", "/login", "/m/request", "/nothing", "/static/x/nothing.css", "/healthz", "/api/request", "/openapi.json"]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_says_what_a_browser_may_do_with_it(api: Api, path: str) -> None:
    headers = api.client.get(path, follow_redirects=False).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers, "over http it would mean nothing"


def test_what_the_api_says_is_not_stored(api: Api) -> None:
    assert api.get("/api/request").headers["cache-control"] == "no-store"


# Cross-site requests -------------------------------------------------------------------------------------------------

COOKIE = {b"cookie": b"session=x"}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({b"sec-fetch-site": b"same-origin"}, True),
        ({b"sec-fetch-site": b"same-site"}, False),
        ({b"sec-fetch-site": b"cross-site"}, False),
        ({b"sec-fetch-site": b"none"}, False),
        ({b"sec-fetch-site": b"cross-site", b"origin": b"http://desk.example"}, False),
        ({b"origin": b"http://desk.example"}, True),
        ({b"origin": b"https://desk.example:443"}, True),
        ({b"origin": b"http://desk.example:81"}, False),
        ({b"origin": b"http://evil.example"}, False),
        ({b"origin": b"http://desk.example.evil.example"}, False),
        ({b"origin": b"null"}, False),
        ({b"origin": b""}, False),
        ({b"origin": b"file://desk.example"}, False),
        (COOKIE, False),
        ({}, True),
    ],
)
def test_unsafe_requests_come_from_our_own_pages(headers: Mapping[bytes, bytes], allowed: bool) -> None:
    whole = {b"host": b"desk.example", **headers}
    refuse_cross_site("GET", whole)
    if allowed:
        refuse_cross_site("POST", whole)
    else:
        with pytest.raises(AccessDenied) as caught:
            refuse_cross_site("POST", whole)
        assert caught.value.code == "CROSS_SITE"


def test_a_session_is_not_misused_by_another_site(api: Api) -> None:
    give_passwords(api)
    api.log_in()
    evil = {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
    for method, path in (
        ("POST", "/api/request"),
        ("POST", "/logout"),
        ("POST", "/m/request/new"),
        ("DELETE", "/api/x/y"),
    ):
        assert api.client.request(method, path, headers=evil).status_code == 403, path
    assert code(api.post("/api/request", REQUEST, None)) == (403, "CROSS_SITE"), (
        "a cookie, and not a word of the origin"
    )
    assert api.post("/api/request", REQUEST, None, headers=SAME_SITE).status_code == 201
    assert api.post("/api/request", REQUEST, headers=evil).status_code == 201, (
        "a token is no cookie: nobody adds it unasked"
    )


def test_nobody_is_logged_in_by_another_site(api: Api) -> None:
    give_passwords(api)
    answer = api.client.post(
        "/login", data={"login": "clerk", "password": PASSWORD}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


# Proxies -------------------------------------------------------------------------------------------------------------

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("1.2.3.4", {}, Origin("1.2.3.4", https=False)),
        ("1.2.3.4", {"x-forwarded-for": "9.9.9.9", "x-forwarded-proto": "https"}, Origin("1.2.3.4", https=False)),
        ("10.0.0.1", {"x-forwarded-for": "9.9.9.9", "x-forwarded-proto": "https"}, Origin("9.9.9.9", https=True)),
        ("10.0.0.1", {"x-forwarded-for": "6.6.6.6, 9.9.9.9, 10.0.0.2"}, Origin("9.9.9.9", https=False)),
        ("::1", {"x-forwarded-for": "2001:db8::1"}, Origin("2001:db8::1", https=False)),
        ("10.0.0.1", {"x-forwarded-for": "nonsense"}, Origin("10.0.0.1", https=False)),
        ("10.0.0.1", {"x-forwarded-for": "10.0.0.3"}, Origin("10.0.0.3", https=False)),
        ("10.0.0.1", {"x-forwarded-proto": "http, https"}, Origin("10.0.0.1", https=True)),
        (None, {"x-forwarded-for": "9.9.9.9"}, Origin("9.9.9.9", https=False)),
    ],
)
def test_only_trusted_proxies_are_believed(client: str | None, headers: dict[str, str], expected: Origin) -> None:
    scope: Any = {"scheme": "http", "client": (client, 1) if client else None}
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    assert origin_of(scope, raw, PROXIES) == expected


def test_without_trusted_proxies_nobody_is_believed() -> None:
    scope: Any = {"scheme": "https", "client": ("1.2.3.4", 1)}
    assert origin_of(scope, {b"x-forwarded-for": b"9.9.9.9"}, ()) == Origin("1.2.3.4", https=True)


def test_the_settings_name_the_proxies() -> None:
    assert WebSettings.of({}).trusted_proxies == ()
    assert WebSettings.of({"ORDERLOOM_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies == PROXIES
    with pytest.raises(EngineError, match="ORDERLOOM_TRUSTED_PROXIES"):
        WebSettings.of({"ORDERLOOM_TRUSTED_PROXIES": "nonsense"})


@pytest.fixture
def behind_proxy(desk: Desk) -> Iterator[Api]:
    """The application behind a proxy that speaks https."""
    with open_api(desk, WebSettings(cached=0.0, trusted_proxies=PROXIES), client=("10.0.0.1", 5000)) as opened:
        opened.client.headers["X-Forwarded-Proto"] = "https"
        yield opened


def test_https_makes_cookies_secure(behind_proxy: Api) -> None:
    give_passwords(behind_proxy)
    answer = behind_proxy.log_in()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_the_address_of_the_client_is_noted_with_what_it_does(behind_proxy: Api) -> None:
    record = behind_proxy.post("/api/request", REQUEST, headers={"X-Forwarded-For": "203.0.113.9"}).json()
    [event] = behind_proxy.get(f"/api/event?record={record['id']}", "administrator").json()["items"]
    assert event["ip"] == "203.0.113.9"
