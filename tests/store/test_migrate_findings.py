"""What a plan tells besides the tables: addresses that come and go, fields to be worked out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest

from engine.catalog.catalog import Catalog
from engine.store.database import Database
from engine.store.migrate.apply import StalePlan, apply
from engine.store.migrate.compare import Unchangeable, wanted
from engine.store.migrate.operations import Progress
from engine.store.migrate.plan import plan
from engine.store.tables import Path, Tables
from engine.store.transaction import Transaction
from tests.store.conftest import NOON
from tests.store.migrating import Yard, catalog_of, nothing_to_work_out

CRATE = """
model: crate
key: code
workflow: handling
fields:
  code: {type: text, max: 20, unique: true}
  weight: {type: decimal, precision: 9, digits: 3}
  items: {type: rows, of: {count: integer, note: text}}
---
workflow: handling
for: crate
start: empty
states:
  empty: {events: {fill: {to: full}}}
  full: {events: {send: {to: sent}}}
  sent: {}
"""


@pytest.fixture
def yard(database_url: str) -> Iterator[Yard]:
    database = Database.open(database_url, durable=False)
    yield Yard(database)
    database.close()


def test_endpoints_come_and_go(yard: Yard) -> None:
    first = yard.plan(CRATE).endpoints
    assert {"/api/crate", "/api/crate/{id}/events/fill"} <= set(first.added)
    assert first.removed == ()
    yard.apply(CRATE)
    changed = CRATE.replace("send: {to: sent}", "ship: {to: sent}") + "---\nmodel: shelf\nfields: {name: text}\n"
    assert yard.plan(changed).endpoints.lines() == [
        "+ /api/crate/{id}/events/ship",
        "+ /api/shelf",
        "- /api/crate/{id}/events/send",
    ]


def test_new_computed_fields_are_worked_out_for_old_rows(yard: Yard) -> None:
    yard.apply(CRATE)
    yard.desk(CRATE).add("crate", code="A", weight=Decimal("2.5"))
    changed = CRATE.replace(
        "  items: {type: rows, of: {count: integer, note: text}}",
        "  twice: {type: decimal, value: weight * 2}\n"
        "  total: {type: integer, value: sum(items.count)}\n"
        "  items: {type: rows, of: {count: integer, note: text, double: {type: integer, value: count * 2}}}",
    )
    asked: list[tuple[str, Sequence[tuple[Path, str]]]] = []

    def work_out(
        tx: Transaction, catalog: Catalog, model: str, fields: Sequence[tuple[Path, str]], progress: Progress
    ) -> None:
        asked.append((model, fields))
        # By then the columns are there, and so are their indexes.
        assert catalog.fingerprint == catalog_of(changed).fingerprint
        assert tx.core(Tables(catalog)["crate"].select())[0]["twice"] is None

    found = yard.plan(changed)
    assert found.additive
    assert "work out crate.items.double" in found.text()
    yard.apply(changed, work_out=work_out)
    assert [model for model, _ in asked] == ["crate"]
    assert sorted(asked[0][1]) == [((), "total"), ((), "twice"), (("items",), "double")]


def test_progress_tells_each_step(yard: Yard) -> None:
    told: list[tuple[str, int, int]] = []
    done = yard.apply(CRATE, progress=lambda what, at, all_: told.append((what, at, all_)))
    assert [what for what, _, _ in told] == [str(step) for step in done.operations]
    assert [at for _, at, _ in told] == list(range(len(told)))
    assert {all_ for _, _, all_ in told} == {len(told)}


def test_the_plan_is_data_too(yard: Yard) -> None:
    found = yard.plan(CRATE)
    data = json.loads(json.dumps(found.as_data()))
    assert data["changes"] is True
    assert data["additive"] is True
    assert data["hash"] == found.hash
    assert [step["text"] for step in data["operations"]] == [str(step) for step in found.operations]
    assert {"+ " + path for path in data["endpoints"]["added"]} == set(found.endpoints.lines())


def test_decimals_that_all_fit_are_copied_at_once(yard: Yard) -> None:
    yard.apply(CRATE)
    key = yard.desk(CRATE).add("crate", code="A", weight=Decimal("-999999.125"))
    wider = CRATE.replace("precision: 9, digits: 3", "precision: 18, digits: 5")
    assert yard.plan(wider).losses == ()
    yard.apply(wider)
    assert str(yard.desk(wider).get("crate", key)["weight"]) == "-999999.12500"
    yard.apply(CRATE)
    assert str(yard.desk(CRATE).get("crate", key)["weight"]) == "-999999.125"


def test_the_hash_stands_for_tables_and_definitions(yard: Yard) -> None:
    first = yard.plan(CRATE)
    assert yard.plan(CRATE).hash == first.hash
    assert yard.plan(CRATE + "---\nmodel: shelf\nfields: {name: text}\n").hash != first.hash
    yard.apply(CRATE)
    later = yard.plan(CRATE).hash
    assert later != first.hash
    yard.desk(CRATE).add("crate", code="A")
    assert yard.plan(CRATE).hash == later
    with yard.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX by_hand ON crate (weight)")
    assert yard.plan(CRATE).hash != later


def test_what_was_changed_by_hand_is_brought_back(yard: Yard) -> None:
    yard.apply(CRATE)
    with yard.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX uq_crate_code")
        connection.exec_driver_sql("ALTER TABLE crate ADD COLUMN extra integer")
    found = yard.plan(CRATE)
    assert {str(step) for step in found.operations} == {
        "create unique index over crate (code)",
        "drop column crate.extra",
    }
    yard.apply(CRATE)
    assert yard.schema == wanted(Tables(catalog_of(CRATE)), yard.database.dialect)


def test_a_table_of_the_engine_is_written_anew_where_its_constraints_differ(yard: Yard) -> None:
    yard.apply(CRATE)
    with yard.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE _sequence")
        connection.exec_driver_sql("CREATE TABLE _sequence (name TEXT PRIMARY KEY, period TEXT, next BIGINT)")
        connection.exec_driver_sql("INSERT INTO _sequence VALUES ('crate.number', '2026', 7)")
    assert "rebuild table _sequence" in yard.plan(CRATE).text()
    yard.apply(CRATE)
    assert yard.schema == wanted(Tables(catalog_of(CRATE)), yard.database.dialect)
    assert yard.rows("SELECT name, period, next FROM _sequence") == [("crate.number", "2026", 7)]


def test_a_table_that_no_step_can_mend_is_refused(yard: Yard) -> None:
    yard.apply(CRATE)
    with yard.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE crate__items")
        connection.exec_driver_sql("CREATE TABLE crate__items (id TEXT PRIMARY KEY)")
    with pytest.raises(Unchangeable, match="crate__items"):
        yard.plan(CRATE)


def test_the_second_of_two_processes_finds_its_plan_stale(database_url: str) -> None:
    first, second = (Database.open(database_url, durable=False) for _ in range(2))
    try:
        catalog = catalog_of(CRATE)
        plans = [plan(database, catalog) for database in (first, second)]
        apply(first, plans[0], catalog, at=NOON, actor=None, work_out=nothing_to_work_out)
        with pytest.raises(StalePlan):
            apply(second, plans[1], catalog, at=NOON, actor=None, work_out=nothing_to_work_out)
        assert not plan(second, catalog).changes
    finally:
        first.close()
        second.close()
