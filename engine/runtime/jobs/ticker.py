"""What happens by itself in a process that works: timers fire, due jobs are handed over, old ones go."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

from engine.ports import Jobs, Worker
from engine.runtime.jobs.purge import Purge
from engine.runtime.jobs.relay import Relay
from engine.runtime.jobs.strays import Strays
from engine.runtime.timers import Timers
from engine.store.jobs import Bell

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

_log = logging.getLogger(__name__)

#: Seconds between two looks at what has become due, where nobody rings.
PAUSE = 0.5
#: Seconds after a ring in which more jobs may come, to go out together.
LINGER = 0.02
#: Seconds after a failure: a database that is away shall not be asked all the time.
AFTER_FAILURE = 2.0


class Ticker:
    """Keeps jobs going. ``turn`` does it once, for tests; ``start`` does it until ``stop``."""

    def __init__(self, engine: Engine, jobs: Jobs, worker: Worker) -> None:
        self._timers = Timers(engine)
        self._relay = Relay(engine, jobs, worker.queues)
        self._strays = Strays(engine, jobs, worker)
        self._purge = Purge(engine)
        self._bell = engine.database.kept(Bell)
        self._stopped = Event()
        self._thread: Thread | None = None

    def turn(self) -> int:
        """How many timers were fired and jobs handed over: all that are due at this moment."""
        count = 0
        while fired := self._timers.turn():
            count += fired
        while handed_over := self._relay.turn():
            count += handed_over
        self._strays.turn()
        self._purge.turn()
        return count

    def start(self) -> None:
        """Begins to take turns in a thread of its own."""
        self._stopped.clear()
        self._thread = Thread(target=self._run, name="job-ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a turn that is under way comes to its end."""
        self._stopped.set()
        self._bell.ring()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.turn()
            except Exception:  # noqa: BLE001 - the thread must live
                # The next turn may do better: nothing is lost, for rows stay due until they have been handed over.
                _log.exception("jobs cannot be handed over")
                self._stopped.wait(AFTER_FAILURE)
            if self._bell.wait(PAUSE):
                self._stopped.wait(LINGER)
