"""What the API promises on every database and at every address: problems that are such, nothing without a login."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from tests.web.api_desk import REQUEST, SAME_SITE, Api, code, open_api, places
from tests.web.desk_app import open_desk

#: What anybody may ask.
OPEN = {"/healthz", "/readyz", "/login", "/logout", "/static"}
SOME_ID = "01a20169-2e00-7000-8000-000000000000"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    """The purchase desk on SQLite and on PostgreSQL."""
    with open_desk(tmp_path, url=database_url) as desk, open_api(desk) as opened:
        yield opened


def routes(api: Api) -> list[tuple[str, str]]:
    """Every method and address that there is."""
    application: Any = api.client.app
    fill = {
        "{model}": "request",
        "{id}": SOME_ID,
        "{event}": "submit",
        "{hold}": "budget",
        "{channel}": "x",
        "{verb}": "approve",
    }
    found = []
    for route in application.routes:
        if isinstance(route, Route) and route.path not in OPEN:
            path = route.path
            for place, value in fill.items():
                path = path.replace(place, value)
            found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


def test_nobody_gets_anywhere_without_a_login(api: Api) -> None:
    for method, path in routes(api):
        answer = api.client.request(method, path, headers=SAME_SITE, follow_redirects=False)
        program = path.startswith(("/api/", "/openapi.json"))
        if program:
            assert code(answer) == (401, "NOT_LOGGED_IN"), path
            assert answer.headers["www-authenticate"] == "Bearer"
        elif path == "/intake/x":
            assert code(answer) == (404, "NOT_FOUND")
        elif path == "/metrics":
            assert code(answer) == (403, "ACCESS_DENIED")
        else:
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login"), path


def test_a_record_from_its_making_to_its_end(api: Api) -> None:
    made = api.post("/api/request", {**REQUEST, "discount": "0.01", "meeting": "2026-12-01T09:30:00+08:00"})
    assert made.status_code == 201
    record = made.json()
    path = f"/api/request/{record['id']}"
    assert api.get(path).json() == record
    assert (record["payable"], record["meeting"]) == ("5299.99", "2026-12-01T01:30:00Z")
    changed = api.patch(path, {"lines": [{"line": 1, "quantity": "3"}, {"item": "P200", "quantity": "1"}]})
    assert [line["line"] for line in changed.json()["lines"]] == [1, 2]
    assert code(api.patch(path, {"note": "x"}, headers={"If-Match": '"1"'})) == (412, "STALE_VERSION")
    assert api.post(f"{path}/events/submit").json()["status"] == "submitted"
    assert api.post(f"{path}/events/approve", who="boss").json()["status"] == "approved"
    acts = [entry["act"] for entry in api.get(f"{path}/history").json()["items"]]
    assert acts == ["event:approve", "event:submit", "update", "create"]
    assert api.send("DELETE", path).status_code == 204
    assert code(api.get(path)) == (404, "NOT_FOUND")


def test_lists_filter_sort_page_and_group(api: Api) -> None:
    for number in range(5):
        api.made(urgent=number % 2 == 0, lines=[{"item": "P200", "quantity": str(number + 1)}])
    first = api.get("/api/request?sort=-payable&limit=2&where=payable > 186").json()
    assert [item["payable"] for item in first["items"]] == ["930.00", "744.00"]
    second = api.get(f"/api/request?sort=-payable&limit=2&where=payable > 186&after={first['next']}").json()
    assert [item["payable"] for item in second["items"]] == ["558.00", "372.00"]
    assert second["next"] is None
    groups = api.get("/api/request?group=urgent&measure=count(id)&sort=urgent").json()["items"]
    assert groups == [{"urgent": False, "count(id)": 2}, {"urgent": True, "count(id)": 3}]


def test_what_is_wrong_is_told_with_its_place(api: Api) -> None:
    answer = api.post("/api/request", {**REQUEST, "kind": "x", "lines": [{"item": "P201", "quantity": "-1"}]})
    assert code(answer) == (422, "INVALID_VALUES")
    assert places(answer) == {"kind": "VALUE_CHOICE", "lines[0].quantity": "VALUE_RANGE"}
    taken = api.post("/api/supplier", {"code": "S101", "name": "x"}, "administrator")
    assert (code(taken), places(taken)) == ((409, "VALUE_TAKEN"), {"code": "VALUE_TAKEN"})
    assert code(api.get("/api/request/'%20or%201=1")) == (404, "NOT_FOUND")
    assert code(api.get("/api/request?where=project == '%00'")) == (400, "BAD_PARAMETER")


def test_each_in_bulk_is_undone_for_itself(api: Api) -> None:
    body = {"mode": "each", "items": [{"code": "N1", "name": "a"}, {"code": "S101", "name": "b"}, {"code": "N2"}]}
    items = api.post("/api/supplier/bulk", body, "administrator").json()["items"]
    assert [item["status"] for item in items] == [201, 409, 422]
    assert api.count("supplier") == 4


def test_the_same_key_at_the_same_time_is_one_request(api: Api) -> None:
    key = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: api.post("/api/request", REQUEST, headers=key), range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert api.count() == 1
    assert code(api.post("/api/request", {**REQUEST, "note": "x"}, headers=key)) == (409, "KEY_REUSED")


def test_of_many_changes_of_one_version_one_wins(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"

    def change(number: int) -> int:
        return int(api.patch(path, {"note": str(number)}, headers={"If-Match": '"1"'}).status_code)

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(change, range(12)))
    assert statuses == [200] + [412] * 11
    assert api.get(path).json()["version"] == 2
