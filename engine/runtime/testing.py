"""Runs ``test`` documents: each on a scratch database of its own, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.example import Count, Refusal, Test
from engine.errors import EngineError, Span
from engine.runtime.clock import SetClock
from engine.runtime.coverage import Coverage, WatchedRights
from engine.runtime.expectations import Disappointment, Judge
from engine.runtime.masters import write_masters
from engine.runtime.play import Player, Unplayable, explain
from engine.runtime.scratch import Scratch
from engine.runtime.service import Service
from engine.source.document import Path as Place
from engine.source.problems import Problems
from engine.source.shape import Located
from engine.store.transaction import Transaction

L = TypeVar("L", bound=Located)

#: When a test names no moment: a Friday morning.
SOME_MOMENT = datetime(2026, 1, 2, 9, tzinfo=UTC)


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


class _Stop(Exception):
    """A failure after which the rest of the test means nothing."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(str(failure))


class TestRunner:
    """Runs the tests of one catalogue on a scratch database. ``root`` is the application's folder."""

    __test__ = False  # no test of pytest's

    def __init__(self, scratch: Scratch, root: Path) -> None:
        self.catalog = catalog = scratch.store.catalog
        self.coverage = Coverage(catalog)
        self._root = root
        self._scratch = scratch

    def run(self, tests: Sequence[Test]) -> Iterator[Result]:
        """The result of each test, as they come."""
        for test in tests:
            yield Result(test, tuple(self._failures(test)))

    def _failures(self, test: Test) -> Iterator[Failure]:
        try:
            chain = self._chain(test)
            player = self._stage(chain)
            for part in chain:
                _prepare(player, part)
            yield from self._expect(player, test)
            self.coverage.read(player)
        except _Stop as stop:
            yield stop.failure

    def _chain(self, test: Test) -> list[Test]:
        """The tests that this one goes on from, the first of them first, and itself last."""
        chain = [test]
        while (earlier := chain[0].after) is not None:
            found = self.catalog.tests.get(earlier)
            if found is None or found in chain:
                wrong = "there is no such test" if found is None else "these tests go on from each other"
                raise _Stop(Failure(chain[0].span_of("after"), wrong))
            chain.insert(0, found)
        return chain

    def _stage(self, chain: Sequence[Test]) -> Player:
        """An empty database, whose clock shows the moment at which the first test of the chain starts."""
        zone = ZoneInfo(self.catalog.app.timezone)
        clock = SetClock(next((_moment(test, zone) for test in chain if test.clock is not None), SOME_MOMENT))
        self._scratch.empty()
        service = Service(self.catalog, self._scratch.store, clock, self._present)
        service.rights = WatchedRights(self.catalog, self.coverage)
        player = Player(service, self._scratch.database, clock, self._root)
        player.write(lambda tx: write_masters(tx, service))
        return player

    def _present(self, _: Transaction, fingerprint: str) -> Catalog:
        """A scratch database knows only the definitions that it was made with."""
        if fingerprint != self.catalog.fingerprint:
            raise EngineError(f"a test met other definitions than its own: {fingerprint}")
        return self.catalog

    def _expect(self, player: Player, test: Test) -> Iterator[Failure]:
        """What does not come out as expected; each expectation is held by itself."""
        judge = Judge(player)
        for number, expected in enumerate(test.expect):
            try:
                self._hold(judge, test, number, expected)
            except Disappointment as missed:
                place = ("expect", number, *((missed.key,) if missed.key in expected else ()))
                yield Failure(test.document.span(place), str(missed))
            except EngineError as error:
                yield Failure(test.document.span(("expect", number)), explain(error))

    def _hold(self, judge: Judge, test: Test, number: int, expected: Mapping[str, Any]) -> None:
        if "refused" in expected:
            judge.refusal(self._parsed(Refusal, test, number))
        elif "count" in expected:
            judge.count(self._parsed(Count, test, number))
        elif "of" in expected:
            judge.values(expected)
        else:
            raise Unplayable("an expectation begins with `of`, `count` or `refused`")

    def _parsed(self, shape: type[L], test: Test, number: int) -> L:
        problems = Problems()
        found = self.catalog.vocabulary.grammar.parse(shape, test.document, problems, ("expect", number))
        if found is None:
            first = next(iter(problems))
            raise _Stop(Failure(first.span or test.span, str(first)))
        return found


def _prepare(player: Player, test: Test) -> None:
    """Makes what is given and does what is done. The first thing that goes wrong ends the test."""
    for number, entry in enumerate(test.given):
        with _located(test, ("given", number)):
            for model, values in entry.items():
                player.put(model, values)
    for number, act in enumerate(test.do):
        with _located(test, ("do", number)):
            player.perform(act)


@contextmanager
def _located(test: Test, place: Place) -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise _Stop(Failure(test.document.span(place), explain(error))) from error


def _moment(test: Test, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(str(test.clock))
    except ValueError:
        raise _Stop(Failure(test.span_of("clock"), "this is no moment, such as 2026-11-20T10:00:00+08:00")) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
