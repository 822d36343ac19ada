"""Idempotency keys: what comes twice is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.web.api_desk import REQUEST, Api, code

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def test_a_request_that_comes_twice_is_done_once_and_answered_the_same(api: Api) -> None:
    first = api.post("/api/request", REQUEST, headers=KEY)
    second = api.post("/api/request", REQUEST, headers=KEY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert first.headers["etag"] == second.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert api.count() == 1


def test_the_key_of_another_body_is_refused(api: Api) -> None:
    api.post("/api/request", REQUEST, headers=KEY)
    answer = api.post("/api/request", {**REQUEST, "note": "other"}, headers=KEY)
    assert code(answer) == (409, "KEY_REUSED")
    wrong = api.post("/api/request", {"nonsense": 1}, headers=KEY)
    assert code(wrong) == (409, "KEY_REUSED"), "also where the other body would be refused by itself"
    elsewhere = api.post("/api/request/bulk", REQUEST, headers=KEY)
    assert code(elsewhere)[0] in (400, 409)
    assert api.count() == 1


def test_a_key_belongs_to_its_caller(api: Api) -> None:
    api.post("/api/request", REQUEST, headers=KEY)
    assert api.post("/api/request", REQUEST, "administrator", headers=KEY).status_code == 201
    assert api.count() == 2


def test_what_was_refused_may_be_tried_again(api: Api) -> None:
    record = api.made(lines=[{"item": "P201", "quantity": "1", "price": "0"}])
    path = f"/api/request/{record['id']}"
    assert code(api.post(f"{path}/events/submit", headers=KEY)) == (409, "GUARD_REFUSED")
    api.patch(path, {"lines": [{"line": 1, "price": "5"}]})
    assert api.post(f"{path}/events/submit", headers=KEY).status_code == 200


def test_an_event_that_comes_twice_is_fired_once(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}/events/submit"
    first, second = api.post(path, headers=KEY), api.post(path, headers=KEY)
    assert (first.status_code, second.status_code) == (200, 200), "though the state does not know the event any more"
    assert first.content == second.content


def test_a_bulk_that_comes_twice_is_done_once(api: Api) -> None:
    body = {"items": [REQUEST, REQUEST]}
    first = api.post("/api/request/bulk", body, headers=KEY)
    assert api.post("/api/request/bulk", body, headers=KEY).content == first.content
    assert api.count() == 2


def test_keys_expire(api: Api) -> None:
    first = api.post("/api/request", REQUEST, headers=KEY)
    api.desk.clock.step(timedelta(hours=23))
    assert api.post("/api/request", REQUEST, headers=KEY).content == first.content
    api.desk.clock.step(timedelta(hours=2))
    assert api.post("/api/request", REQUEST, headers=KEY).json()["id"] != first.json()["id"]
    assert api.count() == 2


def test_many_at_once_are_done_once(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.post("/api/request", REQUEST, headers=KEY), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert api.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_what_is_no_key(api: Api, key: str) -> None:
    assert code(api.post("/api/request", REQUEST, headers={"Idempotency-Key": key})) == (400, "BAD_KEY")


def test_a_key_on_another_method_means_nothing(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    for version in (2, 3):
        assert api.patch(path, {"note": str(version)}, headers=KEY).json()["version"] == version
