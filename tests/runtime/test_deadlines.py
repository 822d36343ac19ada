"""Timers of states and ladders over holds: set, moved, called off, gone off, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import Refused
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.actors import actor_of
from engine.runtime.service import SYSTEM
from engine.runtime.tasks import Tasks
from tests.runtime.running import START, Running

DESK = """
app: desk
timezone: Asia/Shanghai
---
calendar: office
week:
  monday: [["09:00", "12:00"], ["13:00", "18:00"]]
  tuesday: [["09:00", "12:00"], ["13:00", "18:00"]]
  friday: [["09:00", "12:00"], ["13:00", "18:00"]]
---
access: clerk
can: {round: {read: all, update: all}}
---
access: head
can: {round: {read: all}, wish: {read: all}}
---
access: jury
can: {plea: {read: all}}
---
model: wish
key: code
workflow: wishing
fields:
  code: {type: text, unique: true}
  noted: {type: integer, default: 0}
---
workflow: wishing
for: wish
start: asked
states:
  asked:
    approval:
      first:
        by: {role: clerk}
        nobody: refuse
        mode: all
        cc: {person: watcher}
        may: [transfer, add_signer]
        due: 1 h
        late:
          - {after: 30 min, do: remind, repeat: 2, every: 10 min, message: hurry}
          - {after: 60 min, do: escalate, to: {manager_of: assignee}}
          - {after: 90 min, do: [{set: {noted: noted + 1}}]}
          - {after: 2 h, do: reject}
      second: {after: first, by: {role: head}, nobody: refuse, late: [{after: 1 d, do: approve}]}
    approved: granted
    rejected: refused
    events: {drop: {to: refused}}
  granted: {}
  refused: {}
---
model: plea
key: code
workflow: pleading
fields: {code: {type: text, unique: true}}
---
workflow: pleading
for: plea
start: asked
states:
  asked:
    approval:
      jury:
        by: {role: jury}
        nobody: refuse
        mode: vote
        pass: 0.5
        veto: {person: cy}
        due: 1 h
        late: [{after: 60 min, do: escalate, to: {manager_of: assignee}}]
    approved: heard
    rejected: heard
  heard: {}
---
message: hurry
for: wish
by: [log]
text: "{{ wish.code }}"
---
model: place
key: code
fields:
  code: {type: text, unique: true}
  closes: datetime
workflow: news
---
workflow: news
for: place
start: quiet
states:
  quiet:
    events:
      tell: {do: [{for_each: rounds, as: r, do: [{fire: hear, record: r}]}]}
      ask: {do: [{for_each: rounds, as: r, do: [{fire: look, record: r}]}]}
---
model: round
key: code
workflow: going
fields:
  code: {type: text, unique: true}
  place: {type: link, to: place, back: rounds}
  ends: datetime
  seen: datetime
  count: {type: integer, default: 0}
  least: {type: integer, default: 1}
  warned: {type: integer, default: 0}
---
workflow: going
for: round
start: open
states:
  open:
    timers:
      end:
        at: ends
        next:
          enough: {if: count >= least, to: full}
          short: {to: failed}
      nudge: {after: 8 work_hours, do: [{set: {warned: warned + 1}}]}
    events:
      again: {to: open}
      look: {to: watched}
      stop: {to: failed}
  watched:
    timers:
      silent: {after: 2 h, since: seen, do: [{set: {warned: warned + 1}}]}
      closing: {at: place.closes, next: {out: {to: failed}}}
      beat: {after: 30 min, every: 10 min, repeat: 3, do: [{set: {count: count + 1}}]}
    events: {back: {to: open}, hear: {by: system, to: full}}
  full: {}
  failed:
    do:
      - hold: review
        assign: {role: clerk}
        due: 1 h
        late:
          - {after: 30 min, do: remind}
          - {after: 60 min, do: escalate, to: {role: head}}
          - {after: 2 h, do: [{set: {warned: 99}}]}
