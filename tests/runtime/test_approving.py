"""Approvals at work on both databases: who is found, what votes do, and that of two at a time one decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import AccessDenied, InvalidValues, NotFound, Refused, RequestError
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.actors import actor_of
from engine.runtime.inbox import BOXES, Inbox
from engine.runtime.service import SYSTEM
from engine.runtime.tasks import Tasks
from tests.runtime.running import Running

OFFICE = """
app: office
timezone: Asia/Shanghai
---
access: clerk
can: {paper: {read: all, create: all, events: all, delete: all}}
---
access: boss
can: {paper: {read: all, create: all, events: all}}
---
access: jury
can: {}
---
model: paper
key: number
title: number
workflow: signing
fields:
  number: {type: sequence, format: "P{seq:3}", unique: true}
  kind: {type: text, default: "'plain'"}
  dear: {type: boolean, default: false}
---
workflow: signing
for: paper
start: draft
states:
  draft:
    events: {submit: {to: sorted}}
  sorted:
    next:
      jury: {if: kind == "jury", to: with_jury}
      boss: {if: kind == "boss", to: with_boss}
      own: {if: kind == "own", to: with_own}
      free: {if: kind == "free", to: free}
      legal: {if: kind == "legal", to: with_legal}
      go: {to: with_manager}
  with_manager:
    events: {stop: {to: stopped}}
    approval:
      first: {by: {manager_of: created_by}, nobody: {role: boss}}
      second: {after: first, by: {manager_of: created_by, level: 2}, nobody: skip, repeated: skip}
    approved: done
    rejected: refused
  with_boss:
    approval:
      any: {by: {role: boss}, nobody: refuse}
      again: {after: any, by: {role: boss}, nobody: refuse, repeated: skip}
    approved: done
    rejected: refused
  with_jury:
    approval:
      jury:
        by: {role: jury}
        nobody: refuse
        mode: vote
        pass: 2/3
        veto: {person: j1}
        late: [{after: 1 h, do: escalate, to: {manager_of: assignee}}]
    approved: done
    rejected: refused
  free:
    approval:
      one: {by: {role: boss}, nobody: refuse, may: [transfer, delegate, add_signer, withdraw]}
      two:
        after: one
        by: {person: mid}
        nobody: refuse
        cc: {person: top}
        may: [return, transfer, add_signer]
        late: [{after: 1 h, do: escalate, to: {manager_of: assignee}}]
      three: {after: two, by: {person: mid}, nobody: refuse, may: [return]}
    approved: done
    rejected: refused
    returned: draft
  with_legal:
    approval:
      one: {by: {role: boss}, nobody: refuse, may: withdraw, late: [{after: 1 h, do: remind, repeat: 3}]}
      legal: {after: one, by: {person: mid}, nobody: refuse, skip_if: not dear}
      again: {after: legal, by: {role: boss}, nobody: refuse, repeated: skip}
      last: {after: again, by: {person: mid}, nobody: refuse, may: return}
    approved: done
    rejected: refused
    returned: draft
  with_own:
    approval: {own: {by: {user: created_by}, nobody: skip, self: skip}}
    approved: done
    rejected: refused
  done: {}
  refused: {}
  stopped: {}
