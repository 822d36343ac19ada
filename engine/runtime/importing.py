"""Takes a whole file in through a channel: in chunks, each one transaction that also notes how far it has come.

Killed at any moment and started again, an import goes on where the last committed chunk ended: nothing is lost or
doubled.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from engine.errors import BadRequest, Label
from engine.policy.intake.formats import Raw
from engine.runtime.intake import Intake, Outcome
from engine.store.database import Database
from engine.store.imports import Imports, Progress, RefusedRecord
from engine.store.transaction import Transaction

#: Records in one transaction: others can write in between, and a crash costs little.
CHUNK = 200

#: (records done so far, what has become of them)
Report = Callable[[int, Counter[str]], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file. ``counts`` is over records, ``rows`` over the rows of the file, by outcome."""

    counts: Counter[str]
    rows: Counter[str]
    refused: Sequence[RefusedRecord]
    resumed_at: int = 0


@dataclass(slots=True)
class _Tally:
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedRecord] = field(default_factory=list)


class _DryRun(Exception):
    """Ends the transaction of a dry run, so that nothing of it is kept."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.outcomes = outcomes


class Importer:
    """Imports files through the channels of one catalogue."""

    def __init__(self, intake: Intake, database: Database) -> None:
        self.intake = intake
        self.database = database
        self.imports = Imports(intake.store.tables)

    def run(
        self, channel: str, path: Path, *, dry_run: bool = False, again: bool = False, report: Report | None = None
    ) -> ImportResult:
        """Imports a file (``.gz`` is unpacked). A file that was imported before is refused unless ``again`` is said.

        A dry run writes nothing and finds what a real one would refuse; what one chunk would have made is not there for
        the next, so an arrival under a key that came before in the file counts by that key alone.
        """
        self.intake.channel(channel)
        body = _read(path)
        file = hashlib.sha256(body).hexdigest()
        raws = self.intake.records(channel, body, None, path.name)
        if dry_run:
            return self._dry(channel, raws, report)
        progress = self._begin(file, channel, again)
        tally = _Tally(progress.done, Counter(progress.counts))
        raws = islice(raws, progress.done, None)
        for chunk in _chunks(raws):
            self._chunk(file, channel, chunk, tally)
            if report is not None:
                report(tally.done, _records(tally.counts))
        finished = Progress(tally.done, tally.counts, finished=True)
        self._note(file, channel, finished)
        refused = self.database.read(lambda tx: self.imports.refused(tx, file, channel))
        return ImportResult(_records(tally.counts), _rows(tally.counts), refused, progress.done)

    def _begin(self, file: str, channel: str, again: bool) -> Progress:
        moment = self.intake.service.clock.now()

        def begin(tx: Transaction) -> Progress:
            found = self.imports.progress(tx, file, channel)
            if found is not None and not found.finished:
                return found
            if found is not None and not again:
                raise BadRequest("this file has been imported through this channel before", code="IMPORTED_BEFORE")
            self.imports.begin(tx, file, channel, moment)
            return Progress(0, {}, finished=False)

        return self.database.write(begin).result()

    def _chunk(self, file: str, channel: str, chunk: Sequence[Raw], tally: _Tally) -> None:
        moment = self.intake.service.clock.now()

        def work(tx: Transaction) -> _Tally:
            # Made anew: the database may ask for the work a second time.
            after = _Tally(tally.done, Counter(tally.counts))
            for outcome in self.intake.take(tx, channel, chunk):
                _count(after, outcome)
            self.imports.refuse(tx, file, channel, after.refused)
            self.imports.advance(tx, file, channel, Progress(after.done, after.counts, finished=False), moment)
            return after

        after = self.database.write(work).result()
        tally.done, tally.counts = after.done, after.counts

    def _note(self, file: str, channel: str, progress: Progress) -> None:
        moment = self.intake.service.clock.now()
        self.database.write(lambda tx: self.imports.advance(tx, file, channel, progress, moment)).result()

    def _dry(self, channel: str, raws: Iterator[Raw], report: Report | None) -> ImportResult:
        tally = _Tally()
        made: set[str] = set()
        for chunk in _chunks(raws):
            for outcome in self._undone(channel, chunk):
                if outcome.result == "created" and outcome.key in made:
                    text: Label = "another record under the same key came before in this file"
                    problem: dict[str, Any] = {"at": "", "code": "VERSION_CONFLICT", "message": text}
                    _count(tally, Outcome("refused", outcome.key, outcome.rows), [problem])
                    continue
                if outcome.result == "created" and outcome.key is not None:
                    made.add(outcome.key)
                _count(tally, outcome)
            if report is not None:
                report(tally.done, _records(tally.counts))
        return ImportResult(_records(tally.counts), _rows(tally.counts), tally.refused)

    def _undone(self, channel: str, chunk: Sequence[Raw]) -> list[Outcome]:
        """The outcomes of a chunk, in a transaction that is rolled back."""

        def work(tx: Transaction) -> None:
            raise _DryRun(list(self.intake.take(tx, channel, chunk)))

        try:
            self.database.write(work).result()
        except _DryRun as end:
            return end.outcomes
        return []


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise BadRequest(f"{path.name} cannot be unpacked: {error}", code="WRONG_FORMAT") from None


def _chunks(raws: Iterator[Raw]) -> Iterator[list[Raw]]:
    while chunk := list(islice(raws, CHUNK)):
        yield chunk


def _count(tally: _Tally, outcome: Outcome, problems: list[dict[str, Any]] | None = None) -> None:
    tally.done += 1
    tally.counts[outcome.result] += 1
    tally.counts[f"rows {outcome.result}"] += len(outcome.rows)
    if outcome.result == "refused":
        found = problems or [{"at": p.at, "code": p.code, "message": p.message} for p in outcome.problems]
        tally.refused.append(RefusedRecord(tally.done, outcome.rows, found))


def _records(counts: Counter[str]) -> Counter[str]:
    return Counter({name: count for name, count in counts.items() if not name.startswith("rows ")})


def _rows(counts: Counter[str]) -> Counter[str]:
    return Counter({name.removeprefix("rows "): count for name, count in counts.items() if name.startswith("rows ")})