"""


@pytest.fixture
def desk(database_url: str) -> Iterator[Running]:
    running = Running(DESK, database_url)
    yield running
    running.database.close()


def iso(**later: float) -> str:
    return (START + timedelta(**later)).isoformat()


def go(desk: Running, **by: float) -> list[str]:
    """The steps of the timers that go off in so much time, each at its moment."""
    until = desk.clock.now() + timedelta(**by)
    timers, done = desk.store.timers, []
    while (timer := desk.read(lambda tx: timers.next(tx, until))) is not None:
        desk.clock.step(max(timer["due_at"] - desk.clock.now(), timedelta()))
        assert desk.write(lambda tx, key=timer["id"]: desk.service.deadlines.go_off(tx, key))
        done.append(timer["step"])
    desk.clock.step(until - desk.clock.now())
    return done


def waiting(desk: Running, record: Record) -> dict[str, datetime]:
    """When the timers of a round are due that have not gone off."""
    rows = desk.all("timer", where=f'record == "{record["id"]}" and done_at == null')
    return {f"{row['step']}/{row['rung']}" if row["kind"] != "case" else row["step"]: row["due_at"] for row in rows}


def status(desk: Running, record: Record) -> str:
    return str(desk.get("round", record["id"])["status"])


def test_a_timer_decides_at_its_moment(desk: Running) -> None:
    short = desk.create("round", {"code": "A", "ends": iso(hours=3), "least": 2})
    full = desk.create("round", {"code": "B", "ends": iso(hours=3)})
    desk.update("round", full["id"], {"count": 1})
    go(desk, hours=2, minutes=59)
    assert (status(desk, short), status(desk, full)) == ("open", "open")
    assert go(desk, minutes=1) == ["open.end", "open.end"]
    assert (status(desk, short), status(desk, full)) == ("failed", "full")


def test_a_timer_without_a_moment_waits_for_one(desk: Running) -> None:
    made = desk.create("round", {"code": "A"})
    assert set(waiting(desk, made)) == {"open.nudge"}
    desk.update("round", made["id"], {"ends": iso(hours=1)})
    assert waiting(desk, made)["open.end"] == START + timedelta(hours=1)
    desk.update("round", made["id"], {"ends": iso(hours=5)})
    assert waiting(desk, made)["open.end"] == START + timedelta(hours=5)
    desk.update("round", made["id"], {"ends": None})
    assert set(waiting(desk, made)) == {"open.nudge"}


def test_leaving_the_state_calls_its_timers_off(desk: Running) -> None:
    made = desk.create("round", {"code": "A", "ends": iso(hours=1)})
    desk.fire("round", made["id"], "look")
    assert set(waiting(desk, made)) == {"watched.silent", "watched.beat"}
    assert "open.end" not in go(desk, hours=5)
    assert status(desk, made) == "watched"


def test_working_time_counts_from_the_entry(desk: Running) -> None:
    made = desk.create("round", {"code": "A"})  # Friday, ten in the morning
    monday = datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert waiting(desk, made)["open.nudge"] == monday, "seven hours on Friday, and one on Monday"
    desk.clock.step(timedelta(hours=1))
    desk.update("round", made["id"], {"count": 5})
    assert waiting(desk, made)["open.nudge"] == monday, "a change that it does not read moves nothing"
    desk.fire("round", made["id"], "again")
    assert waiting(desk, made)["open.nudge"] == monday + timedelta(hours=1), "entering anew begins anew"


def test_since_restarts_it(desk: Running) -> None:
    made = desk.create("round", {"code": "A", "seen": iso(hours=-5)})
    desk.fire("round", made["id"], "look")
    assert waiting(desk, made)["watched.silent"] == START + timedelta(hours=2), "what was before the entry is nothing"
    desk.clock.step(timedelta(hours=1))
    desk.update("round", made["id"], {"seen": iso(hours=1)})
    assert waiting(desk, made)["watched.silent"] == START + timedelta(hours=3)
    go(desk, hours=3)
    assert desk.get("round", made["id"])["warned"] == 1
    assert "watched.silent" not in go(desk, hours=48), "once, as long as nothing is seen"
    desk.update("round", made["id"], {"seen": desk.clock.now().isoformat()})
    assert "watched.silent" in go(desk, hours=3)
    assert desk.get("round", made["id"])["warned"] == 2


def test_a_moment_of_another_record_moves_it(desk: Running) -> None:
    place = desk.create("place", {"code": "P", "closes": iso(hours=9)})
    made = desk.create("round", {"code": "A", "place": "P"})
    desk.fire("round", made["id"], "look")
    assert waiting(desk, made)["watched.closing"] == START + timedelta(hours=9)
    desk.update("place", place["id"], {"closes": iso(hours=4)})
    assert waiting(desk, made)["watched.closing"] == START + timedelta(hours=4)
    go(desk, hours=4)
    assert status(desk, made) == "failed"


def test_it_repeats_so_many_times(desk: Running) -> None:
    made = desk.create("round", {"code": "A"})
    desk.fire("round", made["id"], "look")
    assert go(desk, minutes=45) == ["watched.beat"] * 2
    assert go(desk, minutes=60) == ["watched.beat"]
    assert desk.get("round", made["id"])["count"] == 3


def test_what_was_missed_is_made_good_once(desk: Running) -> None:
    made = desk.create("round", {"code": "A"})
    desk.fire("round", made["id"], "look")
    desk.clock.step(timedelta(minutes=45))  # nobody works meanwhile: one at 30 and one at 40 are overdue
    assert go(desk) == ["watched.beat"]
    assert go(desk, minutes=5) == ["watched.beat"]
    assert go(desk, minutes=60) == []
    assert desk.get("round", made["id"])["count"] == 2


def test_overdue_ones_go_off_in_turn(desk: Running) -> None:
    made = [desk.create("round", {"code": f"R{hours}", "ends": iso(hours=hours)}) for hours in (2, 3, 1)]
    desk.clock.step(timedelta(hours=4))
    assert go(desk) == ["open.end"] * 3
    held = [hold["record"] for hold in desk.all("hold", sort=["id"])]
    assert held == [made[at]["id"] for at in (2, 0, 1)]


def test_the_trash_calls_off_and_restoring_sets_anew(desk: Running) -> None:
    made = desk.create("round", {"code": "A", "ends": iso(hours=1)})
    desk.write(lambda tx: desk.service.delete(tx, SYSTEM, "round", made["id"]))
    assert go(desk, hours=2) == []
    desk.write(lambda tx: desk.service.restore(tx, SYSTEM, "round", made["id"]))
    assert go(desk) == ["open.end"]
    assert status(desk, made) == "failed"


def test_why_it_went_off_is_in_the_history(desk: Running) -> None:
    made = desk.create("round", {"code": "A", "ends": iso(hours=1)})
    go(desk, hours=1)
    [fired] = [
        reason
        for entry in desk.all("history", where=f'record == "{made["id"]}"')
        for reason in entry["reasons"]
        if reason["rule"] == "going.open.timers.end"
    ]
    assert fired["outcome"] == "fired"
    assert fired["at"].startswith("definitions/app.yaml:")
    assert set(fired["read"]) == {"since", "due_at"}


# Ladders --------------------------------------------------------------------------------------------------------------


def held(desk: Running) -> tuple[Record, Record]:
    """A round that is held, and its hold."""
    made = desk.create("round", {"code": "A"})
    desk.fire("round", made["id"], "stop")
    [hold] = desk.all("hold")
    return made, hold


def test_a_hold_reminds_then_escalates(desk: Running) -> None:
    made, hold = held(desk)
    assert hold["due_at"] == START + timedelta(hours=1)
    go(desk, minutes=29)
    assert desk.get("hold", hold["id"])["reminded"] == 0
    go(desk, minutes=1)
    now = desk.get("hold", hold["id"])
    assert (now["reminded"], now["assignee_role"]) == (1, "clerk")
    go(desk, minutes=30)
    now = desk.get("hold", hold["id"])
    assert (now["reminded"], now["assignee_role"]) == (1, "head")
    go(desk, hours=1)
    assert desk.get("round", made["id"])["warned"] == 99
    told = [entry["name"] for entry in desk.all("event", sort=["at", "id"]) if entry["record"] == made["id"]]
    assert told[-4:-1] == ["reminded", "overdue", "escalated"]


def test_a_ladder_over_a_hold_rests_in_the_trash_and_goes_on_after_it(desk: Running) -> None:
    made = desk.create("round", {"code": "A"})
    desk.fire("round", made["id"], "stop")
    assert go(desk, minutes=30) == ["review"]
    desk.write(lambda tx: desk.service.delete(tx, SYSTEM, "round", made["id"]))
    assert (waiting(desk, made), go(desk, minutes=10)) == ({}, [])
    desk.write(lambda tx: desk.service.restore(tx, SYSTEM, "round", made["id"]))
    assert waiting(desk, made)["review/2"] == START + timedelta(minutes=60)
    assert go(desk, minutes=20) == ["review", "review"]  # due, and to the head
    desk.write(lambda tx: desk.service.delete(tx, SYSTEM, "round", made["id"]))
    desk.clock.step(timedelta(hours=5))
    assert go(desk, minutes=1) == []
    desk.write(lambda tx: desk.service.restore(tx, SYSTEM, "round", made["id"]))
    assert go(desk, minutes=1) == ["review"]  # overdue: at once
    assert desk.get("round", made["id"])["warned"] == 99


def test_a_hold_without_a_ladder_and_a_record_without_holds_come_back_as_they_were(desk: Running) -> None:
    made = desk.create("wish", {"code": "W"}) if desk.user("cleo", "clerk") else {}
    desk.write(lambda tx: desk.service.delete(tx, SYSTEM, "wish", made["id"]))
    desk.write(lambda tx: desk.service.restore(tx, SYSTEM, "wish", made["id"]))
    rows = desk.all("timer", where=f'record == "{made["id"]}" and done_at == null')
    assert {row["round"] for row in rows} == {2}  # the round of before stays called off


def test_released_in_time_there_is_one_reminder(desk: Running) -> None:
    _, hold = held(desk)
    go(desk, minutes=45)
    desk.write(lambda tx: desk.service.release(tx, SYSTEM, hold["id"], "all is well"))
    assert go(desk, hours=10) == []
    now = desk.get("hold", hold["id"])
    assert (now["reminded"], now["assignee_role"]) == (1, "clerk")


# Tasks ----------------------------------------------------------------------------------------------------------------


def wish(desk: Running) -> Record:
    """A wish that two clerks are asked about, one of whom has a manager."""
    for login, role in (("boss", "head"), ("ann", "clerk"), ("bo", "clerk")):
        desk.user(login, role)
    ann = desk.all("user", where='login == "ann"')[0]
    desk.update("user", ann["id"], {"manager": "boss"})
    return desk.create("wish", {"code": "W"})


def asked(desk: Running) -> dict[str, str | None]:
    """What everybody who was asked has said."""
    return {login: decision for login, (decision,) in parts(desk, "decision").items()}


def parts(desk: Running, *names: str) -> dict[str, tuple[Any, ...]]:
    """These values of everybody's part."""
    people = {user["id"]: user["login"] for user in desk.all("user")}
    return {people[vote["person"]["id"]]: tuple(vote[name] for name in names) for vote in desk.all("vote")}