"""


class Office:
    """The office at work: people by their logins."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.tasks = Tasks(running.service)
        self.people: dict[str, Actor] = {}

    def hire(self, login: str, role: str, manager: str | None = None) -> None:
        made = self.running.create(
            "user", {"login": login, "name": login, "roles": [{"role": role}], "manager": manager}
        )
        self.people[login] = self.running.read(lambda tx: actor_of(self.running.service, tx, made["id"]))

    def submit(self, kind: str = "plain", by: str = "ann") -> str:
        paper = self.running.create("paper", {"kind": kind}, self.people[by])
        self.running.fire("paper", paper["id"], "submit", self.people[by])
        return str(paper["id"])

    def open(self, key: str, step: str) -> str:
        found = self.running.all("task", equal={"record": key, "step": step, "open": "true"})
        return str(found[0]["id"])

    def decide(self, task: str, who: str, decision: str = "approve", comment: str = "as it is") -> Record:
        made: Record = self.running.write(lambda tx: self.tasks.decide(tx, self.people[who], task, decision, comment))
        return made

    def let_pass(self, **time: float) -> None:
        """Lets what falls due in so much time go off."""
        clock, timers, service = self.running.clock, self.running.store.timers, self.running.service
        clock.step(timedelta(**time))
        while (timer := self.running.read(lambda tx: timers.next(tx, clock.now()))) is not None:
            assert self.running.write(lambda tx, key=timer["id"]: service.deadlines.go_off(tx, key))

    def asked(self, key: str) -> list[tuple[str, str, str | None]]:
        """(step, who is asked, for whom) of what is open about a paper."""

        def work(tx: Any) -> list[tuple[str, str, str | None]]:
            found = []
            for vote in self.running.service.store.query.equal(tx, "vote", {"waiting": True}, limit=10_000):
                if vote["task"]["record"] == key:
                    person, other = vote["person"]["login"], vote["acting_for"]
                    found.append((vote["task"]["step"], person, other["login"] if other else None))
            return sorted(found)

        return list(self.running.read(work))

    def status(self, key: str) -> str:
        return str(self.running.get("paper", key)["status"])


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    running = Running(OFFICE, database_url)
    made = Office(running)
    made.hire("top", "boss")
    made.hire("mid", "clerk", "top")
    made.hire("ann", "clerk", "mid")
    yield made
    running.database.close()


def test_one_level_after_the_other_and_then_it_goes_on(office: Office) -> None:
    key = office.submit()
    assert office.asked(key) == [("first", "mid", None)]
    office.decide(office.open(key, "first"), "mid")
    assert office.asked(key) == [("second", "top", None)]
    office.decide(office.open(key, "second"), "top")
    assert (office.status(key), office.asked(key)) == ("done", [])


def test_a_no_ends_it_with_its_reason_in_the_history(office: Office) -> None:
    key = office.submit()
    office.decide(office.open(key, "first"), "mid", "reject", "too dear")
    assert office.status(key) == "refused"
    [entry] = [entry for entry in office.running.timeline("paper", key) if entry["act"] == "reject"]
    assert [(reason["rule"], reason["outcome"]) for reason in entry["reasons"]] == [
        ("vote.first", "reject"),
        ("signing.with_manager.first", "rejected"),
        ("signing.with_manager.rejected", "refused"),
    ]
    assert entry["reasons"][0]["message"] == "too dear"


def test_why_somebody_is_asked_stands_on_their_vote(office: Office) -> None:
    key = office.submit()
    [vote] = office.running.all("vote")
    assert vote["why"]["rule"] == "manager_of created_by, level 1"
    assert vote["why"]["at"].startswith("definitions/app.yaml:")
    assert vote["why"]["read"]["login"] == "mid"
    assert office.status(key) == "with_manager"


def test_where_there_is_no_manager_somebody_else_is_asked_and_nobody_decides_about_their_own(office: Office) -> None:
    office.hire("chief", "boss", None)
    key = office.submit(by="top")  # top has no manager, and is a boss
    assert office.asked(key) == [("first", "chief", None)]
    with pytest.raises(AccessDenied) as refused:
        office.decide(office.open(key, "first"), "top")
    assert refused.value.code == "NOT_ASKED"


def test_where_nobody_at_all_is_found_nothing_is_done(office: Office) -> None:
    paper = office.running.create("paper", {"kind": "boss"}, office.people["top"])
    with pytest.raises(Refused) as refused:
        office.running.fire("paper", paper["id"], "submit", office.people["top"])
    assert refused.value.code == "NOBODY_TO_ASK"
    assert office.status(paper["id"]) == "draft"
    assert office.running.all("task") == []


