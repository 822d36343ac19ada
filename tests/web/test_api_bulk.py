"""Many records in one request: all or each, new or found again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api_desk import REQUEST, Api, code, places

WRONG = {**REQUEST, "wanted": "x"}


def test_all_of_them_are_made(api: Api) -> None:
    answer = api.post("/api/request/bulk", {"items": [REQUEST] * 3})
    items = answer.json()["items"]
    assert [(item["status"], item["version"]) for item in items] == [(201, 1)] * 3
    assert len({item["id"] for item in items}) == api.count() == 3


def test_one_that_is_wrong_refuses_all(api: Api) -> None:
    answer = api.post("/api/request/bulk", {"items": [REQUEST, WRONG, "x", {**REQUEST, "kind": "y"}]})
    assert code(answer) == (422, "INVALID_VALUES")
    assert places(answer) == {
        "items[1].wanted": "VALUE_FORMAT",
        "items[2]": "VALUE_TYPE",
        "items[3].kind": "VALUE_CHOICE",
    }
    assert api.count() == 0


def test_each_for_itself(api: Api) -> None:
    items = api.post("/api/request/bulk", {"mode": "each", "items": [REQUEST, WRONG, REQUEST]}).json()["items"]
    assert [item["status"] for item in items] == [201, 422, 201]
    assert items[1]["problem"]["errors"][0]["at"] == "wanted"
    assert api.count() == 2


def test_found_again_by_the_key(api: Api) -> None:
    items = [{"code": "S101", "days": 3}, {"code": "S900", "name": "new"}]
    answer = api.post("/api/supplier/bulk", {"items": items, "upsert": True}, "administrator")
    assert [item["status"] for item in answer.json()["items"]] == [200, 201]
    [found] = api.get("/api/supplier?code=S101").json()["items"]
    assert (found["days"], found["name"]) == (3, "浙江金盛建材集团")
    again = api.post("/api/supplier/bulk", {"items": items, "upsert": "code"}, "administrator")
    assert [item["status"] for item in again.json()["items"]] == [200, 200]
    assert api.count("supplier") == 4


def test_a_record_that_comes_twice_is_found_the_second_time(api: Api) -> None:
    items = [{"code": "S900", "name": "first"}, {"code": "S900", "name": "second"}]
    answer = api.post("/api/supplier/bulk", {"items": items, "upsert": True}, "administrator")
    assert [item["status"] for item in answer.json()["items"]] == [201, 200]
    assert api.get("/api/supplier?code=S900").json()["items"][0]["name"] == "second"


def test_without_the_key_nothing_is_found(api: Api) -> None:
    answer = api.post("/api/supplier/bulk", {"items": [{"name": "x"}], "upsert": True}, "administrator")
    assert places(answer) == {"items[0].code": "VALUE_REQUIRED"}


def test_rights_hold_for_every_one(api: Api) -> None:
    assert code(api.post("/api/request/bulk", {"items": [REQUEST]}, "guest")) == (403, "ACCESS_DENIED")
    items = api.post("/api/supplier/bulk", {"items": [{"code": "S101", "days": 1}], "upsert": True, "mode": "each"})
    assert items.json()["items"][0]["status"] == 403


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "BAD_BULK")),
        ({"items": {}}, (400, "BAD_BULK")),
        ({"items": [], "mode": "some"}, (400, "BAD_BULK")),
        ({"items": [], "upsert": "wanted"}, (400, "BAD_BULK")),
        ({"items": [], "upsert": "nothing"}, (400, "BAD_BULK")),
        ({"items": [], "upsert": ["code"]}, (400, "BAD_BULK")),
        ({"itmes": []}, (400, "BAD_BULK")),
        ({"items": [{}] * 1_001}, (413, "TOO_LARGE")),
    ],
)
def test_what_is_no_bulk(api: Api, body: Any, expected: tuple[int, str]) -> None:
    assert code(api.post("/api/request/bulk", body)) == expected
