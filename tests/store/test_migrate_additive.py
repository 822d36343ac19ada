"""Tables, columns and indexes that come: what applies by itself while the server runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import inspect

from engine.store.database import Database
from engine.store.migrate.apply import StalePlan, apply
from engine.store.migrate.compare import wanted
from engine.store.migrate.plan import plan
from engine.store.snapshots import Snapshots
from engine.store.tables import Tables
from tests.store.conftest import NOON
from tests.store.migrating import Yard, catalog_of, nothing_to_work_out

CRATE = """
model: crate
key: code
fields:
  code: {type: text, max: 20, unique: true}
  weight: {type: decimal, digits: 3}
  items: {type: rows, of: {line: integer, note: text}}
"""
MORE = """
model: crate
key: code
fields:
  code: {type: text, max: 20, unique: true}
  weight: {type: decimal, digits: 3}
  shelf: text
  full: {type: boolean, default: false}
  price: {type: money, default: 12.50}
  grade: {type: choice, of: [good, poor], default: '"good"'}
  items: {type: rows, of: {line: integer, note: text, count: {type: integer, default: 1}}}
  parts: {type: rows, of: {serial: text}}
index: [[shelf, weight]]
---
model: shelf
fields: {name: text}
"""


@pytest.fixture
def yard(database_url: str) -> Iterator[Yard]:
    database = Database.open(database_url, durable=False)
    yield Yard(database)
    database.close()


def test_the_first_time_all_tables_are_created(yard: Yard) -> None:
    found = yard.plan(CRATE)
    assert found.present is None
    assert found.changes
    assert found.additive
    assert "create table crate" in found.text()
    done = yard.apply(CRATE)
    assert done.number == 1
    tables = Tables(catalog_of(CRATE))
    assert yard.schema == wanted(tables, yard.database.dialect)
    assert set(inspect(yard.database.engine).get_table_names()) == set(tables.metadata.tables)


def test_applying_twice_changes_nothing(yard: Yard) -> None:
    yard.apply(CRATE)
    before = yard.dump()
    assert not yard.plan(CRATE).changes
    assert yard.plan(CRATE).text().startswith("Nothing to do")
    again = yard.apply(CRATE)
    assert again.number is None
    assert again.operations == ()
    assert yard.dump() == before


def test_what_comes_is_added_and_the_rows_stay(yard: Yard) -> None:
    yard.apply(CRATE)
    key = yard.desk(CRATE).add("crate", code="A", items=[{"line": 1, "note": "x"}, {"line": 2}])
    found = yard.plan(MORE)
    assert found.additive
    assert {str(step) for step in found.operations} == {
        "add column crate.shelf (text)",
        "add column crate.full (boolean)",
        "add column crate.price (decimal(18, 2))",
        "add column crate.grade (text)",
        "add column crate__items.count (integer)",
        "create index over crate (shelf, weight, id)",
        "create index over crate__parts (_parent, _position)",
        "create table crate__parts (4 columns)",
        "create table shelf (10 columns)",
    }
    assert found.endpoints.added == ("/api/shelf",)
    yard.apply(MORE)
    assert yard.schema == wanted(Tables(catalog_of(MORE)), yard.database.dialect)
    record = yard.desk(MORE).get("crate", key)
    assert (record["code"], record["full"], str(record["price"]), record["grade"]) == ("A", False, "12.50", "good")
    assert record["shelf"] is None
    assert [(row["line"], row["count"]) for row in record["items"]] == [(1, 1), (2, 1)]
    assert record["parts"] == []


def test_a_default_that_names_a_record_becomes_a_link_to_it(yard: Yard) -> None:
    yard.apply(CRATE)
    desk = yard.desk(CRATE)
    main, other = desk.add("crate", code="MAIN"), desk.add("crate", code="OTHER")
    into = CRATE.replace("fields:\n", "fields:\n  inside: {type: link, to: crate, default: '\"MAIN\"'}\n", 1)
    assert any("fill crate.inside" in str(fill) for fill in yard.plan(into).fills)
    yard.apply(into)
    assert yard.desk(into).get("crate", other)["inside"]["id"] == main
    lost = into.replace("  weight", "  beside: {type: link, to: crate, default: '\"NONE\"'}\n  weight", 1)
    assert "leave crate.beside empty: there is no crate 'NONE'" in yard.plan(lost).text()
    yard.apply(lost)
    assert yard.desk(lost).get("crate", other)["beside"] is None


def test_the_snapshot_holds_the_sources_and_who_applied_them(yard: Yard) -> None:
    yard.apply(CRATE, actor="bob")
    catalog, snapshots = catalog_of(CRATE), Snapshots(yard.database)
    assert yard.database.read(snapshots.newest) == catalog.fingerprint
    assert yard.database.read(lambda tx: snapshots.sources(tx, catalog.fingerprint)) == catalog.sources
    kept = yard.database.read(snapshots.list)[0]
    assert (kept.applied_by, kept.applied_at) == ("bob", NOON)
    assert "crate" in kept.plan["tables"]


def test_definitions_without_other_tables_come_into_force_too(yard: Yard) -> None:
    yard.apply(CRATE)
    labelled = CRATE.replace("model: crate", "model: crate\nlabel: Kiste")
    found = yard.plan(labelled)
    assert found.changes
    assert found.additive
    assert found.operations == ()
    assert yard.apply(labelled).number == 2


def test_a_stale_plan_is_refused(yard: Yard) -> None:
    yard.apply(CRATE)
    catalog = catalog_of(MORE)
    old = plan(yard.database, catalog)
    yard.apply(CRATE + "  extra: text\n")
    before = yard.schema
    with pytest.raises(StalePlan):
        apply(yard.database, old, catalog, at=NOON, actor=None, work_out=nothing_to_work_out)
    assert yard.schema == before


def test_a_plan_is_for_its_own_definitions_only(yard: Yard) -> None:
    with pytest.raises(StalePlan):
        apply(yard.database, yard.plan(CRATE), catalog_of(MORE), at=NOON, actor=None, work_out=nothing_to_work_out)
    assert yard.schema == {}


def test_tables_of_others_are_left_alone(yard: Yard) -> None:
    with yard.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE guest (id integer, word varchar(10))")
        connection.exec_driver_sql("INSERT INTO guest VALUES (1, 'x')")
    yard.apply(CRATE)
    assert not yard.plan(CRATE).changes
    yard.apply(MORE)
    assert yard.rows("SELECT * FROM guest") == [(1, "x")]