def test_managers_in_a_circle_are_told(office: Office) -> None:
    mid, top = (office.people[login].id or "" for login in ("mid", "top"))
    office.running.update("user", top, {"manager": "mid"})
    paper = office.running.create("paper", {}, office.people["mid"])  # mid's manager's manager is mid
    office.running.fire("paper", paper["id"], "submit", office.people["mid"])
    with pytest.raises(Refused) as refused:
        office.decide(office.open(paper["id"], "first"), "top")
    assert refused.value.code == "MANAGER_CIRCLE"
    assert office.asked(paper["id"]) == [("first", "top", None)]
    assert mid != top


def test_who_has_agreed_before_agrees_again_where_that_is_said(office: Office) -> None:
    key = office.submit("boss")
    office.decide(office.open(key, "any"), "top")
    assert office.status(key) == "done"


def test_who_would_only_ask_themselves_is_left_out(office: Office) -> None:
    key = office.submit("own")
    assert office.status(key) == "done"
    [task] = office.running.all("task")
    assert (task["outcome"], task["closed_by"]) == ("skipped", None)


def test_a_vote_ends_as_soon_as_it_is_decided(office: Office) -> None:
    for login in ("j1", "j2", "j3"):
        office.hire(login, "jury")
    key = office.submit("jury")
    task = office.open(key, "jury")
    office.decide(task, "j2")
    with pytest.raises(Refused) as again:
        office.decide(task, "j2")
    assert again.value.code == "ALREADY_ANSWERED"
    assert office.status(key) == "with_jury"
    office.decide(task, "j1")
    assert office.status(key) == "done"
    with pytest.raises(Refused) as late:
        office.decide(task, "j3", "reject")
    assert late.value.code == "ALREADY_DECIDED"
    assert office.running.all("vote", equal={"decision": "moot"})[0]["decided_at"] is not None


def test_covers_answer_for_those_who_are_away_and_covers_of_covers(office: Office) -> None:
    office.hire("amy", "clerk")
    office.hire("ben", "clerk")
    for person, cover in (("mid", "amy"), ("amy", "ben")):
        office.running.create(
            "leave", {"person": person, "cover": cover, "begins": "2026-11-20", "until": "2026-11-21"}
        )
    key = office.submit()
    assert office.asked(key) == [("first", "ben", "mid")]
    office.decide(office.open(key, "first"), "ben")
    assert office.asked(key) == [("second", "top", None)]


def go_on_leave(office: Office, person: str, cover: str, begins: str = "2026-11-20", until: str = "2026-11-21") -> str:
    values = {"person": person, "cover": cover, "begins": begins, "until": until}
    return str(office.running.create("leave", values)["id"])


def test_covers_in_a_circle_are_refused_when_the_leave_is_put_in(office: Office) -> None:
    for login in ("amy", "ben"):
        office.hire(login, "clerk")
    go_on_leave(office, "mid", "amy", until="2026-11-24")
    go_on_leave(office, "amy", "ben", "2026-11-22", "2026-11-26")
    with pytest.raises(InvalidValues) as refused:
        go_on_leave(office, "ben", "mid", "2026-11-23", "2026-11-30")
    [complaint] = refused.value.complaints
    assert (complaint.at, complaint.code) == ("cover", "COVER_CIRCLE")
    assert complaint.message == "on 2026-11-23 nobody would be left: ben → mid → amy → ben"
    later = go_on_leave(office, "ben", "mid", "2026-11-24", "2026-11-30")  # mid is back
    with pytest.raises(InvalidValues):
        office.running.update("leave", later, {"begins": "2026-11-23"})
    office.running.update("leave", later, {"reason": "far away"})


def test_who_covers_for_their_own_manager_is_decided_about_one_level_higher(office: Office) -> None:
    office.hire("chief", "boss")
    go_on_leave(office, "mid", "ann")
    assert office.asked(office.submit()) == [("first", "top", None)]
    go_on_leave(office, "top", "ann")
    assert office.asked(office.submit()) == [("first", "chief", None)], "nobody is left above: any boss who is there"


