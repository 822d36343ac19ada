"""Open cases moved to another version of their workflow: one act each, with their tasks and timers, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.reload import CatalogHolder
from engine.errors import EngineError
from engine.expressions.faults import ExpressionProblems
from engine.policy.access import Actor
from engine.runtime import migrating
from engine.runtime.actors import actor_of
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.migrating import Migrations, Report
from engine.runtime.moving import Moved, move
from engine.runtime.service import SYSTEM
from engine.runtime.tasks import Tasks
from engine.store.database import Database
from engine.store.transaction import Transaction
from tests.runtime.running import START

DEPOT = """
app: depot
---
access: chief
can: {crate: {read: all}}
---
model: crate
key: code
title: code
workflow: handling
fields: {code: {type: text, unique: true}, weight: {type: integer, default: 1}, told: {type: integer, default: 0}}
---
workflow: handling
for: crate
start: empty
states:
  empty: {events: {fill: {to: full}, ask: {to: asked}, ask_all: {to: asked_all}, check: {to: checked}}}
  full:
    timers:
      slow: {after: 2 d, do: [{set: {told: told + 1}}]}
      late: {after: 9 d, next: {go: {to: sent}}}
    events: {send: {to: sent}}
  asked:
    approval:
      boss: {by: {role: chief}, nobody: refuse, mode: all, self: allow, due: 1 d, late: [{after: 1 d, do: remind}]}
    approved: full
    rejected: sent
  asked_all:
    approval:
      one: {by: {role: chief}, nobody: refuse}
      two: {by: {role: chief}, nobody: refuse}
    approved: full
    rejected: sent
  checked:
    approval:
      first: {by: {role: chief}, nobody: refuse}
      last: {after: first, by: {role: chief}, nobody: refuse, may: return}
    approved: full
    rejected: sent
    returned: empty
  sent: {}
