"""Applying while others read and write: nobody is left with a connection that no longer understands the tables."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine.ports import Record
from engine.store.database import Database
from tests.store.conftest import Desk
from tests.store.migrating import Yard

CRATE = """
model: crate
key: code
fields:
  code: {type: text, max: 20, unique: true}
  weight: {type: decimal, digits: 3}
"""


@pytest.fixture
def yards(database_url: str) -> Iterator[tuple[Yard, Yard]]:
    """The same database, opened twice: as by two processes."""
    first, second = (Database.open(database_url, durable=False) for _ in range(2))
    yield Yard(first), Yard(second)
    first.close()
    second.close()


def test_statements_that_were_planned_before_are_planned_anew(yards: tuple[Yard, Yard]) -> None:
    first, second = yards
    first.apply(CRATE)
    wider = CRATE.replace("digits: 3", "digits: 5")
    keys = {}
    for yard, code in ((first, "A"), (second, "B")):
        desk = yard.desk(CRATE)
        for number in range(12):  # so often that a server plans the statement for good
            keys[code, number] = desk.add("crate", code=f"{code}{number}", weight=Decimal("1.5"))
        for _ in range(60):  # on all connections there are
            assert desk.get("crate", keys[code, 0])["weight"] == Decimal("1.5")
            assert locked(desk, keys[code, 0])["weight"] == Decimal("1.5")
    first.apply(wider)
    for yard, code in ((first, "A"), (second, "B")):
        desk = yard.desk(wider)
        assert str(desk.get("crate", keys[code, 0])["weight"]) == "1.50000"
        key = desk.add("crate", code=f"{code}-new", weight=Decimal("1.00005"))
        assert desk.get("crate", key)["weight"] == Decimal("1.00005")
        for _ in range(12):
            assert locked(desk, key)["weight"] == Decimal("1.00005")


def locked(desk: Desk, key: str) -> Record:
    """The record as a transaction reads it that is about to write."""
    return desk.write(lambda tx: desk.store.records.load(tx, "crate", [key], lock=True)[0])