def test_who_of_many_is_away_is_asked_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.hire("chief", "boss")
    office.hire("head", "boss")
    office.hire("amy", "clerk")
    for cover, until in (("ann", "2026-11-20"), ("mid", "2026-11-21"), ("amy", "2026-11-21")):
        go_on_leave(office, "chief", cover, "2026-11-19", until)
    singly: list[str] = []
    equal = office.running.store.query.equal

    def watched(tx: Any, model: str, *args: Any, **more: Any) -> Any:
        singly.append(model)
        return equal(tx, model, *args, **more)

    monkeypatch.setattr(office.running.store.query, "equal", watched)
    key = office.submit("boss")
    assert office.asked(key) == [("any", "amy", "chief"), ("any", "head", None), ("any", "top", None)]
    assert singly.count("leave") == 1, "only of who covers"


def test_covers_in_a_circle_are_nobody(office: Office) -> None:
    office.hire("amy", "clerk")
    service = office.running.service
    first = go_on_leave(office, "mid", "amy")
    office.running.write(lambda tx: service.delete(tx, SYSTEM, "leave", first))
    go_on_leave(office, "amy", "mid")
    office.running.write(lambda tx: service.restore(tx, SYSTEM, "leave", first))
    assert office.asked(office.submit()) == [("first", "top", None)]


def test_who_has_left_is_not_asked_and_decides_nothing(office: Office) -> None:
    key = office.submit()
    task = office.open(key, "first")
    office.running.update("user", office.people["mid"].id or "", {"active": False})
    with pytest.raises(AccessDenied):
        office.decide(task, "mid")
    assert office.asked(office.submit()) == [("first", "top", None)]


def test_who_was_taken_away_covers_for_nobody_and_is_nobodys_manager(office: Office) -> None:
    office.hire("amy", "clerk")
    go_on_leave(office, "mid", "amy")
    service = office.running.service
    office.running.write(lambda tx: service.delete(tx, SYSTEM, "user", str(office.people["amy"].id)))
    assert office.asked(office.submit()) == [("first", "top", None)]
    office.running.write(lambda tx: service.delete(tx, SYSTEM, "user", str(office.people["mid"].id)))
    office.hire("chief", "boss")
    office.running.update("user", office.people["top"].id or "", {"active": False})
    assert office.asked(office.submit()) == [("first", "chief", None)]


def test_leaving_the_state_calls_its_tasks_off_and_so_does_the_trash(office: Office) -> None:
    key = office.submit()
    task = office.open(key, "first")
    office.running.fire("paper", key, "stop", office.people["ann"])
    with pytest.raises(Refused) as refused:
        office.decide(task, "mid")
    assert (refused.value.code, office.asked(key)) == ("TASK_OVER", [])
    other = office.submit()
    service = office.running.service
    office.running.write(lambda tx: service.delete(tx, office.people["ann"], "paper", other))
    assert office.asked(other) == []
    office.running.write(lambda tx: service.restore(tx, office.people["ann"], "paper", other))
    assert office.asked(other) == [("first", "mid", None)]
    assert office.running.all("task", equal={"record": other, "open": "true"})[0]["round"] == 2


def test_what_is_no_task_of_somebody_does_not_exist_for_them(office: Office) -> None:
    office.hire("jim", "jury")  # reads no papers
    key = office.submit()
    for task in (office.open(key, "first"), "01a1f6ae-9900-7000-8dde-95de1b56d9dc", "nonsense"):
        with pytest.raises(NotFound):
            office.decide(task, "jim")