def actor(desk: Running, login: str) -> Actor:
    [user] = desk.all("user", where=f'login == "{login}"')
    found: Actor = desk.read(lambda tx: actor_of(desk.service, tx, user["id"]))
    return found


def decide(desk: Running, login: str, decision: str, step: str) -> None:
    [task] = desk.all("task", where=f'step == "{step}"')
    desk.write(lambda tx: Tasks(desk.service).decide(tx, actor(desk, login), task["id"], decision, "so be it"))


def test_a_task_reminds_those_who_have_not_answered(desk: Running) -> None:
    made = wish(desk)
    [task] = desk.all("task")
    assert task["due_at"] == START + timedelta(hours=1)
    decide(desk, "bo", "approve", "first")
    go(desk, minutes=45)
    [task] = desk.all("task")
    assert task["reminded"] == 2
    told = [job["payload"]["to"] for job in desk.all("job")]
    [ann] = desk.all("user", where='login == "ann"')
    assert told == [{"model": "user", "id": ann["id"]}] * 2
    assert desk.get("wish", made["id"])["status"] == "asked"


def test_a_task_goes_to_the_managers_of_those_who_have_not_answered(desk: Running) -> None:
    made = wish(desk)
    go(desk, minutes=59)
    assert asked(desk) == {"ann": None, "bo": None}
    go(desk, minutes=1)
    assert asked(desk) == {"ann": "transferred", "bo": None, "boss": None}, "bo has no manager"
    decide(desk, "bo", "approve", "first")
    decide(desk, "boss", "approve", "first")
    assert [task["outcome"] for task in desk.all("task", where='step == "first"')] == ["approved"]
    assert "first" not in go(desk, hours=10), "what is decided is late no more"
    assert desk.get("wish", made["id"])["noted"] == 0


