"""Retention: jobs that are done do not stay for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

#: How long a job that is done can still be looked at. Dead ones stay until somebody has dealt with them.
KEPT = timedelta(days=30)
EVERY = timedelta(hours=1)


class Purge:
    """Removes old jobs, once in a while."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last: datetime | None = None

    def turn(self) -> int:
        """How many jobs have been removed; none before it is time again."""
        now = self._engine.clock.now()
        if self._last is not None and now < self._last + EVERY:
            return 0
        self._last = now
        rows = self._engine.service.store.jobs
        return self._engine.write(lambda tx: rows.purge(tx, now - KEPT))
