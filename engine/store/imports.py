"""How far imports have come. Written in the transaction of each chunk, so that what is noted has happened, and nothing
else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, insert, select, update

from engine.store.tables import Tables
from engine.store.technical import IMPORT, REFUSED
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` records of the file have been dealt with; ``counts`` says how."""

    done: int
    counts: Mapping[str, int]
    finished: bool


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record of the file that was refused: its position, its rows, and each problem as ``{at, code, message}``."""

    position: int
    rows: Sequence[int]
    problems: Sequence[Mapping[str, Any]]


class Imports:
    """The table of imports."""

    def __init__(self, tables: Tables) -> None:
        self._table: Table = tables.metadata.tables[IMPORT]
        self._refused: Table = tables.metadata.tables[REFUSED]

    def progress(self, tx: Transaction, file: str, channel: str) -> Progress | None:
        """How far the import of the file has come; None when it has not begun."""
        table = self._table
        found = tx.core(select(table).where(table.c.file == file, table.c.channel == channel))
        return Progress(found[0]["done"], found[0]["counts"], found[0]["finished_at"] is not None) if found else None

    def begin(self, tx: Transaction, file: str, channel: str, moment: datetime) -> None:
        """Notes that an import begins; whatever was noted of an earlier one of the same file is forgotten."""
        for table in (self._refused, self._table):
            tx.change(delete(table).where(table.c.file == file, table.c.channel == channel))
        tx.change(insert(self._table).values(file=file, channel=channel, done=0, counts={}, started_at=moment))

    def advance(self, tx: Transaction, file: str, channel: str, progress: Progress, moment: datetime) -> None:
        """Notes how far the import has come."""
        table = self._table
        values = {
            "done": progress.done,
            "counts": dict(progress.counts),
            "finished_at": moment if progress.finished else None,
        }
        tx.change(update(table).where(table.c.file == file, table.c.channel == channel).values(values))

    def refuse(self, tx: Transaction, file: str, channel: str, records: Sequence[RefusedRecord]) -> None:
        """Keeps refused records for the report."""
        for record in records:
            values = {"position": record.position, "rows": list(record.rows), "problems": list(record.problems)}
            tx.change(insert(self._refused).values(file=file, channel=channel, **values))

    def refused(self, tx: Transaction, file: str, channel: str) -> list[RefusedRecord]:
        """The refused records of the file, in its order."""
        table = self._refused
        query = select(table).where(table.c.file == file, table.c.channel == channel).order_by(table.c.position)
        return [RefusedRecord(row["position"], tuple(row["rows"]), row["problems"]) for row in tx.core(query)]
