"""The acts on a task over pages: only what may be done is offered, and what is refused is told in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.ports import Record
from tests.web.channel_files import definitions_copy
from tests.web.desk_app import Desk, open_desk

LETTERS = """
access: letters
can: {letter: {read: all, create: all, events: all}}
---
calendar: office
week: {monday: [["09:00", "18:00"]], tuesday: [["09:00", "18:00"]], wednesday: [["09:00", "18:00"]]}
confirmed_until: 2020-12-31
---
message: hurry
for: letter
by: log
text: {zh: "请尽快处理 {{ letter.number }}", en: "Please hurry with {{ letter.number }}: {{ user.name }}"}
---
model: letter
key: number
title: number
workflow: letter_flow
fields: {number: {type: sequence, format: "L{seq:3}", unique: true}}
---
workflow: letter_flow
for: letter
start: asked
states:
  asked:
    label: {zh: 待签, en: To be signed}
    timers: {stale: {label: {zh: 久未签署, en: Never signed}, after: 30 d, do: [{hold: stale}]}}
    approval:
      one:
        label: {zh: 初审, en: First look}
        by: {person: boss}
        nobody: refuse
        may: [transfer, delegate, add_signer, withdraw]
        urge: hurry
        due: 3 d
        late: [{after: 4 work_hours, do: remind}]
      two: {label: {zh: 复审, en: Second look}, after: one, by: {person: boss}, nobody: refuse, may: [return, withdraw]}
    approved: good
    rejected: bad
    returned: mending
  mending: {label: {zh: 补正, en: Being mended}, events: {again: {label: {zh: 重新提交, en: Again}, to: asked}}}
  good: {label: {zh: 已签, en: Signed}, color: ok}
  bad: {label: {zh: 已拒, en: Refused}, color: bad}
"""


class Office:
    """A browser in front of the desk, and who sits there."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.browser = TestClient(desk.application, headers={"Accept-Language": "en"}, follow_redirects=False)

    def letter(self) -> str:
        made = self.desk.write(
            lambda tx: self.desk.engine.service.create(tx, self.desk.actor("administrator"), "letter", {})
        )
        return str(made["id"])

    def tasks(self, letter: str) -> list[Record]:
        query = self.desk.engine.service.store.query
        return self.desk.engine.database.read(lambda tx: query.equal(tx, "task", {"record": letter}, limit=50))

    def page(self, letter: str, who: str) -> str:
        self.desk.who = who
        return self.browser.get(f"/m/letter/{letter}").text

    def offered(self, letter: str, who: str) -> list[str]:
        """The verbs that the pages of the tasks of a letter offer somebody, who may not read letters."""
        self.desk.who = who
        pages = [self.browser.get(f"/tasks/{task['id']}").text for task in self.tasks(letter)]
        return [verb for page in pages for verb in re.findall(r"/tasks/[0-9a-f-]+/(\w+)", page)]

    def act(self, letter: str, who: str, verb: str, **form: str) -> tuple[int, str]:
        """The status, and where it leads or what the page says."""
        self.desk.who = who
        task = next(one for one in reversed(self.tasks(letter)) if one["outcome"] is None or verb == "withdraw")
        answer = self.browser.post(f"/tasks/{task['id']}/{verb}?back=/m/letter/{letter}", data=form)
        return answer.status_code, answer.headers.get("location", unescape(answer.text))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    with open_desk(folder, app_dir=definitions_copy(folder, letters=LETTERS)) as desk:
        yield Office(desk)


def test_only_what_may_be_done_is_offered(office: Office) -> None:
    letter = office.letter()
    everything = ["approve", "reject", "transfer", "delegate", "add_signer", "comment"]
    assert office.offered(letter, "boss") == everything
    assert office.offered(letter, "administrator") == ["comment", "urge"]
    assert re.findall(r"/tasks/[0-9a-f-]+/(\w+)", office.page(letter, "administrator")) == ["comment", "urge"]
    assert office.act(letter, "boss", "approve", comment="good")[0] == 303
    assert office.offered(letter, "boss") == ["withdraw", "comment", "approve", "reject", "return", "comment"]
    assert office.act(letter, "boss", "approve")[0] == 303
    assert office.offered(letter, "boss") == ["comment", "comment"]


def test_somebody_is_named_and_signs_after(office: Office) -> None:
    letter = office.letter()
    [task] = office.tasks(letter)
    office.desk.who = "boss"
    found = office.browser.get(f"/tasks/{task['id']}/people", params={"q": "clerk"}).json()["options"]
    assert [one["value"] for one in found] == ["clerk"]
    assert (
        office.browser.get(f"/tasks/{task['id']}/add_signer", headers={"HX-Request": "true"}).text.count("<option") == 3
    )
    status, text = office.act(letter, "boss", "add_signer", **{"to~text": "nobody", "where": "after"})
    assert (status, 'aria-invalid="true"' in text) == (422, True)
    named = {"to": "clerk", "to~text": "x", "to~was": "x", "where": "after", "comment": "you, too"}
    assert office.act(letter, "boss", "add_signer", **named) == (303, f"/m/letter/{letter}?acted=add_signer")
    assert office.act(letter, "boss", "approve")[0] == 303
    assert office.tasks(letter)[0]["outcome"] is None
    assert "you, too" in office.page(letter, "administrator")
    assert office.act(letter, "clerk", "approve")[0] == 303
    assert office.tasks(letter)[0]["outcome"] == "approved"
    office.desk.who = "administrator"
    assert office.browser.get(f"/tasks/{task['id']}/people").status_code == 404


