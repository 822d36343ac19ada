"""Keeps a process at the definitions in force, whichever process has brought them there."""

from __future__ import annotations

import logging
from importlib import import_module
from threading import Event, Thread

from engine.runtime.engine import Engine
from engine.store.migrate.apply import ALEMBIC

_log = logging.getLogger(__name__)

#: Seconds between two looks at the database: one small query each.
INTERVAL = 1.0
#: After what went wrong it waits longer and longer, up to so many seconds.
LONGEST = 60.0


class Following:
    """A thread that looks which definitions are in force, and has the engine serve those."""

    def __init__(self, engine: Engine, interval: float = INTERVAL) -> None:
        self._engine = engine
        self._interval = interval
        self._stop = Event()
        self._thread = Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it. It does not begin again."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause = self._interval
        # When this process serves already, so that the first change of a file does not wait for it.
        if not self._stop.wait(pause):
            import_module(ALEMBIC)
        while not self._stop.wait(pause):
            try:
                self._engine.follow()
                pause = self._interval
            except Exception:  # noqa: BLE001 - the database may be away for a while; definitions of a later release cannot be read at all
                pause = min(pause * 2, LONGEST)
                _log.exception("the definitions in force could not be read; the present ones serve on")
