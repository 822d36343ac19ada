"""Applied definitions by their fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.store.database import Database
from engine.store.snapshots import Snapshots
from engine.store.store import Store
from engine.store.transaction import Transaction
from tests.store.conftest import NOON


def add(store: Store, fingerprint: str, text: str, hours: int = 0) -> int:
    snapshots = Snapshots(store.database)
    sources = {"definitions/a.yaml": text}
    at = NOON + timedelta(hours=hours)

    def work(tx: Transaction) -> int:
        return snapshots.add(tx, fingerprint, sources, plan={"n": 1}, inverse={}, at=at, by="ann")

    return store.database.write(work).result(30)


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url, durable=False)
    yield database
    database.close()


def test_a_database_to_which_nothing_was_applied_has_none(empty: Database) -> None:
    snapshots = Snapshots(empty)
    assert empty.read(snapshots.newest) is None
    assert empty.read(lambda tx: snapshots.sources(tx, "abc")) is None
    assert empty.read(snapshots.list) == []


def test_the_newest_is_the_one_that_was_added_last(store: Store) -> None:
    snapshots = Snapshots(store.database)
    assert store.database.read(snapshots.newest) is None
    assert add(store, "one", "model: a") == 1
    assert add(store, "two", "model: b", 1) == 2
    assert store.database.read(snapshots.newest) == "two"
    # The first ones come into force again.
    assert add(store, "one", "model: a", 2) == 3
    assert store.database.read(snapshots.newest) == "one"
    assert [found.fingerprint for found in store.database.read(snapshots.list)] == ["one", "two", "one"]


def test_the_whole_text_can_be_read_again(store: Store) -> None:
    snapshots = Snapshots(store.database)
    add(store, "one", "model: 单据\n# “quoted”\n")
    add(store, "two", "model: b")
    found = store.database.read(lambda tx: snapshots.sources(tx, "one"))
    assert found == {"definitions/a.yaml": "model: 单据\n# “quoted”\n"}
    assert store.database.read(lambda tx: snapshots.sources(tx, "three")) is None
    newest = store.database.read(snapshots.list)[0]
    assert (newest.number, newest.applied_by, newest.applied_at, newest.plan) == (2, "ann", NOON, {"n": 1})