def test_a_part_is_transferred_for_good(office: Office) -> None:
    office.hire("amy", "clerk")
    key = office.submit("free")
    task = office.open(key, "one")
    office.running.write(lambda tx: office.tasks.hand_on(tx, office.people["top"], task, "transfer", "amy"))
    assert office.asked(key) == [("one", "amy", None)]
    assert office.running.all("task", equal={"record": key}, expand=["assignee"])[0]["assignee"]["login"] == "amy"
    with pytest.raises(Refused) as refused:
        office.decide(task, "top")
    assert refused.value.code == "ALREADY_ANSWERED"
    office.decide(task, "amy")
    assert office.asked(key) == [("two", "mid", None)]


def test_a_part_comes_back_to_who_gave_it_away(office: Office) -> None:
    office.hire("amy", "clerk")
    key = office.submit("free")
    task = office.open(key, "one")
    for giver, taker in (("top", "amy"), ("amy", "top")):
        office.running.write(
            lambda tx, by=giver, to=taker: office.tasks.hand_on(tx, office.people[by], task, "transfer", to)
        )
    assert office.asked(key) == [("one", "top", None)]
    office.decide(task, "top")
    assert office.asked(key) == [("two", "mid", None)]


def test_a_delegate_answers_in_the_name_of_who_was_asked(office: Office) -> None:
    office.hire("amy", "clerk")
    key = office.submit("free")
    task = office.open(key, "one")
    office.running.write(lambda tx: office.tasks.hand_on(tx, office.people["top"], task, "delegate", "amy"))
    assert office.asked(key) == [("one", "amy", "top")]


@pytest.mark.parametrize(
    ("to", "code"),
    [("ann", "OWN_REQUEST"), ("top", "ASKED_ALREADY"), ("nobody", "INVALID_VALUES"), ("", "INVALID_VALUES")],
)
def test_to_whom_a_part_cannot_be_given(office: Office, to: str, code: str) -> None:
    key = office.submit("free")
    task = office.open(key, "one")
    with pytest.raises(RequestError) as refused:
        office.running.write(lambda tx: office.tasks.hand_on(tx, office.people["top"], task, "transfer", to))
    assert refused.value.code == code
    assert office.asked(key) == [("one", "top", None)]


def test_what_the_definition_does_not_let_people_do(office: Office) -> None:
    key = office.submit("boss")
    task = office.open(key, "any")
    with pytest.raises(Refused) as refused:
        office.running.write(lambda tx: office.tasks.hand_on(tx, office.people["top"], task, "transfer", "mid"))
    assert refused.value.code == "NOT_FORESEEN"


def test_signers_are_added_before_beside_and_after(office: Office) -> None:
    for login in ("amy", "ben", "cas"):
        office.hire(login, "clerk")
    key = office.submit("free")
    task = office.open(key, "one")

    def add(who: str, where: str) -> None:
        office.running.write(lambda tx: office.tasks.add(tx, office.people["top"], task, who, where))

    add("amy", "after")
    add("ben", "beside")
    add("cas", "before")
    assert office.asked(key) == [("one", "cas", None)]
    with pytest.raises(Refused) as refused:
        office.decide(task, "top")
    assert refused.value.code == "NOT_YOUR_TURN"
    office.decide(task, "cas")
    assert office.asked(key) == [("one", "ben", None), ("one", "top", None)]
    office.decide(task, "top")
    assert office.asked(key) == [("one", "ben", None)]
    office.decide(task, "ben")
    assert office.asked(key) == [("one", "amy", None)]
    office.decide(task, "amy")
    assert office.asked(key) == [("two", "mid", None)]


@pytest.mark.parametrize("how", ["transfer", "late", "before"])
def test_who_is_only_told_may_be_asked_in_the_end(office: Office, how: str) -> None:
    key = office.submit("free")
    office.decide(office.open(key, "one"), "top")
    two, mid = office.open(key, "two"), office.people["mid"]
    if how == "transfer":
        office.running.write(lambda tx: office.tasks.hand_on(tx, mid, two, how, "top"))
    elif how == "before":
        office.running.write(lambda tx: office.tasks.add(tx, mid, two, "top", how))
    else:
        office.let_pass(hours=1)
    assert office.asked(key) == [("two", "top", None)]
    office.decide(two, "top")
    assert office.asked(key) == [("two" if how == "before" else "three", "mid", None)]


