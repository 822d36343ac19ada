"""The inbox over HTTP: what waits for whom, and what is done with it, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.runtime.tasks import Tasks
from tests.web.api_desk import Api, Json, open_api
from tests.web.channel_files import definitions_copy
from tests.web.desk_app import open_desk

MEMOS = """
access: memos
can: {memo: {read: all, create: all, events: all}}
---
model: memo
key: number
title: number
workflow: memo_flow
fields: {number: {type: sequence, format: "M{seq:3}", unique: true}}
---
workflow: memo_flow
for: memo
start: asked
states:
  asked:
    approval:
      boss: {by: {person: boss}, nobody: refuse, may: transfer}
      both: {after: boss, by: {user: owner}, nobody: skip, self: allow}
    approved: good
    rejected: bad
  good: {}
  bad: {}
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Api]:
    """The desk with memos, which the administrator writes."""
    with open_desk(tmp_path, app_dir=definitions_copy(tmp_path, memos=MEMOS)) as desk, open_api(desk) as api:
        yield api


def memo(office: Api) -> Json:
    answer = office.post("/api/memo", {}, "administrator")
    assert answer.status_code == 201, answer.text
    return answer.json()


def inbox(office: Api, who: str, **how: Any) -> list[Json]:
    answer = office.get("/api/tasks", who, params=how)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_a_box_may_be_filtered(office: Api) -> None:
    first, second = memo(office), memo(office)

    def found(**how: Any) -> list[str]:
        return [item["record"] for item in inbox(office, "boss", **how)]

    assert found() == [first["id"], second["id"]]
    assert found(q=second["number"].lower()) == [second["id"]]
    assert found(q="no such title") == found(model="item") == found(overdue="true") == []
    assert found(model="memo", overdue="false") == [first["id"], second["id"]]
    wrongs: list[Json] = [{"overdue": "yes"}, {"model": "nothing"}]
    for wrong in wrongs:
        assert office.get("/api/tasks", "boss", params=wrong).status_code == 400


def test_what_waits_is_listed_decided_and_gone(office: Api) -> None:
    made = memo(office)
    [item] = inbox(office, "boss")
    assert (item["title"], item["step"], item["record"]) == (made["number"], "boss", made["id"])
    assert item["vote"]["why"]["rule"] == "person boss"
    assert item["starter"]["login"] == "administrator"
    assert inbox(office, "clerk") == []
    done = office.post(f"/api/tasks/{item['id']}/approve", {"comment": "fine"}, "boss")
    assert (done.status_code, done.json()["outcome"]) == (200, "approved")
    assert inbox(office, "boss") == []
    assert [one["vote"]["comment"] for one in inbox(office, "boss", box="done")] == ["fine"]
    [mine] = inbox(office, "administrator", model="memo")
    assert office.post(f"/api/tasks/{mine['id']}/approve", None, "administrator").status_code == 200
    assert office.get(f"/api/memo/{made['id']}", "administrator").json()["status"] == "good"


def test_with_a_key_a_vote_that_comes_twice_is_answered_the_same(office: Api) -> None:
    memo(office)
    [item] = inbox(office, "boss")
    path, key = f"/api/tasks/{item['id']}/reject", {"Idempotency-Key": "k1"}
    first = office.post(path, {"comment": "no"}, "boss", headers=key)
    again = office.post(path, {"comment": "no"}, "boss", headers=key)
    assert (first.status_code, again.content) == (200, first.content)
    late = office.post(path, {"comment": "no"}, "boss")
    assert (late.status_code, late.json()["code"]) == (409, "ALREADY_ANSWERED")


def test_many_at_once_each_for_itself(office: Api) -> None:
    memo(office), memo(office)
    ids = [item["id"] for item in inbox(office, "boss")]
    office.post(f"/api/tasks/{ids[0]}/approve", {}, "boss")
    answer = office.post("/api/tasks/bulk", {"verb": "approve", "ids": ids}, "boss").json()
    assert [one["status"] for one in answer["items"]] == [409, 200]
    assert inbox(office, "boss") == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("{id}/aprove", {}, 404, "NOT_FOUND"),
        ("{id}/reject", {}, 422, "INVALID_VALUES"),
        ("{id}/approve", {"coment": "x"}, 422, "INVALID_VALUES"),
        ("{id}/approve", {"comment": 1}, 422, "INVALID_VALUES"),
        ("{id}/approve", {"comment": "x" * 5000}, 422, "INVALID_VALUES"),
        ("{id}/transfer", {"to": "nobody"}, 422, "INVALID_VALUES"),
        ("{id}/delegate", {"to": "clerk"}, 409, "NOT_FORESEEN"),
        ("nonsense/approve", {}, 404, "NOT_FOUND"),
        ("bulk", {"verb": "transfer", "ids": []}, 400, "BAD_BULK"),
        ("bulk", {"verb": "approve", "ids": ["x"]}, 400, "BAD_BULK"),
        ("bulk", {"verb": "approve", "ids": ["01a1f6ae-9900-7000-8dde-95de1b56d9dc"] * 201}, 400, "BAD_BULK"),
    ],
)
def test_bad_requests(office: Api, path: str, body: Json, status: int, code: str) -> None:
    memo(office)
    [item] = inbox(office, "boss")
    answer = office.post("/api/tasks/" + path.format(id=item["id"]), body, "boss")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(inbox(office, "boss")) == 1


