"""Jobs that were handed over and never came back: the runner's tables were lost, or it gave up before settling."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.ports import Jobs, Outcome, Worker

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

#: How long a job may be under way before anybody asks, and how often somebody asks.
PATIENCE = timedelta(minutes=5)
EVERY = timedelta(minutes=1)
BATCH = 1_000


class Strays:
    """Has jobs that the runner knows nothing of tried again."""

    def __init__(self, engine: Engine, jobs: Jobs, worker: Worker) -> None:
        self._engine = engine
        self._jobs = jobs
        self._worker = worker
        self._last: datetime | None = None

    def turn(self) -> int:
        """How many have been found; none before it is time again."""
        engine, rows = self._engine, self._engine.service.store.jobs
        now = engine.clock.now()
        if self._last is not None and now < self._last + EVERY:
            return 0
        self._last = now
        under_way = engine.database.read(lambda tx: rows.under_way(tx, now - PATIENCE, self._worker.queues, BATCH))
        lost = self._jobs.lost(under_way) if under_way else []
        for job in lost:
            self._worker.settle(job, Outcome("retry", "it was handed over, and never came back"))
        return len(lost)
