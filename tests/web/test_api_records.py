"""One record over HTTP: created, read, changed, fired, held, trashed, restored; and what the caller may not do."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.ports import Record
from tests.web.api_desk import Api, code, places

NOWHERE = "01a20169-2e00-7000-8000-000000000000"


def test_a_record_is_created_with_all_that_follows_from_it(api: Api) -> None:
    answer = api.post(
        "/api/request",
        {
            "supplier": "S102",
            "wanted": "2026-12-24",
            "discount": "10.50",
            "lines": [{"item": "P200", "quantity": "2.5"}, {"item": "P201", "quantity": 1, "price": 99.995}],
        },
    )
    assert answer.status_code == 201
    record = answer.json()
    assert answer.headers["location"] == f"/api/request/{record['id']}"
    assert answer.headers["etag"] == '"1"'
    assert (record["status"], record["version"]) == ("draft", 1)
    assert [line["amount"] for line in record["lines"]] == ["465.00", "100.00"]
    assert (record["goods"], record["payable"]) == ("565.00", "554.50")
    assert sum(Decimal(line["share"]) for line in record["lines"]) == Decimal("10.50")
    assert api.get(answer.headers["location"]).json() == record


def test_a_number_with_a_point_is_exact(api: Api) -> None:
    record = api.made()
    raw = b'{"lines": [{"item": "P201", "quantity": 0.1, "price": 0.30}]}'
    answer = api.send(
        "PATCH", f"/api/request/{record['id']}", content=raw, headers={"Content-Type": "application/json"}
    )
    assert (answer.json()["lines"][0]["quantity"], answer.json()["payable"]) == ("0.100", "0.03")


def test_links_and_rows_come_along_when_asked_for(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    assert isinstance(api.get(path).json()["supplier"], str)
    record = api.get(path + "?expand=supplier,lines.item").json()
    assert record["supplier"]["name"] == "浙江金盛建材集团"
    assert record["lines"][0]["item"]["code"] == "P201"
    assert record["supplier"]["phone"] == "138****1234", "personal data of a supplier is not the clerk's"
    assert sorted(api.get(path + "?fields=wanted,kind").json()) == ["id", "kind", "version", "wanted"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("expand=nothing", "BAD_EXPAND"),
        ("expand=wanted", "BAD_EXPAND"),
        ("fields=nothing", "BAD_FIELDS"),
        ("where=true", "UNKNOWN_PARAMETER"),
        ("fields=wanted&fields=kind", "PARAMETER_TWICE"),
    ],
)
def test_parameters_of_one_record_are_checked(api: Api, query: str, expected: str) -> None:
    assert code(api.get(f"/api/request/{api.made()['id']}?{query}")) == (400, expected)


def test_a_change_names_the_version_that_it_is_of(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    first = api.patch(path, {"note": "first"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"], first.json()["note"]) == (200, '"2"', "first")
    second = api.patch(path, {"note": "second"}, headers={"If-Match": '"1"'})
    assert code(second) == (412, "STALE_VERSION")
    assert api.get(path).json()["note"] == "first"
    assert api.patch(path, {"note": "third"}).json()["version"] == 3, "without If-Match any version will do"
    assert api.patch(path, {"note": "fourth"}, headers={"If-Match": "*"}).json()["version"] == 4


@pytest.mark.parametrize("etag", ['W/"1"', '"1", "2"', "one", '"-1"', '"' + "9" * 30 + '"', '""', '"①"'])
def test_what_is_no_etag_of_ours_is_refused(api: Api, etag: str) -> None:
    path = f"/api/request/{api.made()['id']}"
    answer = api.patch(path, {"note": "x"}, headers={"If-Match": etag.encode()})
    assert code(answer) == (400, "BAD_IF_MATCH")


def test_events_and_deletes_take_a_version_too(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    api.patch(path, {"note": "newer"})
    old = {"If-Match": '"1"'}
    assert code(api.post(f"{path}/events/submit", headers=old)) == (412, "STALE_VERSION")
    assert code(api.send("DELETE", path, headers=old)) == (412, "STALE_VERSION")
    assert api.post(f"{path}/events/submit", headers={"If-Match": '"2"'}).json()["status"] == "submitted"


def test_an_event_is_fired_with_its_input(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    assert api.post(f"{path}/events/submit").json()["status"] == "submitted"
    lacking = api.post(f"{path}/events/refuse", {"until": "soon"}, who="boss")
    assert code(lacking) == (422, "INVALID_VALUES")
    assert places(lacking) == {"until": "VALUE_FORMAT", "reason": "VALUE_REQUIRED"}
    refused = api.post(f"{path}/events/refuse", {"reason": "too dear"}, who="boss")
    assert (refused.status_code, refused.json()["status"]) == (200, "refused")


def test_what_may_be_fired_is_told_with_its_reasons(api: Api) -> None:
    record = api.made(lines=[{"item": "P201", "quantity": "1", "price": "0"}])
    [offer] = api.get(f"/api/request/{record['id']}/events").json()["items"]
    assert (offer["event"], offer["allowed"]) == ("submit", False)
    assert offer["reasons"][0]["at"].startswith("workflows/request.yaml:")
    answer = api.post(f"/api/request/{record['id']}/events/submit", headers={"Accept-Language": "zh"})
    assert code(answer) == (409, "GUARD_REFUSED")
    assert "合计必须大于零" in answer.text


def test_an_event_of_another_state_or_another_role_is_refused(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    assert code(api.post(f"{path}/events/approve", who="boss")) == (409, "TRANSITION_REFUSED")
    assert code(api.post(f"{path}/events/nothing", who="administrator")) == (409, "TRANSITION_REFUSED")
    api.post(f"{path}/events/submit")
    assert code(api.post(f"{path}/events/approve")) == (403, "ACCESS_DENIED")


def test_a_hold_blocks_until_somebody_releases_it_with_a_reason(api: Api) -> None:
    record = api.made(lines=[{"item": "P201", "quantity": "5"}])
    path = f"/api/request/{record['id']}"
    api.post(f"{path}/events/submit")
    held = api.post(f"{path}/events/approve", who="boss")
    assert code(held) == (409, "HELD")
    assert held.json()["reasons"]
    assert code(api.post(f"{path}/release/budget", {"why": ""}, who="boss")) == (422, "INVALID_VALUES")
    assert code(api.post(f"{path}/release/budget", {"reason": "x"}, who="boss")) == (400, "BAD_REASON")
    assert code(api.post(f"{path}/release/nothing", {"why": "x"}, who="boss")) == (404, "NOT_FOUND")
    assert code(api.post(f"{path}/release/budget", {"why": "x"})) == (403, "ACCESS_DENIED")
    assert api.post(f"{path}/release/budget", {"why": "budget is raised"}, who="boss").status_code == 200
    assert api.post(f"{path}/events/approve", who="boss").json()["status"] == "approved"


def test_the_history_tells_who_changed_what(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    api.patch(path, {"kind": "project", "contact": "13912345678"})
    changed, created = api.get(f"{path}/history").json()["items"]
    assert (created["act"], created["actor_name"]) == ("create", "clerk")
    assert changed["changes"]["kind"] == ["stock", "project"]
    assert changed["changes"]["contact"] == [None, "13912345678"]
    seen = api.get(f"{path}/history", "boss").json()["items"][0]
    assert seen["changes"]["contact"] == [None, "***"], "personal data is masked in the past too"


def test_a_record_goes_to_the_trash_and_comes_back(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    assert api.send("DELETE", path).status_code == 204
    assert code(api.get(path)) == (404, "NOT_FOUND")
    assert code(api.send("DELETE", path)) == (404, "NOT_FOUND")
    assert api.post(f"{path}/restore").status_code == 200
    assert api.get(path).status_code == 200


def test_what_is_not_there_is_not_found(api: Api) -> None:
    for path in (
        "/api/nothing",
        "/api/request/1",
        f"/api/request/{NOWHERE}",
        "/api/request/'; drop",
        "/api/x/y/z/w",
        "/api/request/",
    ):
        assert code(api.get(path)) == (404, "NOT_FOUND"), path
    hint = api.get("/api/reqest").json()["detail"]
    assert "request" in hint


def test_a_method_that_an_address_does_not_take(api: Api) -> None:
    answer = api.send("PUT", "/api/request")
    assert code(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"]


def test_rights_are_kept_for_every_verb(api: Api) -> None:
    record = api.made()
    path = f"/api/request/{record['id']}"
    assert code(api.get(path, "guest")) == (404, "NOT_FOUND"), "outside of the guest's scope it does not exist"
    assert code(api.patch(path, {"note": "x"}, "guest")) == (404, "NOT_FOUND")
    assert code(api.post("/api/request", {}, "guest")) == (403, "ACCESS_DENIED")
    assert code(api.get("/api/user", "guest")) == (403, "ACCESS_DENIED")
    assert code(api.patch(path, {"note": "x"}, "boss")) == (403, "ACCESS_DENIED")
    assert code(api.send("DELETE", path, "boss")) == (403, "ACCESS_DENIED")


def test_hidden_fields_are_absent(api: Api) -> None:
    record = api.made(urgent=True, note="between us")
    seen = api.get(f"/api/request/{record['id']}", "guest").json()
    assert "note" not in seen
    assert "between us" not in api.get(f"/api/request/{record['id']}/history", "guest").text


def test_who_may_write_and_not_read_learns_only_that_it_is_there(api: Api) -> None:
    reading, guest = api.desk.engine.reading, api.desk.actor("guest")
    urgent, other = api.desk.request(urgent=True), api.desk.request()

    def seen(record: Record) -> dict[str, object]:
        return api.desk.write(lambda tx: reading.written(tx, guest, "request", api.desk.read(record["id"])))

    assert seen(other) == {"id": other["id"], "version": 1, "status": "draft"}
    assert seen(urgent)["payable"] == "5300.00"


def test_a_unique_value_is_taken_once(api: Api) -> None:
    answer = api.post("/api/supplier", {"code": "S101", "name": "twice"}, "administrator")
    assert code(answer) == (409, "VALUE_TAKEN")
    assert places(answer) == {"code": "VALUE_TAKEN"}