def test_who_answers_instead_signs_where_the_other_would_have(office: Office) -> None:
    office.hire("ben", "clerk")
    office.hire("amy", "clerk", "ben")
    key = office.submit("free")
    office.decide(office.open(key, "one"), "top")
    two = office.open(key, "two")
    office.running.write(lambda tx: office.tasks.add(tx, office.people["mid"], two, "amy", "before"))
    office.let_pass(hours=1)
    assert office.asked(key) == [("two", "ben", None)]
    office.decide(two, "ben")
    assert office.asked(key) == [("two", "top", None)]


def test_whose_no_is_enough_is_replaced_by_somebody_whose_no_is(office: Office) -> None:
    for login, manager in (("j1", "top"), ("j2", None), ("j3", None)):
        office.hire(login, "jury", manager)
    key = office.submit("jury")
    task = office.open(key, "jury")
    office.let_pass(hours=1)
    for login in ("j2", "j3"):
        office.decide(task, login)
    assert office.status(key) == "with_jury"
    office.decide(task, "top", "reject")
    assert office.status(key) == "refused"


def test_who_was_passed_over_is_asked_once_the_condition_says_so(office: Office) -> None:
    key = office.submit("legal")
    office.decide(office.open(key, "one"), "top")
    last = office.open(key, "last")
    office.running.write(lambda tx: office.tasks.send_back(tx, office.people["mid"], last, "too cheap"))
    office.running.update("paper", key, {"dear": True})
    office.running.fire("paper", key, "submit", office.people["ann"])
    assert office.asked(key) == [("legal", "mid", None)]
    office.decide(office.open(key, "legal"), "mid")
    assert office.asked(key) == [("last", "mid", None)], "who has agreed is not asked again"


def test_who_agrees_again_by_having_agreed_may_still_take_it_back(office: Office) -> None:
    office.hire("chief", "boss")
    key = office.submit("legal")
    one = office.open(key, "one")
    office.decide(one, "top")
    assert office.asked(key) == [("last", "mid", None)]
    office.running.write(lambda tx: office.tasks.withdraw(tx, office.people["top"], one))
    assert office.asked(key) == [("one", "chief", None), ("one", "top", None)]
    said = office.running.all("vote", equal={"person": office.people["top"].id, "decision": "approve"})
    assert said == [], "what followed from it is taken back as well"
    office.decide(one, "chief")
    assert office.asked(key) == [("last", "mid", None)]


def test_what_was_taken_back_is_reminded_of_as_often_as_was_still_to_come(office: Office) -> None:
    key = office.submit("legal")
    one = office.open(key, "one")
    office.let_pass(hours=1, minutes=30)
    for _ in range(2):
        office.decide(one, "top")
        office.let_pass(hours=5)  # nobody is late with what is decided
        office.running.write(lambda tx: office.tasks.withdraw(tx, office.people["top"], one))
    assert office.running.get("task", one)["reminded"] == 1
    office.let_pass(minutes=59)
    assert office.running.get("task", one)["reminded"] == 1
    assert [office.running.get("task", one)["reminded"] for _ in range(3) if not office.let_pass(minutes=50)] == [
        2,
        3,
        3,
    ]


def test_an_answer_is_taken_back_until_the_next_step_has_acted(office: Office) -> None:
    key = office.submit("free")
    task = office.open(key, "one")
    office.decide(task, "top")
    assert office.asked(key) == [("two", "mid", None)]
    office.running.write(lambda tx: office.tasks.withdraw(tx, office.people["top"], task))
    assert office.asked(key) == [("one", "top", None)]
    office.decide(task, "top")
    office.decide(office.open(key, "two"), "mid")
    with pytest.raises(Refused) as refused:
        office.running.write(lambda tx: office.tasks.withdraw(tx, office.people["top"], task))
    assert refused.value.code == "CANNOT_WITHDRAW"


