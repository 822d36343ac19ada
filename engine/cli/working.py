"""The workers of a command that runs jobs: `serve` and `work`."""

from __future__ import annotations

import logging
from importlib import import_module
from threading import Thread

from engine.runtime.connectors import connectors
from engine.runtime.engine import Engine
from engine.runtime.jobs.workers import Workers
from engine.runtime.settings import Settings

_log = logging.getLogger(__name__)

#: Where the runner of jobs stands. Importing it takes most of a second, so `serve` opens its port first.
RUNNER = "engine.runtime.jobs.dbos"


def workers_of(engine: Engine, settings: Settings) -> Workers:
    """The workers of an engine on its own database."""
    jobs = import_module(RUNNER).DbosJobs(engine.database.engine.url)
    return Workers(engine, jobs, connectors(settings, engine.clock))


class BackgroundWorkers:
    """Workers that are started without anybody waiting for them."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._workers: Workers | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begins to start them."""
        self._thread = Thread(target=self._start, name="workers-start", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops them, if they have been started."""
        if self._thread is not None:
            self._thread.join()
        if self._workers is not None:
            self._workers.stop()

    def _start(self) -> None:
        try:
            workers = workers_of(self._engine, self._settings)
            workers.start()
            self._workers = workers
        except Exception:  # noqa: BLE001 - requests can be served without
            _log.exception("this process takes requests and runs no jobs; they wait for one that does")
