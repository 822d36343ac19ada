"""All of it or nothing, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from engine.store.database import Database
from engine.store.migrate.apply import Impossible, LossRefused, NotInvertible, apply, invert
from engine.store.migrate.compare import wanted
from engine.store.migrate.operations import from_data
from engine.store.migrate.plan import plan
from engine.store.snapshots import Snapshots
from engine.store.tables import Tables
from tests.store.conftest import NOON
from tests.store.migrating import Yard, catalog_of, nothing_to_work_out

BEFORE = """
model: crate
key: code
fields:
  code: {type: text, max: 20, unique: true}
  weight: {type: decimal, digits: 3}
  size: text
  gone: text
  items: {type: rows, of: {line: integer, note: text}}
  old: {type: rows, of: {note: text}}
index: [[size], [gone]]
---
model: label
fields: {text: text}
"""
#: Something of every step: renamed, converted, added, dropped, indexed.
AFTER = """
model: box
was: crate
key: code
fields:
  code: {type: text, max: 20, unique: true}
  mass: {type: decimal, digits: 2, was: weight}
  size: integer
  full: {type: boolean, default: false}
  goods: {type: rows, was: items, of: {line: integer, remark: {type: text, was: note}}}
  fresh: {type: rows, of: {note: text}}
unique: [[mass, size]]
---
model: shelf
fields: {name: {type: text, unique: true}}
"""


@pytest.fixture
def filled(database_url: str) -> Iterator[Yard]:
    database = Database.open(database_url, durable=False)
    yard = Yard(database)
    yard.apply(BEFORE)
    desk = yard.desk(BEFORE)
    desk.add("crate", code="A", weight=Decimal("1.250"), size="12", items=[{"line": 1, "note": "x"}])
    desk.add("crate", code="B", weight=Decimal("2.120"), size="13", gone="y", old=[{"note": "z"}])
    desk.add("label", text="fragile")
    yield yard
    database.close()


class PowerCut(Exception):
    """What the tests raise in the middle."""


def test_a_failure_at_any_step_leaves_everything_as_it_was(filled: Yard) -> None:
    before, schema = filled.dump(), filled.schema
    catalog = catalog_of(AFTER)
    found = plan(filled.database, catalog)
    kinds = {type(step).name for step in found.operations}
    assert kinds == {
        "create_table", "drop_table", "rename_table", "rename_column", "add_column", "drop_column", "convert_column",
        "create_index", "drop_index", "rename_values",
    }  # fmt: skip
    steps = len(found.operations) + len(found.fills)
    reached = []
    for fail_at in range(steps):

        def cut(what: str, done: int, count: int, fail_at: int = fail_at) -> None:
            if count and done == fail_at:
                reached.append(what)
                raise PowerCut(what)

        options: dict[str, Any] = {"at": NOON, "actor": None, "work_out": nothing_to_work_out}
        with pytest.raises(PowerCut):
            apply(filled.database, found, catalog, allow_loss=True, progress=cut, **options)
        assert filled.schema == schema
    assert reached == [str(step) for step in (*found.operations, *found.fills)]
    assert filled.dump() == before
    assert filled.database.read(Snapshots(filled.database).newest) == catalog_of(BEFORE).fingerprint
    # And afterwards it can still be done.
    filled.apply(AFTER, allow_loss=True)
    assert filled.schema == wanted(Tables(catalog), filled.database.dialect)


def test_what_the_database_refuses_leaves_everything_as_it_was(filled: Yard) -> None:
    """A table of somebody else has the name that a new one would have."""
    with filled.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW shelf AS SELECT code FROM crate")
    before = filled.schema
    with pytest.raises(Impossible, match="create table shelf"):
        filled.apply(BEFORE + "---\nmodel: shelf\nfields: {name: text}\n")
    assert filled.schema == before


def test_the_inverse_brings_the_tables_back(filled: Yard) -> None:
    schema = filled.schema
    applied = filled.apply(AFTER, allow_loss=True)
    assert len(applied.losses) == 3
    # The default that was filled in is nobody's loss.
    back = invert(filled.database, catalog_of(AFTER).fingerprint, at=NOON, actor="ann")
    assert back.losses == ()
    assert filled.schema == schema
    assert back.fingerprint == catalog_of(BEFORE).fingerprint
    # What was lost stays lost, and is named.
    assert sorted(back.empty) == [
        "column crate.gone: 1 value",
        "table crate__old: 1 row",
        "table label: 1 row",
    ]
    assert not filled.plan(BEFORE).changes
    assert [tuple(map(str, row)) for row in filled.rows("SELECT code, size FROM crate ORDER BY code")] == [
        ("A", "12"),
        ("B", "13"),
    ]
    assert filled.rows("SELECT note FROM crate__items") == [("x",)]


def test_what_was_put_in_since_then_is_not_thrown_away_unasked(filled: Yard) -> None:
    filled.apply(AFTER, allow_loss=True)
    filled.desk(AFTER).add("shelf", name="left")
    filled.desk(AFTER).add("box", code="C", full=True)
    fingerprint = catalog_of(AFTER).fingerprint
    before = filled.dump()
    with pytest.raises(LossRefused, match=r"column box\.full: 1 value\n"):
        invert(filled.database, fingerprint, at=NOON, actor=None)
    assert filled.dump() == before
    back = invert(filled.database, fingerprint, at=NOON, actor=None, allow_loss=True)
    assert "table shelf: 1 row" in {str(loss) for loss in back.losses}


def test_an_inverse_can_be_inverted(filled: Yard) -> None:
    filled.apply(AFTER, allow_loss=True)
    schema = filled.schema
    invert(filled.database, catalog_of(AFTER).fingerprint, at=NOON, actor=None)
    invert(filled.database, catalog_of(BEFORE).fingerprint, at=NOON, actor=None)
    assert filled.schema == schema
    snapshots = filled.database.read(Snapshots(filled.database).list)
    first, second = catalog_of(BEFORE).fingerprint, catalog_of(AFTER).fingerprint
    assert [snapshot.fingerprint for snapshot in snapshots] == [second, first, second, first]


def test_only_the_last_application_can_be_taken_back(filled: Yard) -> None:
    first, second = catalog_of(BEFORE).fingerprint, catalog_of(AFTER).fingerprint
    with pytest.raises(NotInvertible, match="not in force"):
        invert(filled.database, second, at=NOON, actor=None)
    with pytest.raises(NotInvertible, match="nothing was in force before"):
        invert(filled.database, first, at=NOON, actor=None)


def test_steps_survive_as_data(filled: Yard) -> None:
    for step in plan(filled.database, catalog_of(AFTER)).operations:
        assert from_data(step.as_data()) == step
        assert step.inverse().inverse() == step


def test_a_failure_while_inverting_leaves_everything_as_it_was(filled: Yard) -> None:
    filled.apply(AFTER, allow_loss=True)
    before = filled.dump()
    steps = len(filled.database.read(Snapshots(filled.database).list)[0].inverse["operations"])
    for fail_at in range(0, steps, 3):

        def cut(what: str, done: int, count: int, fail_at: int = fail_at) -> None:
            if count and done == fail_at:
                raise PowerCut(what)

        with pytest.raises(PowerCut):
            invert(
                filled.database,
                catalog_of(AFTER).fingerprint,
                at=NOON,
                actor=None,
                progress=cut,
            )
    assert filled.dump() == before