def test_bad_boxes_and_strangers(office: Api) -> None:
    memo(office)
    [item] = inbox(office, "boss")
    for bad in ({"box": "mien"}, {"limit": "0"}, {"limit": "x"}, {"model": "nothing"}, {"after": "x"}, {"page": "2"}):
        assert office.get("/api/tasks", "boss", params=bad).status_code == 400, bad
    assert office.get("/api/tasks", None).status_code == 401
    assert office.post(f"/api/tasks/{item['id']}/approve", {}, "guest").status_code == 404
    assert office.post(f"/api/tasks/{item['id']}/approve", {}, "administrator").json()["code"] == "NOT_ASKED"


def test_pages_of_a_box_follow_each_other(office: Api) -> None:
    for _ in range(3):
        memo(office)
    first = office.get("/api/tasks", "boss", params={"limit": 2}).json()
    second = office.get("/api/tasks", "boss", params={"limit": 2, "after": first["next"]}).json()
    assert [item["title"] for item in (*first["items"], *second["items"])] == ["M001", "M002", "M003"]
    assert second["next"] is None


def test_the_page_lists_decides_many_and_says_what_could_not_be(tmp_path: Path) -> None:
    with open_desk(tmp_path, app_dir=definitions_copy(tmp_path, memos=MEMOS)) as desk:
        browser = TestClient(desk.application, headers={"Accept-Language": "en"}, follow_redirects=False)
        made = [
            desk.write(lambda tx: desk.engine.service.create(tx, desk.actor("administrator"), "memo", {})) for _ in "ab"
        ]
        desk.who = "boss"
        page = browser.get("/tasks").text
        assert [record["number"] in page for record in made] == [True, True]
        ids = re.findall(r'name="id" value="([^"]+)"', page)
        assert len(ids) == 2
        some = browser.get(f"/tasks?q={made[1]['number']}").text
        assert [key in some for key in ids] == [False, True]
        assert "Nothing here" in browser.get("/tasks?overdue=true").text
        no_reason = browser.post("/tasks", data={"verb": "reject", "id": ids})
        assert (no_reason.status_code, "2 could not be decided" in no_reason.text) == (422, True)
        assert browser.post("/tasks", data={"verb": "approve"}).status_code == 422
        assert browser.post("/tasks", data={"verb": "burn", "id": ids}).status_code == 400
        done = browser.post("/tasks", data={"verb": "approve", "id": ids[0], "comment": "fine <b>"})
        assert (done.status_code, done.headers["location"]) == (303, "/tasks?decided=1")
        again = browser.post("/tasks", data={"verb": "approve", "id": ids})
        assert (again.status_code, "1 could not be decided" in again.text) == (409, True)
        assert "Nothing here" in browser.get("/tasks").text
        assert "Approved" in browser.get("/tasks?box=done").text
        assert browser.get("/tasks?box=nonsense").status_code == 400
        desk.who = None
        assert browser.get("/tasks").headers["location"].startswith("/login")


def test_the_record_shows_its_way_and_lets_who_is_asked_decide_there(tmp_path: Path) -> None:
    with open_desk(tmp_path, app_dir=definitions_copy(tmp_path, memos=MEMOS)) as desk:
        browser = TestClient(desk.application, headers={"Accept-Language": "en"}, follow_redirects=False)
        made = desk.write(lambda tx: desk.engine.service.create(tx, desk.actor("administrator"), "memo", {}))
        [task] = desk.engine.database.read(lambda tx: desk.engine.service.store.query.equal(tx, "task", {}, limit=5))
        desk.write(
            lambda tx: Tasks(desk.engine.service).decide(tx, desk.actor("boss"), task["id"], "approve", "fine <b>")
        )
        desk.who = "administrator"
        here = f"/m/memo/{made['id']}"
        page = browser.get(here).text
        assert "王芳" in page
        assert "fine &lt;b&gt;" in page
        [path] = re.findall(r'href="(/tasks/[^"]+/approve[^"]*)"', page)
        done = browser.post(path.replace("&amp;", "&"), data={"comment": ""})
        assert done.headers["location"] == f"{here}?acted=approve"
        assert "/approve" not in browser.get(here).text