def test_sent_back_to_an_earlier_step_or_to_whoever_asked(office: Office) -> None:
    letter = office.letter()
    office.act(letter, "boss", "approve")
    status, text = office.act(letter, "boss", "return", to="one")
    assert (status, "First look" in text, "Whoever asked" in text) == (422, True, True)
    assert office.act(letter, "boss", "return", to="one", resume="over", comment="look again")[0] == 303
    assert [task["step"] for task in office.tasks(letter)] == ["one", "two", "one"]
    office.act(letter, "boss", "approve")
    assert office.act(letter, "boss", "return", to="-", resume="here", comment="mend it")[0] == 303
    assert "Being mended" in office.page(letter, "administrator")


def test_what_somebody_else_has_done_is_told_in_place(office: Office) -> None:
    letter = office.letter()
    [task] = office.tasks(letter)
    office.act(letter, "boss", "approve")
    office.desk.who = "boss"
    late = office.browser.post(f"/tasks/{task['id']}/reject", data={"comment": "no"})
    assert (late.status_code, "You have answered this task already" in late.text, ">no</textarea>" in late.text) == (
        409,
        True,
        True,
    )
    office.desk.who = "administrator"
    strange = office.browser.post(f"/tasks/{task['id']}/approve", data={})
    assert (strange.status_code, "You are not asked about this" in strange.text) == (403, True)
    assert office.browser.post(f"/tasks/{task['id']}/burn", data={}).status_code == 404
    assert office.browser.get(f"/tasks/{task['id']}").status_code == 200
    office.desk.who = None
    assert office.browser.get(f"/tasks/{task['id']}").headers["location"].startswith("/login")


def test_haste_is_asked_for_once_an_hour_and_told_to_those_who_are_asked(office: Office) -> None:
    letter = office.letter()
    assert office.act(letter, "administrator", "urge")[0] == 303
    jobs = office.desk.engine.database.read(lambda tx: tx.core(office.desk.engine.service.store.tables["job"].select()))
    sent = [job["payload"] for job in jobs if job["queue"] == "message" and job["payload"]["record"] == letter]
    assert [(one["message"], one["to"]["id"]) for one in sent] == [("hurry", office.desk.people["boss"])]
    status, text = office.act(letter, "administrator", "urge")
    assert (status, "you can again from" in text) == (429, True)
    assert "urge" not in office.offered(letter, "administrator")
    office.desk.clock.step(timedelta(hours=1))
    assert office.act(letter, "administrator", "urge")[0] == 303


def drawn(page: str, css: str) -> list[str]:
    """The titles of what the wide drawings show in some looks."""
    wide = "".join(re.findall(r'<div class="scroll wide".*?</svg>', page, re.DOTALL))
    return re.findall(rf'<(?:g|path) class="(?:node|edge) {css}[^>]*>\s*<title>([^<]*)', wide)


def test_the_case_is_drawn_with_its_way_and_what_comes_next(office: Office) -> None:
    letter = office.letter()
    asked = office.page(letter, "administrator")
    case, approval = re.findall(r'<div class="scroll wide".*?</svg>', asked, re.DOTALL)
    nodes = re.findall(r'<g class="node', case)
    assert (len(nodes), len(re.findall(r'<g class="node', approval))) == (4, 2)
    [now, first] = drawn(asked, "now")
    assert now.startswith("To be signed · ")
    assert first == "First look · 王芳 · Open"
    assert sorted(drawn(asked, "next")) == [
        "Being mended · → Sent back",
        "Refused · → Rejected",
        "Second look · To come",
        "Signed · → Approved",
        "To be signed → Approved → Signed",
        "To be signed → Rejected → Refused",
        "To be signed → Sent back → Being mended",
    ]
    assert "Approved → Signed; Rejected → Refused; Sent back → Being mended" in asked  # the table
    office.act(letter, "boss", "approve")
    office.act(letter, "boss", "return", to="-", resume="here", comment="mend it")
    back = office.page(letter, "administrator")
    assert drawn(back, "taken") == ["To be signed → Sent back → Being mended"]
    assert drawn(back, "mine") == ["Being mended → Again → To be signed"]
    assert [title.partition(" · ")[0] for title in drawn(back, "past")] == ["To be signed"]
    assert office.page(letter, "administrator").count('role="img"') == 2  # nobody is asked: no steps of an approval


def test_what_falls_due_is_told_with_when_and_why(office: Office) -> None:
    letter = office.letter()
    page = unescape(office.page(letter, "administrator"))
    told = re.findall(r'<li class="hold"><b>(.*?)</b>.*?class="why">(.*?)</span></li>', page)
    assert [what for what, _ in told] == ["First look · Reminder", "First look · Is due", "Never signed"]
    assert all("definitions/channels/letters.yaml:" in why for _, why in told)
    assert "4 working hours" in told[0][1]
    assert "by the calendar office (definitions/channels/letters.yaml:" in told[0][1]
    assert page.count("Provisional: that day") == 1
    tree = unescape(office.browser.get(f"/m/letter/{letter}/explain").text)
    assert "What falls due" in tree
    assert "王芳" in tree
    assert "person boss" in tree
    assert "4 work_hours" in tree
    office.act(letter, "boss", "reject", comment="no")
    assert "What falls due" not in office.page(letter, "administrator")
