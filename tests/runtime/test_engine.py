"""Which definitions serve: those in force, whoever has applied them, and what becomes of files that say otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.reload import CatalogHolder
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.following import Following
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.migrate.apply import NotAdditive
from engine.store.store import Store

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
#: Nothing is measured: so long is waited before a change is taken for lost.
PATIENCE = 60.0

YARD = """
app: yard
---
model: crate
key: code
workflow: stay
fields:
  code: {type: text, unique: true}
  weight: {type: integer}
  items: {type: rows, of: {count: integer}}
---
workflow: stay
for: crate
start: here
states:
  here: {events: {go: {to: there}}}
  there: {}
---
access: keeper
everything: true
"""
MORE = YARD.replace("weight: {type: integer}", "weight: {type: integer}\n  double: {type: integer, value: weight * 2}")
MORE = MORE.replace("{count: integer}", "{count: integer, half: {type: decimal, digits: 1, value: count / 2}}")
LESS = YARD.replace("  weight: {type: integer}\n", "")
GONE = YARD.replace("here: {events: {go: {to: there}}}", "here: {events: {stay: {to: there}}}")


class Machine:
    """Files of its own, and an engine on a database that others use too."""

    def __init__(self, folder: Path, url: str, text: str) -> None:
        self.file = folder / "definitions" / "yard.yaml"
        self.file.parent.mkdir(parents=True)
        self.file.write_text(text, "utf-8")
        self.database = Database.open(url, durable=False)
        self.engine = Engine(CatalogHolder(folder), self.database, SetClock(NOON))

    def says(self, text: str) -> bool:
        """Whether the changed files serve."""
        self.file.write_text(text, "utf-8")
        return self.engine.holder.reload()

    def put(self, **values: Any) -> str:
        """The id of a new crate."""
        service = self.engine.service
        return str(self.engine.write(lambda tx: service.create(tx, SYSTEM, "crate", values))["id"])

    def get(self, key: str) -> Any:
        """The crate as it is stored."""
        return self.engine.database.read(lambda tx: self.engine.reading.get(tx, SYSTEM, "crate", key))

    def fields(self) -> set[str]:
        return set(self.engine.catalog.models["crate"].fields)


Start = Callable[[str], Machine]


@pytest.fixture
def start(tmp_path: Path, database_url: str) -> Iterator[Start]:
    """Starts machines on one database, each with these definitions in its files."""
    running: list[Machine] = []

    def make(text: str) -> Machine:
        running.append(Machine(tmp_path / f"machine{len(running)}", database_url, text))
        return running[-1]

    yield make
    for machine in running:
        machine.database.close()


@contextmanager
def following(machine: Machine) -> Iterator[None]:
    thread = Following(machine.engine, interval=0.01)
    thread.start()
    try:
        yield
    finally:
        thread.stop()


def eventually(wanted: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_what_one_machine_adds_serves_on_all(start: Start) -> None:
    one, other = start(YARD), start(YARD)
    one.engine.prepare()
    other.engine.prepare()
    assert other.engine.follow() is False
    assert one.says(MORE)
    assert "double" not in other.fields()
    assert other.engine.follow() is True
    assert "double" in other.fields()
    assert other.engine.catalog.fingerprint == one.engine.catalog.fingerprint
    assert other.get(other.put(code="A", weight=3))["double"] == 6


def test_a_machine_follows_by_itself_and_through_faults(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = start(YARD), start(YARD)
    one.engine.prepare()
    other.engine.prepare()
    faults = [OSError("no network")]
    newest = other.engine.snapshots.newest

    def sometimes(tx: Any) -> str | None:
        if faults:
            raise faults.pop()
        return newest(tx)

    monkeypatch.setattr(other.engine.snapshots, "newest", sometimes)
    with following(other):
        assert one.says(MORE)
        eventually(lambda: "double" in other.fields())
    assert faults == []


def test_two_machines_that_see_the_same_change_apply_it_once(start: Start) -> None:
    one, other = start(YARD), start(YARD)
    one.engine.prepare()
    other.engine.prepare()
    assert one.says(MORE)
    assert other.says(MORE)
    applied = one.engine.database.read(one.engine.snapshots.list)
    assert [snapshot.number for snapshot in applied] == [2, 1]


def test_what_takes_something_away_waits_until_it_is_applied(start: Start) -> None:
    one = start(YARD)
    one.engine.prepare()
    key = one.put(code="A", weight=3)
    assert one.says(LESS) is False
    assert isinstance(one.engine.holder.refused, NotAdditive)
    assert one.get(key)["weight"] == 3
    by_hand = start(LESS).engine
    by_hand.apply(by_hand.plan(), actor="ann", allow_loss=True)
    assert one.engine.follow() is True
    assert "weight" not in one.fields()
    assert one.engine.holder.refused is None


def test_a_start_with_files_that_wait_serves_what_is_in_force(start: Start) -> None:
    start(YARD).engine.prepare()
    late = start(LESS)
    late.engine.prepare()
    assert "weight" in late.fields()
    assert isinstance(late.engine.holder.refused, NotAdditive)
    assert late.get(late.put(code="A", weight=1))["weight"] == 1


def test_without_anything_in_force_files_that_would_lose_something_do_not_start(start: Start) -> None:
    one = start(YARD)
    with one.database.engine.begin() as connection:
        Store(one.engine.catalog, one.database).tables.metadata.create_all(connection)
    other = start(YARD.replace("weight: {type: integer}", "weight: {type: date}"))
    with pytest.raises(NotAdditive, match="orderloom plan"):
        other.engine.prepare()


def test_new_computed_fields_are_worked_out_for_old_records_and_nothing_else_changes(start: Start) -> None:
    one = start(YARD)
    one.engine.prepare()
    key, thrown = one.put(code="A", weight=3, items=[{"count": 3}, {"count": 4}]), one.put(code="B", weight=5)
    one.engine.write(lambda tx: one.engine.service.delete(tx, SYSTEM, "crate", thrown))
    before = one.get(key)
    assert one.says(MORE)
    after = one.get(key)
    assert (after["double"], [row["half"] for row in after["items"]]) == (6, [Decimal("1.5"), Decimal("2.0")])
    for name in ("version", "updated_at", "weight"):
        assert after[name] == before[name]
    restored = one.engine.write(lambda tx: one.engine.service.restore(tx, SYSTEM, "crate", thrown))
    assert restored["double"] == 10


def test_a_case_keeps_its_definitions_when_the_process_starts_anew(start: Start) -> None:
    one = start(YARD)
    one.engine.prepare()
    key = one.put(code="A")
    assert one.says(GONE)
    later = start(GONE)
    later.engine.prepare()
    service = later.engine.service
    moved = later.engine.write(lambda tx: service.fire(tx, SYSTEM, "crate", key, "go"))
    assert moved["status"] == "there"
    fresh = later.put(code="B")
    assert later.engine.write(lambda tx: service.fire(tx, SYSTEM, "crate", fresh, "stay"))["status"] == "there"


def test_definitions_of_the_past_keep_their_name(start: Start) -> None:
    one = start(YARD)
    one.engine.prepare()
    old = one.engine.catalog.fingerprint
    assert one.says(MORE)
    found = one.engine.database.read(lambda tx: one.engine.catalog_at(tx, old))
    assert found.fingerprint == old
    assert "double" not in found.models["crate"].fields