"""
NEXT = (
    DEPOT.replace("  full:\n", "  packed:\n    was: full\n    next: {heavy: {if: weight > 9, to: sent}}\n")
    .replace("to: full", "to: packed")
    .replace("approved: full", "approved: packed")
    .replace("  asked:\n", "  seen:\n    was: asked\n")
    .replace("to: asked}", "to: seen}")
    .replace("mode: all, self: allow, due: 1 d, late: [{after: 1 d, do: remind}]", "self: allow, due: 3 d")
    .replace("      two: {by", "      three: {by")
    .replace("late: {after: 9 d", "late: {after: 5 d")
    .replace("  checked:\n", "  proved:\n    was: checked\n")
    .replace("to: checked", "to: proved")
)


class Depot:
    """Files, a database and a clock."""

    text = DEPOT

    def __init__(self, folder: Path, url: str) -> None:
        self.file = folder / "definitions" / "app.yaml"
        self.file.parent.mkdir()
        self.file.write_text(self.text, "utf-8")
        self.database = Database.open(url, durable=False)
        self.clock = SetClock(START)
        self.engine = Engine(CatalogHolder(folder), self.database, self.clock)
        self.engine.prepare()

    def says(self, text: str) -> None:
        """Brings other definitions into force."""
        self.file.write_text(text, "utf-8")
        assert self.engine.holder.reload(), self.engine.holder.refused or self.engine.holder.problems

    def put(self, code: str, *events: str, **values: Any) -> str:
        """The id of a crate that has come so far."""
        service = self.engine.service
        key = str(self.engine.write(lambda tx: service.create(tx, SYSTEM, "crate", {"code": code, **values}))["id"])
        for event in events:
            self.fire(key, event)
        return key

    def fire(self, key: str, event: str) -> None:
        self.engine.write(lambda tx: self.engine.service.fire(tx, SYSTEM, "crate", key, event))

    def user(self, login: str, *roles: str) -> Actor:
        values = {"login": login, "name": login, "roles": [{"role": role} for role in roles or ("chief",)]}
        made = self.engine.write(lambda tx: self.engine.service.create(tx, SYSTEM, "user", values))
        return self.database.read(lambda tx: actor_of(self.engine.service, tx, made["id"]))

    def approve(self, key: str, actor: Actor) -> None:
        task = next(task for task in self.rows("task", record=key) if task["outcome"] is None)
        tasks = Tasks(self.engine.service)
        self.engine.write(lambda tx: tasks.decide(tx, actor, task["id"], "approve"))

    def rows(self, model: str, **values: Any) -> list[Any]:
        def read(tx: Transaction) -> list[Any]:
            return self.engine.service.store.query.equal(tx, model, values, limit=1_000)

        return self.database.read(read)

    def states(self) -> dict[str, tuple[str, str]]:
        """The state of each crate, and the version of its case, by its code."""
        versions = {flow: name for name, flow in self.versions.items()}
        return {
            crate["code"]: (crate["status"], versions[self.rows("case", record=crate["id"])[0]["workflow_version"]])
            for crate in self.rows("crate")
        }

    @property
    def versions(self) -> dict[str, str]:
        found = self.engine.database.read(lambda tx: self.engine.snapshots.list(tx))
        catalogs = [
            self.engine.database.read(lambda tx, at=at: self.engine.catalog_at(tx, at.fingerprint)) for at in found
        ]
        return {
            f"v{number}": each.workflows["handling"].fingerprint for number, each in enumerate(reversed(catalogs), 1)
        }

    def due(self, key: str) -> dict[str, timedelta]:
        """How long after the beginning each timer of a crate is due that has not gone off."""
        return {row["step"]: row["due_at"] - START for row in self.rows("timer", record=key) if row["done_at"] is None}

    def run(self, **how: Any) -> Report:
        (report,) = Migrations(self.engine).run("handling", **how)
        return report

    def revert(self, run: str | None) -> Report:
        return Migrations(self.engine).revert(str(run))


@pytest.fixture
def depot(tmp_path: Path, database_url: str) -> Iterator[Depot]:
    made = Depot(tmp_path, database_url)
    yield made
    made.database.close()


@pytest.fixture
def shed(tmp_path: Path, sqlite_url: str) -> Iterator[Depot]:
    """The same on SQLite only: for what asks nothing of the database that it could answer otherwise."""
    made = Depot(tmp_path, sqlite_url)
    yield made
    made.database.close()


def test_cases_are_moved_and_back_and_a_second_run_changes_nothing(depot: Depot) -> None:
    keys = {code: depot.put(code, "fill") for code in ("a", "b")}
    depot.put("done", "fill", "send")
    depot.put("empty")
    depot.put("heavy", "fill", weight=20)
    before = depot.states()
    depot.says(NEXT)
    new = depot.put("new", "fill")
    assert depot.states() == {**before, "new": ("packed", "v2")}, "what runs stays on its version, what is new does not"
    depot.fire(depot.put("late", "fill"), "send")

    dry = depot.run(dry=True)
    assert dry.run is None
    expected = {("full", "packed", "packed"): 2, ("empty", "empty", "empty"): 1, ("full", "packed", "sent"): 1}
    assert (dry.moved, dry.stays) == (expected, {})
    assert depot.states()["a"] == ("full", "v1")
    assert depot.rows("migration") == []

    report = depot.run(where='code != "b"')
    assert report.moved == expected | {("full", "packed", "packed"): 1}
    assert report.examples["full", "packed", "sent"] == ["heavy"]
    moved = {"a": ("packed", "v2"), "b": ("full", "v1"), "empty": ("empty", "v2"), "heavy": ("sent", "v2")}
    assert depot.states() | moved == depot.states()
    assert depot.states()["done"] == ("sent", "v1"), "what is over stays"
    (entry,) = depot.rows("event", record=keys["a"], name="migrate")
    versions = depot.versions
    assert (entry["from_state"], entry["to_state"], entry["actor_name"]) == ("full", "packed", "system")
    assert entry["input"]["from"]["version"] == versions["v1"]
    (change,) = depot.rows("history", record=keys["a"], act="migrate")
    assert change["changes"]["status"] == ["full", "packed"]
    assert f"version {versions['v1'][:8]} → {versions['v2'][:8]}" in change["reasons"][0]["message"]
    again = depot.run(where='code != "b"')
    assert (again.run, again.moved, again.stays) == (None, {}, {})

    depot.fire(new, "send")
    back = depot.revert(report.run)
    assert back.moved == {("packed", "full", "full"): 1, ("empty", "empty", "empty"): 1}
    assert back.stays == {"it went on to 'sent' when it was moved": 1}
    assert back.examples["it went on to 'sent' when it was moved"] == ["heavy"]
    assert depot.states() | {"a": ("full", "v1"), "empty": ("empty", "v1"), "heavy": ("sent", "v2")} == depot.states()
    assert depot.revert(report.run).moved == {}
    depot.fire(keys["a"], "send")
    assert depot.states()["a"] == ("sent", "v1")


def test_what_has_moved_on_stays_when_a_run_is_taken_back(shed: Depot) -> None:
    keys = {code: shed.put(code, "fill") for code in ("edited", "sent", "told")}
    shed.says(NEXT)
    run = shed.run().run
    service = shed.engine.service
    shed.clock.step(timedelta(hours=1))
    shed.engine.write(lambda tx: service.update(tx, SYSTEM, "crate", keys["edited"], {"weight": 3}))
    shed.fire(keys["sent"], "send")
    shed.clock.step(timedelta(days=2))
    timer = next(row for row in shed.rows("timer", record=keys["told"]) if row["step"] == "packed.slow")
    assert shed.engine.write(lambda tx: service.deadlines.go_off(tx, timer["id"]))
    back = shed.revert(run)
    assert back.moved == {("packed", "full", "full"): 1}, "an edited field keeps nobody"
    assert back.stays == {"it has moved on since: send": 1, "it has moved on since: slow": 1}


def test_timers_are_those_of_the_other_version_and_nothing_goes_off_twice(depot: Depot) -> None:
    key = depot.put("a", "fill")
    assert depot.due(key) == {"full.slow": timedelta(days=2), "full.late": timedelta(days=9)}
    depot.clock.step(timedelta(days=3))
    slow = next(row for row in depot.rows("timer", record=key) if row["step"] == "full.slow")
    assert depot.engine.write(lambda tx: depot.engine.service.deadlines.go_off(tx, slow["id"]))
    depot.says(NEXT)
    run = depot.run().run
    assert depot.due(key) == {"packed.late": timedelta(days=5)}, "counted from when it came here"
    assert depot.rows("crate")[0]["told"] == 1
    depot.revert(run)
    assert depot.due(key) == {"full.late": timedelta(days=9)}
    depot.says(DEPOT.replace("    timers:\n      slow: {after: 2 d, do: [{set: {told: told + 1}}]}\n", "")
               .replace("      late: {after: 9 d, next: {go: {to: sent}}}\n", ""))  # fmt: skip
    depot.run()
    assert depot.due(key) == {}


def test_tasks_keep_their_votes_and_a_step_that_is_gone_keeps_the_case(depot: Depot) -> None:
    ann, ben = depot.user("ann"), depot.user("ben")
    voted, fresh, kept = depot.put("voted", "ask"), depot.put("fresh", "ask"), depot.put("kept", "ask_all")
    depot.approve(voted, ann)
    assert depot.states()["voted"] == ("asked", "v1"), "both have to agree"
    assert depot.due(fresh) == {"boss": timedelta(days=1)}
    depot.says(NEXT)
    report = depot.run()
    assert report.moved == {("asked", "seen", "packed"): 1, ("asked", "seen", "seen"): 1}, "now one is enough"
    assert report.notes == {"'boss' is asked otherwise": 2}
    gone = "somebody is asked at 'two', and 'asked_all' does not ask there any more"
    assert (report.stays, report.examples[gone]) == ({gone: 1}, ["kept"])
    assert depot.states()["kept"] == ("asked_all", "v1")
    (task,) = depot.rows("task", record=fresh)
    assert (task["state"], task["outcome"], task["due_at"]) == ("seen", None, START + timedelta(days=3))
    assert {vote["person"]["id"] for vote in depot.rows("vote", task=task)} == {ann.id, ben.id}
    assert depot.due(fresh) == {"boss": timedelta(days=3)}, "nobody is reminded any more"
    depot.approve(fresh, ben)
    assert depot.states()["fresh"] == ("packed", "v2")
    for actor in (ann, ben):
        depot.approve(kept, actor)
    assert depot.states()["kept"] == ("full", "v1"), "it goes on under its own version"


def test_what_was_sent_back_goes_on_where_it_was_under_the_new_name_of_its_state(shed: Depot) -> None:
    ann = shed.user("ann")
    key = shed.put("a", "check")
    shed.approve(key, ann)
    last = next(task for task in shed.rows("task", record=key) if task["outcome"] is None)
    service = shed.engine.service
    shed.engine.write(lambda tx: Tasks(service).send_back(tx, ann, last["id"], "mend it"))
    shed.says(NEXT)
    assert shed.run().moved == {("empty", "empty", "empty"): 1}
    shed.fire(key, "check")
    assert shed.states() == {"a": ("proved", "v2")}
    assert [task["step"] for task in shed.rows("task", record=key, outcome=None)] == ["last"]


def test_an_approval_that_is_new_asks_and_is_called_off_again(shed: Depot) -> None:
    shed.user("ann")
    key = shed.put("a", "fill")
    look = "    approval: {look: {by: {role: chief}, nobody: refuse}}\n    approved: sent\n    rejected: sent\n"
    shed.says(DEPOT.replace("  full:\n", f"  full:\n{look}"))
    run = shed.run().run
    (task,) = shed.rows("task", record=key)
    assert (task["step"], task["outcome"]) == ("look", None)
    shed.revert(run)
    assert shed.rows("task", record=key)[0]["outcome"] == "cancelled"
    assert shed.states()["a"] == ("full", "v1")


def test_a_ladder_of_the_version_that_a_case_pins_is_found_again(shed: Depot) -> None:
    key = shed.put("a")
    shed.user("ann")
    shed.says(NEXT)
    shed.fire(key, "ask")
    shed.clock.step(timedelta(days=1))
    (reminder,) = [row for row in shed.rows("timer", record=key) if row["rung"] == 1]
    assert shed.engine.write(lambda tx: shed.engine.service.deadlines.go_off(tx, reminder["id"]))
    assert shed.rows("task", record=key)[0]["reminded"] == 1


WEIGHED = (
    DEPOT.replace(
        "events: {send: {to: sent}}",
        "events: {send: {to: sent, do: [{run: weigh}, {run: scales}, {decide: ways, into: w}, {set: {told: w.n}}]}}",
    )
    + """---
