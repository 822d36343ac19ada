"""Reads in threads beside the event loop: short ones one after another, and no long one keeps the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

import pytest

from engine.web import waiting
from engine.web.waiting import Reads

Work = Callable[[Any], int]


class Counting:
    """A database that counts how many read at a time."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.most = self._now = 0
        self._lock = Lock()

    def read(self, work: Work) -> int:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return work(None)
        finally:
            with self._lock:
                self._now -= 1


def reads(database: Any) -> Reads:
    return Reads(database)


def test_short_reads_of_sqlite_go_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 60.0)
    database = Counting("sqlite")

    async def many() -> list[int]:
        read = reads(database)
        return await asyncio.gather(*(read(lambda _, number=number: number) for number in range(20)))

    assert asyncio.run(many()) == list(range(20))
    assert database.most == 1


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_who_would_wait_for_long_goes_beside(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    database, free = Counting(dialect), Event()

    def long(_: Any) -> int:
        assert free.wait(30)  # until the short one, which came later, is done
        return 1

    def short(_: Any) -> int:
        free.set()
        return 2

    async def both() -> list[int]:
        read = reads(database)
        first = asyncio.create_task(read(long))
        await asyncio.sleep(0)
        return [await read(short), await first]

    assert asyncio.run(both()) == [2, 1]
    assert database.most == 2


def test_what_a_read_raises_is_raised_and_the_next_one_has_its_turn() -> None:
    database = Counting("sqlite")

    def wrong(_: Any) -> int:
        raise KeyError("x")

    async def both() -> int:
        read = reads(database)
        with pytest.raises(KeyError):
            await read(wrong)
        return await read(lambda _: 3)

    assert asyncio.run(both()) == 3
    assert asyncio.run(both()) == 3  # in another loop
