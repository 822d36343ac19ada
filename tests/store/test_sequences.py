"""Numbers of sequences: never twice, whoever takes them, and anew each day of the application's zone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from engine.store.database import Database
from engine.store.sequences import BLOCK
from engine.store.store import Store
from engine.store.transaction import Transaction
from tests.store.conftest import NOON, Desk


@pytest.fixture
def second(prepared_url: str, store: Store) -> Iterator[Desk]:
    """The same database, as another process has it open."""
    database = Database.open(prepared_url, durable=False)
    yield Desk(Store(store.catalog, database))
    database.close()


def numbers(desk: Desk, count: int) -> list[str]:
    return [desk.get("parcel", desk.add("parcel"))["number"] for _ in range(count)]


def test_numbers_follow_each_other(desk: Desk) -> None:
    assert numbers(desk, 3) == ["P202611220001", "P202611220002", "P202611220003"]


def test_days_begin_anew_in_the_zone_of_the_application(desk: Desk) -> None:
    midnight = NOON.replace(hour=16)  # in Shanghai
    made = [desk.add("parcel", midnight + timedelta(microseconds=offset)) for offset in (-1, 0, 1)]
    assert [desk.get("parcel", key)["number"] for key in made] == ["P202611220001", "P202611230001", "P202611230002"]


def test_a_number_that_is_given_is_kept(desk: Desk) -> None:
    assert desk.get("parcel", desk.add("parcel", number="OLD-1"))["number"] == "OLD-1"
    assert numbers(desk, 1) == ["P202611220001"]


def test_a_transaction_that_fails_frees_or_drops_its_number_but_never_doubles_it(desk: Desk) -> None:
    def fail(tx: Transaction) -> None:
        desk.insert(tx, "parcel")
        raise LookupError

    first = numbers(desk, 1)
    with pytest.raises(LookupError):
        desk.write(fail)
    following = numbers(desk, 2)
    assert len({*first, *following}) == 3
    assert [*first, *following] == sorted([*first, *following])


def test_processes_and_threads_never_share_a_number(desk: Desk, second: Desk) -> None:
    rounds = BLOCK // 2 + 3
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(numbers, user, rounds) for user in (desk, second, desk, second)]
    taken = [number for run in runs for number in run.result()]
    assert len(set(taken)) == len(taken) == 4 * rounds


def test_what_a_process_reserved_survives_new_definitions(desk: Desk) -> None:
    before = numbers(desk, 2)
    other = Desk(Store(desk.store.catalog, desk.store.database))
    assert before + numbers(other, 1) == ["P202611220001", "P202611220002", "P202611220003"]
