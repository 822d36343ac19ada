"""Fields that old records get when definitions are applied."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.catalog.reload import CatalogHolder
from engine.ports import Record
from engine.runtime import backfill
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.transaction import Transaction
from tests.runtime.running import START

BEFORE = """
app: yard
---
model: place
key: code
fields: {code: {type: text, unique: true}, height: integer}
---
model: crate
key: code
fields:
  code: {type: text, unique: true}
  place: {type: link, to: place}
  weight: {type: decimal, digits: 3}
  heavy: {type: boolean, value: weight > 10}
  items: {type: rows, of: {count: integer, price: {type: money}}}
"""
AFTER = (
    BEFORE.replace("weight > 10", "weight > 1")
    .replace("price: {type: money}", "price: {type: money}, amount: {type: money, value: count * price}")
    .replace(
        "  items:",
        "  total: {type: money, value: sum(items.amount)}\n"
        "  level: {type: integer, value: place.height + 1}\n"
        "  ratio: {type: decimal, value: 10 // weight}\n"
        "  items:",
    )
)


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "app.yaml").write_text(BEFORE)
    made = Engine(CatalogHolder(tmp_path), Database.open(database_url, durable=False), SetClock(START))
    made.prepare()
    yield made
    made.database.close()


def crates(engine: Engine, *codes: str) -> list[Record]:
    """The crates of these codes as a new transaction reads them, whether or not they are in the trash."""
    store = engine.service.store
    table = store.tables["crate"]

    def read(tx: Transaction) -> list[Record]:
        keys = {str(row["code"]): str(row["id"]) for row in tx.core(select(table.c["id"], table.c["code"]))}
        load = store.records.load
        return [
            record
            for code in codes
            for trashed in (False, True)
            for record in load(tx, "crate", [keys[code]], trashed=trashed)
        ]

    return engine.database.read(read)


def test_old_records_get_what_is_worked_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "CHUNK", 2)
    service = engine.service
    engine.write(lambda tx: service.create(tx, SYSTEM, "place", {"code": "P", "height": 3}))
    items = [{"count": 2, "price": "1.50"}, {"count": 1, "price": "0.25"}]
    for number in range(5):
        values = {"code": f"C{number}", "place": "P", "weight": str(number), "items": items[: number % 3]}
        engine.write(lambda tx, values=values: service.create(tx, SYSTEM, "crate", values))
    gone = crates(engine, "C4")[0]["id"]
    engine.write(lambda tx: service.delete(tx, SYSTEM, "crate", gone))
    versions = [record["version"] for record in crates(engine, "C0", "C1", "C2", "C4")]

    (engine.holder.app_dir / "definitions" / "app.yaml").write_text(AFTER)
    assert engine.holder.reload()

    none, one, two, trashed = crates(engine, "C0", "C1", "C2", "C4")
    assert [record["total"] for record in (none, one, two, trashed)] == [0, Decimal("3.00"), Decimal("3.25"), 3]
    assert [row["amount"] for row in two["items"]] == [Decimal("3.00"), Decimal("0.25")]
    assert [record["level"] for record in (none, one, two, trashed)] == [4, 4, 4, 4]
    # A division by zero cannot be worked out, and is no obstacle for the others.
    assert none["ratio"] is None
    assert two["ratio"] == 5
    # Nobody has changed these records, and what was worked out by the rules of its time stays.
    assert [record["version"] for record in (none, one, two, trashed)] == versions
    assert two["heavy"] is False


def test_a_record_that_comes_later_is_worked_out_as_ever(engine: Engine) -> None:
    (engine.holder.app_dir / "definitions" / "app.yaml").write_text(AFTER)
    assert engine.holder.reload()
    values = {"code": "C", "weight": "2", "items": [{"count": 2, "price": "1.50"}]}
    engine.write(lambda tx: engine.service.create(tx, SYSTEM, "crate", values))
    found = crates(engine, "C")[0]
    assert (found["total"], found["heavy"], found["level"]) == (Decimal("3.00"), True, None)
