"""Runs ``test`` documents: each on a scratch database of its own, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.example import Count, Refusal, Test
from engine.errors import EngineError, RequestError, Span
from engine.runtime.clock import SetClock
from engine.runtime.coverage import Coverage
from engine.runtime.expectations import Disappointment, Judge
from engine.runtime.play import Player, Unplayable
from engine.runtime.service import Service
from engine.source.problems import Problems
from engine.store.database import Database

#: When a test names no moment: a Friday morning.
SOME_MOMENT = datetime(2026, 1, 2, 9, tzinfo=UTC)

#: Opens an empty database, which is gone when the context ends.
Scratch = Callable[[], AbstractContextManager[Database]]


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not come out, and where the test says so."""

    span: Span
    message: str

    def __str__(self) -> str:
        return f"{self.span}: {self.message}"


@dataclass(frozen=True, slots=True)
class Result:
    """How one test came out: ``failures`` is empty when it passed."""

    test: Test
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.failures


class TestRunner:
    """Runs the tests of one catalogue. ``root`` is the application's folder, ``scratch`` makes databases."""

    __test__ = False  # no test of pytest's

    def __init__(self, catalog: Catalog, root: Path, scratch: Scratch) -> None:
        self.catalog = catalog
        self.coverage = Coverage(catalog)
        self._root = root
        self._scratch = scratch

    def run(self, tests: Sequence[Test], *, stop_at_first: bool = False) -> Iterator[Result]:
        """The result of each test, as they come."""
        for test in tests:
            result = Result(test, tuple(self._run(test)))
            yield result
            if stop_at_first and not result.passed:
                return

    def _run(self, test: Test) -> Iterator[Failure]:
        try:
            chain = self._chain(test)
            with self._stage(chain) as player:
                for part in chain:
                    yield from self._prepare(player, part)
                yield from self._expect(player, test)
                self.coverage.read(player)
        except _Broken as broken:
            yield broken.failure

    def _chain(self, test: Test) -> list[Test]:
        """The tests that this one goes on from, the first of them first, and itself last."""
        chain = [test]
        while (earlier := chain[0].after) is not None:
            found = self.catalog.tests.get(earlier)
            if found is None:
                raise _Broken(Failure(chain[0].span_of("after"), f"there is no test {earlier!r}"))
            if found in chain:
                raise _Broken(Failure(chain[0].span_of("after"), "these tests go on from each other"))
            chain.insert(0, found)
        return chain

    @contextmanager
    def _stage(self, chain: Sequence[Test]) -> Iterator[Player]:
        clock = SetClock(next((_moment(test) for test in chain if test.clock is not None), SOME_MOMENT))
        with self._scratch() as database:
            service = Service(self.catalog, Store(self.catalog, database), clock, self._only_present)
            yield Player(service, database, clock, self._root)

    def _prepare(self, player: Player, test: Test) -> Iterator[Failure]:
        """Makes what is given and does what is done. The first thing that goes wrong ends the test."""
        for number, entry in enumerate(test.given):
            for model, values in entry.items():
                _guard(test, ("given", number), lambda model=model, values=values: player.put(model, values))
        for number, act in enumerate(test.do):
            _guard(test, ("do", number), lambda act=act: player.perform(act))
        return
        yield
