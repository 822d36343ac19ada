"""Hands rows of jobs that are due to who runs them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from engine.ports import Jobs

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

#: Rows in one transaction of the other side: enough to share its commit, few enough that nobody waits long for it.
BATCH = 100


class Relay:
    """Takes due rows to the runner of jobs. Any number of processes may do so at once."""

    def __init__(self, engine: Engine, jobs: Jobs, queues: Collection[str]) -> None:
        self._engine = engine
        self._jobs = jobs
        self._queues = queues

    def turn(self) -> int:
        """How many jobs have been handed over; at most one batch."""
        engine, rows = self._engine, self._engine.service.store.jobs
        due = engine.database.read(lambda tx: rows.due(tx, engine.clock.now(), self._queues, BATCH))
        if due:
            # In this order: after a crash in between they are handed over again, under the same keys.
            self._jobs.hand_over(due)
            engine.write(lambda tx: rows.hand_over(tx, due))
        return len(due)
