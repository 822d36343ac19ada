"""Jobs on DBOS: durable queues in the database, worked off by any number of processes.

Each attempt is a workflow of two steps: ``perform``, whose outcome is kept, and ``settle``. A process that dies between
them is followed by another, which settles and does not perform again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, RLock, Thread
from typing import Any
from uuid import uuid4

from dbos import DBOS, DBOSClient, DBOSConfig
from dbos import DBOSPortableJSONSerializer as PortableJson
from sqlalchemy import URL

from engine.errors import EngineError
from engine.ports import Job, Outcome, Worker
from engine.runtime.jobs.lease import BEAT, LEASE, Lease
from engine.runtime.jobs.pool import job_pool

_log = logging.getLogger(__name__)

NAME = "orderloom"
SCHEMA = "dbos"
WORKFLOW = "job"
#: Never another one: workflows are found by it, and those of the release before must not be left behind.
VERSION = "1"
#: Jobs of one queue that this process runs at a time.
CONCURRENCY = 8
#: Seconds between two looks at a queue.
POLL = 0.1
#: Seconds that `stop` gives to what is running. What takes longer is finished by whoever comes next.
PATIENCE = 10
#: How long the runner keeps what it has finished: longer than a row can wait to be marked as handed over.
KEPT = timedelta(days=1)
PURGED_AT_ONCE = 500
#: Beats between two removals.
PURGE_EVERY = 600

ACTIVE = ["ENQUEUED", "PENDING", "DELAYED"]
FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
#: The database may be away for a moment. A worker waits meanwhile, so not for long.
SETTLE = {"name": "settle", "retries_allowed": True, "interval_seconds": 0.5, "max_attempts": 6, "backoff_rate": 2.0}


class DbosJobs:
    """Runs jobs by DBOS, of which a process can have one. ``url`` is the application's database."""

    def __init__(self, url: URL, *, concurrency: int = CONCURRENCY, lease: float = LEASE, beat: float = BEAT) -> None:
        self._url = url
        self._concurrency = concurrency
        self._lease_seconds = lease
        self._beat = beat
        #: DBOS is there once for the process: it is started, restarted and stopped by one thread at a time.
        self._turns = RLock()
        self._worker: Worker | None = None
        self._stopped = Event()
        self._thread: Thread | None = None
        self._running = 0
        self._count = Lock()

    # The port -------------------------------------------------------------------------------------------------------

    def start(self, worker: Worker) -> None:
        with self._turns:
            if self._worker is not None:
                raise EngineError("these jobs have been started already")
            if DBOS_IN_USE.locked():
                raise EngineError("another application runs its jobs in this process")
            self._worker = worker
            # A step holds up to two connections; the rest is for polling, heartbeats and DBOS's own threads.
            self._engine = job_pool(self._url, 2 * self._concurrency * len(worker.queues) + 20)
            self._schema = SCHEMA if self._engine.dialect.name == "postgresql" else None
            self._lease = Lease(self._engine, self._schema, seconds=self._lease_seconds)
            self._launch(worker)
            self._stopped.clear()
            self._thread = Thread(target=self._watch, name="job-lease", daemon=True)
            self._thread.start()

    def hand_over(self, jobs: Sequence[Job]) -> None:
        with self._turns, self._engine.begin() as connection:
            for job in jobs:
                self._client.enqueue_in_transaction(
                    connection,
                    {"workflow_name": WORKFLOW, "queue_name": job.queue, "workflow_id": job.key},
                    job.id,
                    job.attempt,
                )

    def lost(self, jobs: Sequence[Job]) -> list[Job]:
        with self._turns:
            found = self._client.list_workflows(
                workflow_ids=[job.key for job in jobs], status=ACTIVE, load_input=False, load_output=False
            )
        active = {workflow.workflow_id for workflow in found}
        return [job for job in jobs if job.key not in active]

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._turns:
            if self._worker is not None:
                self._halt()
                self._engine.dispose()
                self._worker = None
