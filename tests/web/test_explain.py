"""Why a record is as it is: over HTTP, on its page, and on the command line. Only what the reader may read."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.api_desk import Api, code
from tests.web.desk_app import Desk

Json = dict[str, Any]


def explained(api: Api, key: str, who: str = "clerk", **parameters: str) -> Json:
    answer = api.get(f"/api/request/{key}/explain", who, params=parameters)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def part(tree: Json, kind: str, name: str) -> Json:
    """The only part of that kind and name, directly below."""
    [found] = [one for one in tree["parts"] if (one["kind"], one["name"]) == (kind, name)]
    return found


def all_parts(tree: Json) -> list[Json]:
    return [tree, *(inner for one in tree.get("parts", ()) for inner in all_parts(one))]


def test_a_computed_field_is_told_with_its_line_and_the_values_it_rests_on(api: Api) -> None:
    key = api.made(discount="10.00", lines=[{"item": "P200", "quantity": "2"}])["id"]
    payable = part(explained(api, key), "field", "payable")
    assert (payable["value"], payable["text"]) == ("362.00", "goods - discount")
    assert payable["at"].startswith("definitions/desk.yaml:")
    assert [(one["name"], one["value"]) for one in payable["parts"]] == [("goods", "372.00"), ("discount", "10.00")]


def test_a_field_of_rows_is_told_for_each_row(api: Api) -> None:
    key = api.made(lines=[{"item": "P200", "quantity": "2", "off": "0.5"}, {"item": "P201", "quantity": "1"}])["id"]
    tree = explained(api, key, field="lines.amount")
    assert [(one["name"], one["value"]) for one in tree["parts"]] == [
        ("lines[0].amount", "186.00"),
        ("lines[1].amount", "2650.00"),
    ]
    first = {one["name"]: one["value"] for one in all_parts(tree["parts"][0])}
    assert first["quantity"] == "2.000"
    assert first["1 - off"] == "0.5000"


def test_the_state_is_told_with_who_brought_it_there_and_by_which_rule(api: Api, desk: Desk) -> None:
    record = desk.fire(desk.request(), "submit")
    status = part(explained(api, record["id"]), "status", "status")
    assert status["value"] == "submitted"
    [act] = status["parts"]
    assert (act["name"], act["value"]) == ("event:submit", "submitted")
    assert act["text"].startswith("clerk · 2026-11-22T04:00:00Z")
    rules = {reason["name"]: reason for reason in act["parts"]}
    assert rules["submit.require"]["value"] == "passed"
    assert rules["request_flow.submit"]["at"].startswith("workflows/request.yaml:")


def test_an_event_that_is_held_says_by_what(api: Api, desk: Desk) -> None:
    record = desk.fire(desk.request(lines=[{"item": "P201", "quantity": "5"}]), "submit")
    tree = explained(api, record["id"], "boss", event="approve")
    assert tree["value"] == "refused"
    assert [one["name"] for one in all_parts(tree) if one["value"] == "HELD"] == ["request_flow.approve", "hold.budget"]
    hold = part(explained(api, record["id"], "boss"), "hold", "budget")
    assert {one["name"]: one["value"] for one in hold["parts"]} == {
        "since": "2026-11-22T04:00:00Z",
        "assigned": "boss",
        "blocks": "approve",
    }
    free = desk.fire(desk.request(), "submit")
    assert explained(api, free["id"], "boss", event="approve")["value"] == "possible"


def test_a_guard_says_what_it_saw(api: Api, desk: Desk) -> None:
    record = desk.request(discount="5300.00")
    tree = explained(api, record["id"], event="submit")
    assert tree["value"] == "refused"
    guard = part(tree, "part", "payable > 0")
    assert guard["value"] is False
    assert [(one["name"], one["value"]) for one in guard["parts"]] == [("payable", "0.00")]


def test_rights_are_told_with_the_line_that_grants_them(api: Api, desk: Desk) -> None:
    record = desk.request(urgent=True)
    mine = explained(api, record["id"], "guest")
    [read] = part(mine, "right", "read")["parts"]
    assert (read["name"], read["text"], read["value"]) == ("access.guest", "read: urgent_ones", True)
    assert read["at"].startswith("definitions/desk.yaml:")
    assert part(mine, "right", "update")["value"] is False
    assert part(explained(api, record["id"]), "right", "update")["value"] is True


def test_nothing_is_told_that_the_reader_may_not_read(api: Api, desk: Desk) -> None:
    """A guest may read the urgent requests, and neither suppliers nor items."""
    record = desk.request(urgent=True, note="secret note")
    whole = explained(api, record["id"], "guest")
    days = part(whole, "field", "supplier_days")
    assert [(one["name"], one["text"]) for one in days["parts"]] == [("supplier.days", "not yours to read")]
    assert "secret note" not in str(whole)
    other = desk.request(urgent=False)
    assert code(api.get(f"/api/request/{other['id']}/explain", "guest")) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("parameters", "status", "words"),
    [
        ({"field": "payble"}, 404, "did you mean 'payable'"),
        ({"field": "note"}, 404, "no computed field 'note'"),
        ({"event": "aprove"}, 404, "there is no event 'aprove'"),
        ({"field": "payable", "event": "submit"}, 400, "not both"),
        ({"what": "x"}, 400, "unknown parameter"),
    ],
)
def test_what_cannot_be_explained_is_said(
    api: Api, desk: Desk, parameters: dict[str, str], status: int, words: str
) -> None:
    answer = api.get(f"/api/request/{desk.request()['id']}/explain", params=parameters)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_the_page_tells_it_in_the_readers_words(desk: Desk, visitor: TestClient) -> None:
    record = desk.fire(desk.request(lines=[{"item": "P201", "quantity": "5"}]), "submit")
    desk.who = "boss"
    path = f"/m/request/{record['id']}"
    assert f'href="{path}/explain"' in visitor.get(path).text
    page = visitor.get(f"{path}/explain").text
    for words in ("为什么是这样", "计算字段", "超出预算", "小计", "sum(lines.amount)", "definitions/desk.yaml:"):
        assert words in page
    english = visitor.get(f"{path}/explain", headers={"Accept-Language": "en"}).text
    for words in ("Computed fields", "Over budget", "not possible", "Submit"):
        assert words in english