def test_a_part_that_comes_back_to_who_gave_it_away_is_theirs_again_and_not_agreed_by_nobody(desk: Running) -> None:
    desk.user("boss", "clerk")
    desk.create("user", {"login": "cy", "name": "Cy", "manager": "boss"})
    made = desk.create("wish", {"code": "W"})
    [task] = desk.all("task")
    desk.write(lambda tx: Tasks(desk.service).hand_on(tx, actor(desk, "boss"), task["id"], "transfer", "cy"))
    assert asked(desk) == {"boss": "transferred", "cy": None}
    desk.user("head", "head")
    go(desk, minutes=60)
    assert asked(desk) == {"boss": None, "cy": "transferred"}
    assert [task["outcome"] for task in desk.all("task")] == [None]
    decide(desk, "boss", "approve", "first")
    assert desk.get("wish", made["id"])["status"] == "asked"
    assert [task["outcome"] for task in desk.all("task", where='step == "first"')] == ["approved"]


def test_who_was_only_told_is_asked_when_it_comes_to_them(desk: Running) -> None:
    """Silence of whom it was sent to is no agreement."""
    desk.user("watcher", "head")
    desk.create("user", {"login": "ann", "name": "Ann", "roles": [{"role": "clerk"}], "manager": "watcher"})
    desk.create("wish", {"code": "W"})
    assert asked(desk) == {"ann": None, "watcher": None}
    go(desk, minutes=60)
    [task] = desk.all("task")
    assert task["outcome"] is None
    votes = parts(desk, "part", "waiting")
    assert votes == {"ann": ("sign", False), "watcher": ("sign", True)}
    decide(desk, "watcher", "reject", "first")
    assert [task["outcome"] for task in desk.all("task")] == ["rejected"]


