"""Jobs as rows: written in the transaction that causes them, taken over by who runs them when they are due.

A row's id is the job's idempotency key: handed over twice, as after a crash in between, it is one job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from engine.ports import Job
from engine.store.arrays import VALUES, among, array
from engine.store.keys import new_key
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

JOB = "job"
WAITING, HANDED_OVER, DONE, DEAD = "waiting", "handed_over", "done", "dead"


class JobRows:
    """The table of jobs."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._records = records
        self._loader = loader
        self._table = table = tables[JOB]
        dialect = loader.dialect
        waits = (
            (table.c["state"] == WAITING) & (table.c["due_at"] <= bindparam("now_")) & table.c["deleted_at"].is_(None)
        )
        due = select(*(table.c[name] for name in ("id", "queue", "payload", "due_at", "attempt"))).where(waits)
        due = due.order_by(table.c["due_at"], table.c["id"]).limit(bindparam("most"))
        self._due = Statement(due, dialect, ("now_", "most"))
        hand_over = table.update().where(among(table.c["id"], dialect), table.c["state"] == WAITING)
        self._hand_over = Statement(hand_over.values(state=HANDED_OVER), dialect, (VALUES,), raw=True)
        again: dict[str, Any] = {name: bindparam(f"{name}_") for name in ("state", "due_at", "attempt", "last_error")}
        mark = table.update().where(table.c["id"] == bindparam("which")).values(again)
        self._mark = Statement(mark, dialect, (*(f"{name}_" for name in again), "which"))
        purge = table.delete().where(table.c["state"] == DONE, table.c["due_at"] < bindparam("before"))
        self._purge = Statement(purge, dialect, ("before",))

    def add(self, tx: Transaction, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Writes jobs; each has ``id queue payload`` and ``due_at``, from which on it may run."""
        for job in jobs:
            entry = {"attempt": 1, "state": WAITING, **job}
            self._records.append(tx, JOB, [entry], entry["due_at"])

    def put(self, tx: Transaction, queue: str, payload: Mapping[str, Any], due_at: datetime) -> str:
        """The id of a new job."""
        key = new_key(due_at)
        self.add(tx, [{"id": key, "queue": queue, "payload": payload, "due_at": due_at}])
        return key

    def due(self, tx: Transaction, now: datetime, limit: int) -> list[Job]:
        """Waiting jobs that are due, the longest waiting first."""
        rows = tx.rows(self._due, (now, limit))
        return [Job(key, queue, payload or {}, due_at, attempt) for key, queue, payload, due_at, attempt in rows]

    def hand_over(self, tx: Transaction, ids: Sequence[str]) -> None:
        """Marks jobs as taken by who runs them; they are not due any more."""
        tx.put(self._hand_over, (array(ids, self._table.c["id"], self._loader.dialect),))

    def done(self, tx: Transaction, job: Job) -> None:
        """Marks a job as done."""
        tx.put(self._mark, (DONE, job.due_at, job.attempt, None, job.id))

    def retry(self, tx: Transaction, job: Job, due_at: datetime, error: str) -> None:
        """Has a job wait for another attempt."""
        tx.put(self._mark, (WAITING, due_at, job.attempt + 1, error, job.id))

    def bury(self, tx: Transaction, job: Job, error: str) -> None:
        """Marks a job as failed for good."""
        tx.put(self._mark, (DEAD, job.due_at, job.attempt, error, job.id))

    def purge(self, tx: Transaction, before: datetime) -> int:
        """How many jobs that were due before the moment, and are done, have been removed."""
        return tx.run(self._purge, (before,))
