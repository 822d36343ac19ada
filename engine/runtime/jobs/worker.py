"""What is done about jobs: a handler for each queue, and what becomes of those that do not succeed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from engine.ports import Job, Outcome
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

_log = logging.getLogger(__name__)

#: How long a job waits after each attempt that failed; after the last one it is dead. Together a day and a half.
LADDER = tuple(timedelta(seconds=30 * 4**rung) for rung in range(7))
#: What is kept of an error. The rest stands in the log.
LONGEST_ERROR = 2_000


class Handler(Protocol):
    """What one queue is for."""

    def perform(self, job: Job) -> Outcome:
        """What came of the job. Happens at least once, outside of transactions; what it raises is tried again."""
        ...

    def record(self, tx: Transaction, job: Job, outcome: Outcome) -> None:
        """Writes what follows from the outcome, once, in the transaction that settles the attempt."""
        ...


class QueueWorker:
    """Runs each job by the handler of its queue."""

    def __init__(self, engine: Engine, handlers: Mapping[str, Handler]) -> None:
        self._engine = engine
        self._handlers = dict(handlers)

    @property
    def queues(self) -> Collection[str]:
        """The queues that have a handler."""
        return self._handlers.keys()

    def recall(self, id: str, attempt: int) -> Job | None:
        """The job as it was written; None when this attempt at it has been settled."""
        rows = self._engine.service.store.jobs
        return self._engine.database.read(lambda tx: rows.open(tx, id, attempt))

    def perform(self, job: Job) -> Outcome:
        """What came of the job; a handler that raises is asked again later."""
        try:
            return self._handlers[job.queue].perform(job)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the job must not be lost
            _log.exception("job %s of queue %s", job.key, job.queue)
            return Outcome("retry", f"{type(error).__name__}: {error}")

    def settle(self, job: Job, outcome: Outcome) -> None:
        """Records what became of an attempt: the job's state, and what its handler makes of it, in one transaction."""
        if outcome.result == "retry" and job.attempt > len(LADDER):
            outcome = replace(outcome, result="failed")

        def work(tx: Transaction) -> None:
            if self._mark(tx, job, outcome):
                self._handlers[job.queue].record(tx, job, outcome)

        self._engine.write(work)
        if outcome.result == "failed":
            _log.error("job %s of queue %s has failed for good: %s", job.key, job.queue, outcome.detail)

    def _mark(self, tx: Transaction, job: Job, outcome: Outcome) -> bool:
        rows, error = self._engine.service.store.jobs, outcome.detail[:LONGEST_ERROR]
        match outcome.result:
            case "done":
                return rows.done(tx, job)
            case "failed":
                return rows.bury(tx, job, error)
            case "retry":
                due_at = outcome.retry_at or self._engine.clock.now() + LADDER[min(job.attempt, len(LADDER)) - 1]
                return rows.retry(tx, job, due_at, error)
