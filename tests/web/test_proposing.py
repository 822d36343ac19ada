"""Proposing a change of a record: over HTTP, and in the record's own form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.api_desk import Api, Json, code, open_api, places
from tests.web.channel_files import definitions_copy
from tests.web.desk_app import open_desk

CHANGES = """
workflow: request_changes
for: request
events:
  change:
    label: {zh: 修改申请, en: Change}
    from: [submitted]
    propose: [wanted, note, contact, lines]
    input: {reason: {type: text, required: true, label: {zh: 修改原因, en: Why changed}}}
    require: proposed.payable <= 100000
    message: {zh: 超出上限, en: Beyond the limit}
  agree: {label: {zh: 同意修改, en: Agree}, from: [submitted], do: [{apply: proposed}]}
  give_up: {label: {zh: 放弃修改, en: Give up}, from: [submitted], do: [{drop: proposed}]}
---
access: changers
can: {request: {update: {when: status == "draft"}, events: [change, give_up]}}
---
access: reader
can: {request: {read: all, hide: [note]}}
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The desk, whose clerk may propose changes of what the boss is looking at, and a guest who reads all but notes."""
    folder: Path = tmp_path_factory.mktemp("desk")
    with open_desk(folder, app_dir=definitions_copy(folder, changes=CHANGES)) as desk:
        for login, role in (("clerk", "changers"), ("guest", "reader")):
            roles = [{"role": role}, *([{"role": login}] if login == "clerk" else [])]
            person = desk.people[login]
            desk.write(
                lambda tx, person=person, roles=roles: desk.engine.service.update(  # type: ignore[misc]
                    tx, desk.actor("administrator"), "user", person, {"roles": roles}
                )
            )
        with open_api(desk) as api:
            yield api


def submitted(office: Api, **values: Any) -> Json:
    made = office.made(**values)
    return office.post(f"/api/request/{made['id']}/events/submit").json()


def at(record: Json) -> str:
    return f"/api/request/{record['id']}"


def test_what_is_proposed_is_told_beside_the_record(office: Api) -> None:
    record = submitted(office)
    assert office.get(at(record)).json()["proposed"] is None
    line = record["lines"][0]["id"]
    given = {"note": "n", "lines": [{"id": line, "quantity": 3}], "reason": "more"}
    answer = office.post(f"{at(record)}/events/change", given, headers={"If-Match": f'"{record["version"]}"'})
    assert (answer.status_code, answer.json()["version"]) == (200, record["version"])  # nothing has changed yet
    shown = office.get(at(record)).json()
    assert (shown["payable"], shown["proposed"]["record"]["payable"]) == ("5300.00", "7950.00")
    assert shown["proposed"]["input"] == {"reason": "more"}
    assert shown["proposed"]["changes"][f"lines.[{line}].quantity"] == ["2.000", "3.000"]
    assert shown["proposed"]["changes"]["note"] == [None, "n"]
    assert "note" not in office.get(at(record), "guest").json()["proposed"]["changes"]
    assert "proposed" not in office.get(f"{at(record)}?fields=payable").json()
    [offer] = [one for one in office.get(f"{at(record)}/events").json()["items"] if one["event"] == "change"]
    assert (offer["allowed"], offer["proposes"]) == (False, ["contact", "lines", "note", "wanted"])
    agreed = office.post(f"{at(record)}/events/agree", who="boss").json()
    assert (agreed["payable"], agreed["version"]) == ("7950.00", record["version"] + 1)
    assert office.get(at(record)).json()["proposed"] is None
    then = office.get(f"{at(record)}/history/{record['version']}").json()
    assert (then["payable"], then["version"], then["lines"][0]["quantity"]) == ("5300.00", record["version"], "2.000")


@pytest.mark.parametrize("version", ["0", "99", "x", "1.5", "-1"])
def test_a_version_that_never_was(office: Api, version: str) -> None:
    assert code(office.get(f"{at(submitted(office))}/history/{version}")) == (404, "NOT_FOUND")


def test_what_is_refused_says_where_and_why(office: Api) -> None:
    record = submitted(office)
    path = f"{at(record)}/events/change"
    wrong = office.post(path, {"wnated": "2027-01-01", "payable": "1", "lines": [{"id": record["id"]}]})
    assert code(wrong) == (422, "INVALID_VALUES")
    assert places(wrong) == {"wnated": "UNKNOWN_FIELD", "payable": "READ_ONLY", "reason": "VALUE_REQUIRED"}
    assert places(office.post(path, {"reason": "r"})) == {"": "NOTHING_PROPOSED"}
    nowhere = office.post(path, {"reason": "r", "lines": [{"id": record["id"], "quantity": 1}]})
    assert places(nowhere) == {"lines[0].id": "UNKNOWN_ROW"}
    stale = office.post(path, {"reason": "r", "note": "n"}, headers={"If-Match": '"1"'})
    assert code(stale) == (412, "STALE_VERSION")
    assert code(office.post(f"{at(record)}/events/agree", who="boss")) == (409, "NOTHING_PENDING")
    assert code(office.post(path, {"reason": "r", "note": "n"}, "boss")) == (403, "ACCESS_DENIED")
    assert office.post(path, {"reason": "r", "note": "n"}).status_code == 200
    assert code(office.post(path, {"reason": "r", "note": "m"}, "administrator")) == (409, "PROPOSAL_PENDING")
    assert "李强" in office.post(path, {"reason": "r", "note": "m"}).json()["detail"]
    office.patch(at(record), {"note": "else"}, "administrator")
    conflict = office.post(f"{at(record)}/events/agree", who="boss")
    assert code(conflict) == (409, "PROPOSAL_CONFLICT")
    assert places(conflict) == {"note": "CHANGED_MEANWHILE"}
    assert office.get(at(record)).json()["proposed"]["conflicts"][0]["at"] == "note"


def test_openapi_knows_what_an_event_proposes(office: Api) -> None:
    schemas = office.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["request.change"]["properties"]) == {"wanted", "note", "contact", "lines", "reason"}
    assert schemas["request.change"]["required"] == ["reason"]
    assert "proposed" in schemas["request"]["properties"]
    assert "proposed" not in schemas["supplier"]["properties"]


def test_a_list_cannot_be_asked_for_what_is_only_proposed(office: Api) -> None:
    for parameter in ("where=proposed.payable > 5", "where=proposed == null", "sort=proposed", "group=proposed.note"):
        answer = office.get(f"/api/request?{parameter}")
        assert answer.status_code == 400, (parameter, answer.text)


# Pages ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(office: Api) -> TestClient:
    office.desk.who = "clerk"
    return TestClient(office.desk.application, headers={"Accept-Language": "zh-CN"}, follow_redirects=False)


def test_the_form_of_an_event_that_proposes_is_the_records_own(office: Api, visitor: TestClient) -> None:
    record = submitted(office)
    path = f"/m/request/{record['id']}"
    assert f'href="{path}/do/change">修改申请' in visitor.get(path).text  # no dialog: it is a whole form
    page = visitor.get(f"{path}/do/change").text
    names = set(re.findall(r'<(?:input|textarea|select)[^>]* name="([\w.]+)"', page))
    assert {"wanted", "note", "contact", "reason"} <= names
    assert not {"supplier", "discount", "kind"} & names
    key = re.search(r'name="lines\.([\w-]+)\.quantity"', page)
    assert key is not None
    base = re.search(r'name="base" value="([^"]*)"', page)
    assert base is not None
    row = f"lines.{key[1]}"
    sent = {
        "version": str(record["version"]),
        "base": base[1].replace("&#34;", '"'),
        "wanted": "2026-12-24",
        "note": "",
        "contact": "",
        f"{row}.id": record["lines"][0]["id"],
        "lines~grid": "1",
        "lines": [key[1]],
        f"{row}.item": record["lines"][0]["item"],
        f"{row}.item~text": "变频器 5.5kW",
        f"{row}.item~was": "变频器 5.5kW",
        f"{row}.quantity": "4",
        f"{row}.price": "2650",
        f"{row}.off": "0",
    }
    live = visitor.post(f"{path}/do/change/preview", data=sent).json()
    assert live["outputs"][f"{row}.amount"]["text"] == "10,600.00"
    refused = visitor.post(f"{path}/do/change", data=sent)
    assert refused.status_code == 422
    assert 'id="f-reason-fault">必填' in refused.text
    assert re.search(rf'value="4"[^>]* name="{re.escape(row)}\.quantity"', refused.text)
    beyond = visitor.post(f"{path}/do/change", data={**sent, f"{row}.quantity": "40", "reason": "加量"})
    assert (beyond.status_code, "超出上限" in beyond.text) == (409, True)
    done = visitor.post(f"{path}/do/change", data={**sent, "reason": "加量"})
    assert done.status_code == 303, done.text
    shown = visitor.get(path).text
    assert "待生效的修改：修改申请" in shown
    assert "加量" in shown
    assert re.search(r"明细 1 · 数量</dt><dd><del>2</del> → <ins>4</ins>", shown)
    assert re.search(r"合计</dt><dd><del>5,300.00</del> → <ins>10,600.00</ins>", shown)
    again = visitor.post(f"{path}/do/change", data={**sent, "reason": "再加"})
    assert (again.status_code, "李强 已于" in again.text) == (409, True)
    assert "提出的修改" in visitor.get(f"{path}/explain").text


def test_who_may_not_read_a_field_sees_nothing_of_it_on_the_page(office: Api, visitor: TestClient) -> None:
    record = submitted(office)
    given = {"note": "hush", "contact": "13911112222", "wanted": "2027-01-05", "reason": "r"}
    office.post(f"{at(record)}/events/change", given)
    assert "hush" in visitor.get(f"/m/request/{record['id']}").text
    office.desk.who = "guest"
    page = visitor.get(f"/m/request/{record['id']}").text
    assert "2027-01-05" in page
    assert "hush" not in page
    assert "13911112222" not in page
    assert "139****2222" in page


def test_a_row_that_comes_and_one_that_goes_are_told_whole(office: Api, visitor: TestClient) -> None:
    record = submitted(office, lines=[{"item": "P200", "quantity": 1}, {"item": "P201", "quantity": 2}])
    rows = [{"id": record["lines"][1]["id"]}, {"item": "P202", "quantity": 5}]
    office.post(f"{at(record)}/events/change", {"lines": rows, "reason": "r"})
    office.desk.write(
        lambda tx: office.desk.engine.service.update(
            tx,
            office.desk.actor("administrator"),
            "request",
            record["id"],
            {"lines": [{"line": 1, "quantity": 9}, {"line": 2}]},
        )
    )
    page = visitor.get(f"/m/request/{record['id']}").text
    assert re.search(r"明细 1</dt><dd><del>不锈钢球阀 DN25 · 9 · [^<]*</del> → 删除", page)
    assert re.search(r"明细 3</dt><dd><ins>温控器 TC-100 · 5 ·", page)
    assert "提出修改后已被改动" in page