action: weigh
for: crate
steps: [{set: {weight: 7}}]
---
checks: scales
for: crate
rules: {light: {require: weight < 9, otherwise: [{set: {weight: 0}}]}}
---
table: ways
for: crate
inputs: {weight: {value: weight, type: integer}}
outputs: {n: integer}
rows: |
  id | weight || n
  a  | < 9    || 1
  b  | >= 9   || 2
"""
)


def test_what_an_older_version_names_and_is_no_more_is_that_of_its_definitions(shed: Depot) -> None:
    shed.says(WEIGHED)
    key = shed.put("a", "fill")
    shed.says(DEPOT)
    assert "weigh" not in shed.engine.catalog.actions
    shed.fire(key, "send")
    (crate,) = shed.rows("crate")
    assert (crate["status"], crate["weight"], crate["told"]) == ("sent", 7, 1)


def test_a_run_that_was_broken_off_goes_on(shed: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        shed.put(str(number), "fill")
    shed.says(NEXT)
    acts = 0

    def dies(*given: Any, **named: Any) -> Moved:
        nonlocal acts
        acts += 1
        if acts > 3:
            raise KeyboardInterrupt
        return move(*given, **named)

    monkeypatch.setattr(migrating, "CHUNK", 2)
    monkeypatch.setattr(migrating, "move", dies)
    with pytest.raises(KeyboardInterrupt):
        shed.run()
    (broken,) = shed.rows("migration")
    assert broken["ended_at"] is None
    monkeypatch.setattr(migrating, "move", move)
    assert sorted(at for _, at in shed.states().values()) == ["v1", "v1", "v2", "v2", "v2"]
    report = shed.run()
    assert (report.run, sum(report.moved.values())) == (broken["id"], 2)
    assert {at for _, at in shed.states().values()} == {"v2"}
    assert sum(shed.revert(report.run).moved.values()) == 5


def test_what_cannot_be_is_told(shed: Depot) -> None:
    shed.put("a", "fill")
    trashed = shed.put("b", "fill")
    shed.engine.write(lambda tx: shed.engine.service.delete(tx, SYSTEM, "crate", trashed))
    shed.says(NEXT)
    with pytest.raises(EngineError, match="no workflow 'handlin'; did you mean 'handling'"):
        Migrations(shed.engine).run("handlin")
    with pytest.raises(ExpressionProblems):
        shed.run(where="wieght > 3")
    with pytest.raises(EngineError, match="no definitions 'x' were applied to this database; the last are "):
        shed.run(to="x")
    for wrong in ("x", "01a20169-2e00-7000-8000-000000000000"):
        with pytest.raises(EngineError, match=f"there is no run '{wrong}'; there was none"):
            shed.revert(wrong)
    report = shed.run()
    assert sum(report.moved.values()) == 1
    assert report.stays == {"in the trash: it can be moved when it has been restored": 1}
    with pytest.raises(EngineError, match=f"the last are {report.run}"):
        shed.revert("x")
    old = next(at for at in shed.database.read(lambda tx: shed.engine.snapshots.list(tx)) if at.number == 1)
    found = shed.run(to=old.fingerprint[:9])
    assert found.stays == {"'packed' is gone, and no state of handling says `was: packed`": 1}