@pytest.mark.parametrize(("resume", "steps"), [(True, ["three"]), (False, ["two", "three"])])
def test_sent_back_to_a_step_it_goes_on_from_there_or_all_over(office: Office, resume: bool, steps: list[str]) -> None:
    key = office.submit("free")
    office.decide(office.open(key, "one"), "top")
    office.decide(office.open(key, "two"), "mid")
    three = office.open(key, "three")
    office.running.write(
        lambda tx: office.tasks.send_back(tx, office.people["mid"], three, "look again", "one", resume=resume)
    )
    assert office.asked(key) == [("one", "top", None)]
    office.decide(office.open(key, "one"), "top")
    for step in steps:
        assert office.asked(key) == [(step, "mid", None)]
        office.decide(office.open(key, step), "mid")
    assert office.status(key) == "done"
    assert {task["round"] for task in office.running.all("task", equal={"record": key})} == {1, 2}


@pytest.mark.parametrize(("resume", "asked"), [(True, ("two", "mid", None)), (False, ("one", "top", None))])
def test_sent_back_to_who_asked_it_comes_again(office: Office, resume: bool, asked: tuple[str, str, None]) -> None:
    key = office.submit("free")
    office.decide(office.open(key, "one"), "top")
    two = office.open(key, "two")
    office.running.write(lambda tx: office.tasks.send_back(tx, office.people["mid"], two, "mend it", resume=resume))
    assert (office.status(key), office.asked(key)) == ("draft", [])
    office.running.fire("paper", key, "submit", office.people["ann"])
    assert office.asked(key) == [asked]


def test_who_has_agreed_and_then_brings_it_back_is_not_taken_at_their_word(office: Office) -> None:
    office.hire("chief", "boss")
    key = office.submit("legal")
    office.decide(office.open(key, "one"), "top")
    last = office.open(key, "last")
    office.running.write(lambda tx: office.tasks.send_back(tx, office.people["mid"], last, "mend it"))
    office.running.fire("paper", key, "submit", office.people["top"])
    assert office.asked(key) == [("one", "chief", None)]


def test_where_it_cannot_be_sent_back_to(office: Office) -> None:
    key = office.submit("free")
    office.decide(office.open(key, "one"), "top")
    two = office.open(key, "two")
    for to in ("two", "three", "four"):
        with pytest.raises(Refused) as refused:
            office.running.write(lambda tx, to=to: office.tasks.send_back(tx, office.people["mid"], two, "no", to))
        assert refused.value.code == "CANNOT_RETURN"


def test_boxes_of_the_inbox(office: Office) -> None:
    key = office.submit("free")

    def box(who: str, name: str) -> list[str]:
        page = office.running.read(lambda tx: Inbox(office.running.service).page(tx, office.people[who], name))
        return [item.task["step"] for item in page.items]

    assert [box("top", name) for name in BOXES] == [["one"], ["one"], [], [], []]
    assert box("ann", "started") == ["one"]
    office.running.write(lambda tx: office.tasks.urge(tx, office.people["ann"], office.open(key, "one")))
    assert office.running.all("task")[0]["reminded"] == 1
    office.decide(office.open(key, "one"), "top")
    assert [box("top", name) for name in BOXES] == [[], [], [], ["one"], ["two"]]
    assert box("mid", "mine") == ["two"]


