"""API tokens: whom they act for, what they may do, when they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import InvalidValues
from engine.web.settings import WebSettings
from tests.web.api_desk import REQUEST, Api, code, open_api
from tests.web.desk_app import Desk


def token(api: Api, *scopes: str, login: str = "clerk", hours: int | None = None) -> dict[str, str]:
    """The header of a new token."""
    expires = api.desk.clock.now() + timedelta(hours=hours) if hours else None
    user = api.desk.people[login]
    made = api.desk.write(lambda tx: api.logins.new_token(tx, user, "test", scopes or None, expires))
    return {"Authorization": f"Bearer {made.text}"}


def test_a_token_acts_for_its_user(api: Api) -> None:
    record = api.made()
    assert record["created_by"] == api.desk.people["clerk"]


def test_scopes_limit_what_a_token_may_do(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    reader, writer, feeder = token(api, "read"), token(api, "write"), token(api, "intake")
    assert api.client.get(path, headers=reader).status_code == 200
    for method, where in (
        ("POST", "/api/request"),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/events/submit"),
    ):
        assert code(api.client.request(method, where, json={}, headers=reader)) == (403, "SCOPE_MISSING")
    assert api.client.patch(path, json={"note": "x"}, headers=writer).status_code == 200
    assert code(api.client.get(path, headers=writer)) == (403, "SCOPE_MISSING")
    assert code(api.client.get(path, headers=feeder)) == (403, "SCOPE_MISSING")
    assert code(api.client.get("/openapi.json", headers=feeder)) == (403, "SCOPE_MISSING")


def test_a_token_never_does_more_than_its_user(api: Api) -> None:
    assert code(api.client.post("/api/request", json=REQUEST, headers=token(api, "write", login="guest")))[0] == 403


def test_a_token_ends(api: Api) -> None:
    short = token(api, hours=1)
    assert api.client.get("/api/request", headers=short).status_code == 200
    api.desk.clock.step(timedelta(hours=1))
    assert code(api.client.get("/api/request", headers=short)) == (401, "NOT_LOGGED_IN")


def test_a_token_is_revoked(api: Api) -> None:
    user, accounts = api.desk.people["clerk"], api.logins.accounts
    made = api.desk.write(lambda tx: api.logins.new_token(tx, user, "lost"))
    headers = {"Authorization": f"Bearer {made.text}"}
    assert api.client.get("/api/request", headers=headers).status_code == 200
    assert api.desk.write(lambda tx: accounts.revoke_token(tx, made.id, api.desk.clock.now()))
    assert not api.desk.write(lambda tx: accounts.revoke_token(tx, made.id, api.desk.clock.now()))
    assert code(api.client.get("/api/request", headers=headers)) == (401, "NOT_LOGGED_IN")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nonsense", "Basic Y2xlcms6eA==", "nonsense", "Bearer é"]
)
def test_what_is_no_token_lets_nobody_in(api: Api, header: str) -> None:
    answer = api.client.get("/api/request", headers={"Authorization": header.encode("latin-1")})
    assert code(answer) == (401, "NOT_LOGGED_IN")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_opens_no_pages(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.tokens['clerk']}"}
    answer = api.client.get("/m/request", headers=headers, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fm%2Frequest")


def test_unknown_scopes_are_refused(api: Api) -> None:
    with pytest.raises(InvalidValues):
        token(api, "everything")


def test_roles_that_change_count_at_once(api: Api) -> None:
    assert api.post("/api/request", REQUEST).status_code == 201
    user = f"/api/user/{api.desk.people['clerk']}"
    assert api.patch(user, {"roles": [{"role": "guest"}]}, "administrator").status_code == 200
    assert code(api.post("/api/request", REQUEST)) == (403, "ACCESS_DENIED")


def test_who_somebody_is_is_remembered_for_a_moment_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("engine.web.auth.time.monotonic", lambda: now[0])
    with open_api(desk, WebSettings(cached=2.0)) as api:
        assert api.get("/api/request").status_code == 200
        api.desk.write(lambda tx: api.logins.accounts.revoke_token(tx, _id(api, tx), desk.clock.now()))
        now[0] = 1.9
        assert api.get("/api/request").status_code == 200
        now[0] = 2.1
        assert code(api.get("/api/request")) == (401, "NOT_LOGGED_IN")


def _id(api: Api, tx: object) -> str:
    [found] = api.logins.accounts.tokens(tx, api.desk.people["clerk"])  # type: ignore[arg-type]
    return found.id
