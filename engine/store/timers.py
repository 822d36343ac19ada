"""The rows of timers. A timer waits, is fired (its job is written), and is done; what never went off is removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from engine.ports import Record
from engine.store.keys import new_key
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

TIMER = "timer"
COLUMNS = (
    "id", "kind", "subject", "model", "record", "step", "round", "rung", "turn",
    "since", "span", "calendar", "due_at", "fired_at", "done_at", "place", "definitions",
)  # fmt: skip
#: What changes when a timer moves.
MOVED = ("since", "calendar", "due_at")


class TimerRows:
    """The table of timers."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._records = records
        self._table = table = tables[TIMER]
        dialect = loader.dialect
        columns = [table.c[name] for name in COLUMNS]
        turn = (table.c["due_at"], table.c["id"])
        # Ladders over holds go to the trash with the record that is held. The indexes are those of what is not there.
        there = table.c["deleted_at"].is_(None)
        which, waits = table.c["id"] == bindparam("which"), table.c["done_at"].is_(None) & there
        own = (table.c["subject"] == bindparam("subject_")) & there
        self._get = Statement(select(*columns).where(which), dialect, ("which",))
        self._of = Statement(select(*columns).where(own).order_by(*turn), dialect, ("subject_",))
        moved: dict[str, Any] = {name: bindparam(f"{name}_") for name in MOVED}
        move = table.update().where(which & waits).values(**moved, fired_at=None)
        self._move = Statement(move, dialect, (*(f"{name}_" for name in MOVED), "which"))
        self._drop = Statement(table.delete().where(which & waits), dialect, ("which",))
        self._clear = Statement(table.delete().where(own & waits), dialect, ("subject_",))
        over_holds = (table.c["record"] == bindparam("record_")) & (table.c["kind"] == "hold")
        park = table.update().where(over_holds & waits).values(deleted_at=bindparam("now_"))
        self._park = Statement(park, dialect, ("now_", "record_"))
        parked = over_holds & table.c["deleted_at"].is_not(None)
        resume = table.update().where(parked).values(deleted_at=None, fired_at=None)
        self._resume = Statement(resume, dialect, ("record_",))
        over = (table.c["due_at"] <= bindparam("now_")) & waits
        done = table.update().where(which & over).values(done_at=bindparam("now_"))
        self._done = Statement(done, dialect, ("now_", "which"))
        self._next = Statement(select(*columns).where(over).order_by(*turn).limit(1), dialect, ("now_",))
        ahead = (table.c["record"] == bindparam("record_")) & waits
        self._waiting = Statement(select(*columns).where(ahead).order_by(*turn), dialect, ("record_",))
        about = over & (table.c["record"] == bindparam("record_")) & table.c["fired_at"].is_not(None)
        self._before = Statement(select(table.c["id"]).where(about).order_by(*turn), dialect, ("now_", "record_"))
        due = table.c["fired_at"].is_(None) & over
        first = select(table.c["id"]).where(due).order_by(*turn).limit(bindparam("most"))
        self._any = Statement(first, dialect, ("now_", "most"))
        renamed = {"step": bindparam("step_"), "round": table.c["round"] + bindparam("more_")}
        rename = table.update().where(own & (table.c["step"] == bindparam("old_"))).values(**renamed)
        self._rename = Statement(rename, dialect, ("step_", "more_", "subject_", "old_"))
        # The condition stands in the UPDATE too: who comes second waits for the first, and then finds nothing.
        claim = table.update().where(table.c["id"].in_(first), due).values(fired_at=bindparam("now_"))
        self._claim = Statement(claim.returning(table.c["id"], table.c["due_at"]), dialect, ("now_", "most"))
        other = table.c["calendar"].is_not(None) & (table.c["calendar"] != bindparam("calendar_")) & waits
        stale = select(*columns).where(other).order_by(*turn).limit(bindparam("most"))
        self._stale = Statement(stale, dialect, ("calendar_", "most"))

    def add(self, tx: Transaction, timers: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Writes timers that wait."""
        stamps = {"created_at": now, "updated_at": now}
        self._records.append(tx, TIMER, [{"id": new_key(now), **stamps, **timer} for timer in timers])

    def get(self, tx: Transaction, key: str) -> Record | None:
        """The timer; None where it has been called off."""
        rows = tx.rows(self._get, (key,))
        return _record(rows[0]) if rows else None

    def of(self, tx: Transaction, subject: str) -> list[Record]:
        """All timers of a case, a task or a hold, the earliest first, those that have gone off included."""
        return [_record(row) for row in tx.rows(self._of, (subject,))]

    def move(self, tx: Transaction, timer: Record) -> None:
        """Writes when a timer that waits is due now. A job that was on its way to it will find nothing to do."""
        tx.run(self._move, (*(timer[name] for name in MOVED), timer["id"]))

    def drop(self, tx: Transaction, key: str) -> None:
        """Calls a timer off."""
        tx.run(self._drop, (key,))

    def clear(self, tx: Transaction, subject: str) -> None:
        """Calls off every timer of a case, a task or a hold that still waits."""
        tx.run(self._clear, (subject,))

    def park(self, tx: Transaction, record: str, now: datetime) -> None:
        """Puts the ladders over the holds of a record into the trash with it: nothing goes off there."""
        tx.run(self._park, (now, record))

    def resume(self, tx: Transaction, record: str) -> None:
        """Brings the ladders over the holds of a record back from the trash; what is overdue is due at once."""
        tx.run(self._resume, (record,))

    def rename(self, tx: Transaction, subject: str, old: str, new: str) -> None:
        """Gives the timers of a case's state to the state whose name it has now, in rounds after those that are there:
        the case may have stood in both."""
        rows = self.of(tx, subject)
        for step in sorted({row["step"] for row in rows if row["step"].startswith(f"{old}.")}):
            name = f"{new}.{step.removeprefix(f'{old}.')}"
            more = max((row["round"] for row in rows if row["step"] == name), default=0)
            tx.run(self._rename, (name, more, subject, step))

    def done(self, tx: Transaction, key: str, now: datetime) -> bool:
        """Whether the timer goes off by this call: not where it has gone off before, was moved or called off."""
        return tx.run(self._done, (now, key)) == 1

    def next(self, tx: Transaction, until: datetime) -> Record | None:
        """The earliest timer due by then that has not gone off; None when there is none."""
        rows = tx.rows(self._next, (until,))
        return _record(rows[0]) if rows else None

    def under_way(self, tx: Transaction, record: str, until: datetime) -> list[str]:
        """The ids of the timers of a record that were fired by then, and have not gone off, the earliest first."""
        return [row[0] for row in tx.rows(self._before, (until, record))]

    def waiting(self, tx: Transaction, record: str) -> list[Record]:
        """The timers that wait for a record, for its tasks and its holds, the next first."""
        return [_record(row) for row in tx.rows(self._waiting, (record,))]

    def any_due(self, tx: Transaction, now: datetime) -> bool:
        """Whether a timer is to be fired."""
        return bool(tx.rows(self._any, (now, 1)))

    def claim(self, tx: Transaction, now: datetime, most: int) -> list[tuple[str, datetime]]:
        """The ids and moments of the due timers that are fired by this call, the longest due first."""
        return sorted(tx.rows(self._claim, (now, most)), key=lambda row: (row[1], row[0]))

    def stale(self, tx: Transaction, calendar: str, most: int) -> list[Record]:
        """Timers in working time that wait, and were worked out by another version of the calendar."""
        return [_record(row) for row in tx.rows(self._stale, (calendar, most))]


def _record(row: tuple[Any, ...]) -> Record:
    return dict(zip(COLUMNS, row, strict=True))
