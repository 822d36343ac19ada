"""Jobs as rows: written in the transaction that causes them, taken over by who runs them when they are due.

A row's id is the job's idempotency key: handed over twice, as after a crash in between, it is one job.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import Any

from sqlalchemy import bindparam, select

from engine.ports import Job
from engine.store.keys import new_key
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Row, Transaction

JOB = "job"
WAITING, HANDED_OVER, DONE, DEAD = "waiting", "handed_over", "done", "dead"


class Bell:
    """Wakes who waits for new jobs. One for each open database, whatever the definitions."""

    def __init__(self) -> None:
        self._rung = Event()

    def ring(self) -> None:
        """Says that there may be something to do."""
        self._rung.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has been rung since the last time, now or within the seconds."""
        rung = self._rung.wait(seconds)
        self._rung.clear()
        return rung


class JobRows:
    """The table of jobs."""

    def __init__(self, tables: Tables, loader: Loader, records: Records, bell: Bell) -> None:
        self._records = records
        self._bell = bell
        self._loader = loader
        self._table = table = tables[JOB]
        dialect = loader.dialect
        columns = [table.c[name] for name in ("id", "queue", "payload", "due_at", "attempt")]
        late = (table.c["due_at"] <= bindparam("now_")) & table.c["deleted_at"].is_(None)
        known = table.c["queue"].in_(bindparam("queues", expanding=True))
        due = select(*columns).where((table.c["state"] == WAITING) & late & known)
        due = due.order_by(table.c["due_at"], table.c["id"]).limit(bindparam("most"))
        self._due = Statement(due, dialect, ("now_", "queues", "most"))
        under_way = select(*columns).where((table.c["state"] == HANDED_OVER) & late & known)
        under_way = under_way.order_by(table.c["due_at"], table.c["id"]).limit(bindparam("most"))
        self._under_way = Statement(under_way, dialect, ("now_", "queues", "most"))
        # The attempt that is under way: what has been settled stays as it is, whoever comes later.
        attempt = (table.c["id"] == bindparam("which")) & (table.c["attempt"] == bindparam("seen"))
        attempt &= table.c["state"].in_((WAITING, HANDED_OVER))
        self._open = Statement(select(*columns).where(attempt), dialect, ("which", "seen"))
        taken = table.update().where(attempt & (table.c["state"] == WAITING)).values(state=HANDED_OVER)
        self._hand_over = Statement(taken, dialect, ("which", "seen"))
        again: dict[str, Any] = {name: bindparam(f"{name}_") for name in ("state", "due_at", "attempt", "last_error")}
        mark = table.update().where(attempt).values(again)
        self._mark = Statement(mark, dialect, (*(f"{name}_" for name in again), "which", "seen"))
        purge = table.delete().where(table.c["state"] == DONE, table.c["due_at"] < bindparam("before"))
        self._purge = Statement(purge, dialect, ("before",))

    def add(self, tx: Transaction, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Writes jobs; each has ``id queue payload`` and ``due_at``, from which on it may run."""
        waiting = {"attempt": 1, "state": WAITING}
        stamps = [{"created_at": job["due_at"], "updated_at": job["due_at"]} for job in jobs]
        self._records.append(tx, JOB, [{**waiting, **job, **stamp} for job, stamp in zip(jobs, stamps, strict=True)])
        if jobs:
            tx.after_commit(self._bell.ring)

    def put(self, tx: Transaction, queue: str, payload: Mapping[str, Any], due_at: datetime) -> str:
        """The id of a new job."""
        key = new_key(due_at)
        self.add(tx, [{"id": key, "queue": queue, "payload": payload, "due_at": due_at}])
        return key

    def due(self, tx: Transaction, now: datetime, queues: Collection[str], limit: int) -> list[Job]:
        """Waiting jobs of the queues that are due, the longest waiting first."""
        return [_job(row) for row in tx.rows(self._due, (now, list(queues), limit))]

    def under_way(self, tx: Transaction, before: datetime, queues: Collection[str], limit: int) -> list[Job]:
        """Jobs of the queues that were due by that moment, and handed over, and have not been settled since."""
        return [_job(row) for row in tx.rows(self._under_way, (before, list(queues), limit))]

    def open(self, tx: Transaction, key: str, attempt: int) -> Job | None:
        """The job, as long as that attempt at it has not been settled."""
        rows = tx.rows(self._open, (key, attempt))
        return _job(rows[0]) if rows else None

    def hand_over(self, tx: Transaction, jobs: Sequence[Job]) -> None:
        """Marks attempts as taken by who runs them, unless they have been settled; they are not due any more."""
        tx.many(self._hand_over, [(job.id, job.attempt) for job in jobs])

    def done(self, tx: Transaction, job: Job) -> bool:
        """Whether this has marked the job as done; False where its attempt had been settled before."""
        return self._settle(tx, job, DONE, job.due_at, job.attempt, None)

    def retry(self, tx: Transaction, job: Job, due_at: datetime, error: str) -> bool:
        """Whether this has the job wait for another attempt; False where this one had been settled before."""
        return self._settle(tx, job, WAITING, due_at, job.attempt + 1, error)

    def bury(self, tx: Transaction, job: Job, error: str) -> bool:
        """Whether this has marked the job as failed for good; False where its attempt had been settled before."""
        return self._settle(tx, job, DEAD, job.due_at, job.attempt, error)

    def _settle(self, tx: Transaction, job: Job, state: str, due_at: datetime, attempt: int, error: str | None) -> bool:
        return tx.run(self._mark, (state, due_at, attempt, error, job.id, job.attempt)) == 1

    def purge(self, tx: Transaction, before: datetime) -> int:
        """How many jobs that were due before the moment, and are done, have been removed."""
        return tx.run(self._purge, (before,))

    def forget(self, tx: Transaction) -> int:
        """How many jobs have been removed that wait."""
        return tx.change(self._table.delete().where(self._table.c["state"] == WAITING))


def _job(row: Row) -> Job:
    key, queue, payload, due_at, attempt = row
    return Job(key, queue, payload or {}, due_at, attempt)