def test_of_two_at_the_same_time_one_decides_and_the_other_is_told_who(office: Office) -> None:
    office.hire("chief", "boss")
    for _ in range(3):
        key = office.submit("boss")
        task, told, barrier = office.open(key, "any"), [], Barrier(2)

        def vote(who: str, decision: str) -> None:
            barrier.wait()  # noqa: B023 - the threads end before the next round
            try:
                office.decide(task, who, decision)  # noqa: B023
            except RequestError as error:
                told.append((who, error.code, str(error.message)))  # noqa: B023

        threads = [Thread(target=vote, args=args) for args in (("top", "approve"), ("chief", "reject"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [(loser, code, message)] = told
        winner = "chief" if loser == "top" else "top"
        assert code == "ALREADY_DECIDED"
        assert winner in message
        said = [vote["decision"] for vote in office.running.all("vote", equal={"task": task})]
        assert sorted(said) == (["approve", "moot"] if winner == "top" else ["moot", "reject"])


VERBS = (
    "approve",
    "reject",
    "transfer",
    "delegate",
    "before",
    "beside",
    "after",
    "back",
    "starter",
    "withdraw",
    "submit",
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=14))
def test_whatever_people_do_no_task_is_lost_and_no_vote_counts_twice(
    crowd: Office, acts: list[tuple[str, int, int, bool]]
) -> None:
    key = crowd.submit("free")
    for verb, which, other, flag in acts:
        with suppress(RequestError):
            _act(crowd, key, verb, which, other, flag)
        _sound(crowd, key)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office with a few more people, for everything that they can think of."""
    folder = tmp_path_factory.mktemp("crowd")
    made = Office(Running(OFFICE, f"sqlite:///{folder}/crowd.db"))
    for login, role, manager in (("top", "boss", None), ("mid", "clerk", "top"), ("ann", "clerk", "mid")):
        made.hire(login, role, manager)
    for login in ("chief", "amy", "ben"):
        made.hire(login, "boss" if login == "chief" else "clerk")
    yield made
    made.running.database.close()


def _act(office: Office, key: str, verb: str, which: int, other: int, flag: bool) -> None:
    """Somebody does something with the last task, whether they may or not."""
    people = sorted(office.people)
    who, to, tasks, write = people[which], people[other], office.tasks, office.running.write
    actor = office.people[who]
    if verb == "submit":
        office.running.fire("paper", key, "submit", office.people["ann"])
        return
    found = office.running.all("task", equal={"record": key})
    task = str(found[other % len(found)]["id"])
    asked = [person for _, person, _ in office.asked(key)]
    if asked and flag:
        actor = office.people[asked[which % len(asked)]]
    if verb in ("approve", "reject"):
        write(lambda tx: tasks.decide(tx, actor, task, verb, "so"))
    elif verb in ("transfer", "delegate"):
        write(lambda tx: tasks.hand_on(tx, actor, task, verb, to))
    elif verb in ("before", "beside", "after"):
        write(lambda tx: tasks.add(tx, actor, task, to, verb))
    elif verb in ("back", "starter"):
        to_step = "one" if verb == "back" else None
        write(lambda tx: tasks.send_back(tx, actor, task, "again", to_step, resume=flag))
    else:
        write(lambda tx: tasks.withdraw(tx, actor, task))


def _sound(office: Office, key: str) -> None:
    """What holds after every act."""
    status, tasks = office.status(key), office.running.all("task", equal={"record": key}, limit=200)
    opened = [task for task in tasks if task["outcome"] is None]
    asked = office.asked(key)
    assert bool(opened) is (status == "free"), "a task is lost, or nobody's any more"
    assert {step for step, _, _ in asked} == {task["step"] for task in opened}, "somebody waits for nobody"
    assert len(opened) == len({task["step"] for task in opened})
    assert all(task["round"] == max(one["round"] for one in tasks) for task in opened)
    for task in tasks:
        assert (task["closed_at"] is None) is (task["outcome"] is None)
    votes = office.running.all("vote", where=f'task.record == "{key}"', limit=500)
    assert len({(vote["task"]["id"], vote["person"]["id"]) for vote in votes}) == len(votes), "a vote counts twice"
    if status == "done":
        last = [task for task in tasks if task["round"] == max(one["round"] for one in tasks)]
        agreed = {task["step"] for task in last if task["outcome"] in ("approved", "skipped")}
        assert agreed == {"one", "two", "three"}
