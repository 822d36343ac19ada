"""What is to be made once is there once, however many acts find at the same time that it is not there yet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import text

from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction
from tests.runtime.running import Running

# No `unique` on baskets: the step alone keeps them apart.
YARD = """
app: yard
---
model: town
key: code
fields: {code: {type: text, unique: true}}
---
model: basket
fields: {town: {type: link, to: town}, size: {type: decimal, digits: 2}, day: date}
---
model: parcel
key: number
workflow: packing
fields:
  number: {type: text, unique: true}
  town: {type: link, to: town}
  size: {type: decimal, digits: 2}
  day: date
  basket: {type: link, to: basket}
---
workflow: packing
for: parcel
start: open
states:
  open:
    events:
      pack:
        to: packed
        do:
          - {create: basket, once: [town, size, day], values: {town: town, size: size, day: day}, into: found}
          - {set: {basket: found}}
  packed: {}
"""


def open_yard(url: str) -> Running:
    running = Running(YARD, url)
    for code in ("near", "far"):
        running.create("town", {"code": code})
    return running


@pytest.fixture
def yard(database_url: str) -> Iterator[Running]:
    running = open_yard(database_url)
    yield running
    running.database.close()


def parcel(yard: Running, number: str, **values: str) -> str:
    made = yard.create("parcel", {"number": number, "town": "near", "size": "1.5", **values})
    return str(made["id"])


def test_many_at_once_share_one(yard: Running) -> None:
    keys = [parcel(yard, f"P{at}") for at in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda key: yard.fire("parcel", key, "pack"), keys))
    assert len(yard.all("basket")) == 1
    assert {found["basket"]["id"] for found in yard.all("parcel")} == {yard.all("basket")[0]["id"]}


def test_what_differs_in_a_key_is_another(yard: Running) -> None:
    numbers = [parcel(yard, "P1"), parcel(yard, "P2", town="far"), parcel(yard, "P3", size="2")]
    numbers += [parcel(yard, "P4", day="2026-05-01"), parcel(yard, "P5", day="2026-05-01"), parcel(yard, "P6")]
    for key in numbers:
        yard.fire("parcel", key, "pack")
    assert len(yard.all("basket")) == 4, "a key without a value is a key, too"


def test_the_second_waits_until_the_first_is_committed(postgres_url: str) -> None:
    yard = open_yard(postgres_url)
    first, second, other = parcel(yard, "P1"), parcel(yard, "P2"), parcel(yard, "P3", town="far")
    made, release = Event(), Event()

    def slow(tx: Transaction) -> None:
        yard.service.fire(tx, SYSTEM, "parcel", first, "pack")
        tx.settle()
        made.set()
        assert release.wait(30)

    try:
        one = yard.database.write(slow)
        assert made.wait(30)
        two = yard.database.write(lambda tx: yard.service.fire(tx, SYSTEM, "parcel", second, "pack"))
        yard.fire("parcel", other, "pack")  # another key waits for nobody
        wait_for_a_lock(yard)
        assert not two.done()
        release.set()
        one.result(30)
        two.result(30)
        assert len(yard.all("basket", where='town == "near"')) == 1
    finally:
        release.set()
        yard.database.close()


def wait_for_a_lock(yard: Running) -> None:
    """Returns when a transaction waits for an advisory lock; fails when none ever does."""
    asked = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(300):
        with yard.database.engine.connect() as connection:
            if connection.scalar(asked):
                return
        time.sleep(0.02)
    pytest.fail("nobody waits")