def test_who_has_another_part_keeps_it(desk: Running) -> None:
    made = wish(desk)
    [task] = desk.all("task")
    desk.write(lambda tx: Tasks(desk.service).add(tx, actor(desk, "ann"), task["id"], "boss", "after"))
    go(desk, minutes=60)
    assert asked(desk) == {"ann": None, "bo": None, "boss": None}, "boss signs after ann, not instead of her"
    assert desk.get("wish", made["id"])["status"] == "asked"


def test_a_veto_goes_with_the_part(desk: Running) -> None:
    desk.user("chair")
    desk.create("user", {"login": "cy", "name": "Cy", "roles": [{"role": "jury"}], "manager": "chair"})
    desk.user("di", "jury")
    desk.create("plea", {"code": "P"})
    go(desk, minutes=60)
    votes = parts(desk, "veto", "decision")
    assert votes == {"cy": (True, "transferred"), "di": (False, None), "chair": (True, None)}


def test_done_in_time_there_is_one_reminder(desk: Running) -> None:
    wish(desk)
    go(desk, minutes=35)
    for login in ("ann", "bo"):
        decide(desk, login, "approve", "first")
    go(desk, hours=5)
    assert {task["step"]: task["reminded"] for task in desk.all("task")} == {"first": 1, "second": 0}
    assert "boss" in asked(desk)


def test_what_nobody_answers_is_decided(desk: Running) -> None:
    made = wish(desk)
    go(desk, hours=1, minutes=59)
    assert (desk.get("wish", made["id"])["status"], desk.get("wish", made["id"])["noted"]) == ("asked", 1)
    go(desk, minutes=1)
    assert desk.get("wish", made["id"])["status"] == "refused"
    [task] = desk.all("task")
    assert (task["outcome"], task["closed_by"]) == ("rejected", None)
    assert waiting(desk, made) == {}


def test_agreement_by_silence_leads_on(desk: Running) -> None:
    made = wish(desk)
    for login in ("ann", "bo"):
        decide(desk, login, "approve", "first")
    go(desk, hours=23, minutes=59)
    assert desk.get("wish", made["id"])["status"] == "asked"
    go(desk, minutes=1)
    assert desk.get("wish", made["id"])["status"] == "granted"


def test_leaving_by_an_event_calls_the_ladder_off(desk: Running) -> None:
    made = wish(desk)
    desk.fire("wish", made["id"], "drop")
    assert waiting(desk, made) == {}
    assert go(desk, hours=10) == []


# News from other records ----------------------------------------------------------------------------------------------


def test_news_that_only_the_engine_brings_passes_over_who_does_not_wait_for_it(desk: Running) -> None:
    place = desk.create("place", {"code": "P"})
    waits, does_not = (desk.create("round", {"code": code, "place": "P"}) for code in "AB")
    desk.fire("round", waits["id"], "look")
    desk.fire("place", place["id"], "tell")
    assert (status(desk, waits), status(desk, does_not)) == ("full", "open")
    [told] = [
        reason
        for entry in desk.all("history", where=f'record == "{does_not["id"]}"')
        for reason in entry["reasons"]
        if reason["rule"] == "going.hear"
    ]
    assert (told["outcome"], told["message"]) == ("passed over", "not waited for in the state 'open'")


def test_any_other_event_in_the_wrong_state_is_refused(desk: Running) -> None:
    place = desk.create("place", {"code": "P"})
    waits, does_not = (desk.create("round", {"code": code, "place": "P"}) for code in "AB")
    desk.fire("round", does_not["id"], "look")
    with pytest.raises(Refused, match="not possible in the state 'watched'"):
        desk.fire("place", place["id"], "ask")
    assert (status(desk, waits), status(desk, does_not)) == ("open", "watched")
