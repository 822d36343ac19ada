"""Jobs on DBOS: durable queues in the database, worked off by any number of processes.

Each attempt is a workflow of two steps: ``perform``, whose outcome is kept, and ``settle``. A process that dies between
them is followed by another, which settles and does not perform again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, RLock, Thread
from typing import Any
from uuid import uuid4

from dbos import DBOS, DBOSClient, DBOSConfig, StepOptions
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
#: Seconds between two looks at a queue. Each costs some milliseconds of the processor, whether or not anything waits.
POLL = 0.5
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
SETTLE: StepOptions = {"name": "settle", "retries_allowed": True, "interval_seconds": 0.5, "max_attempts": 6}


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
            if not _ONE.acquire(blocking=False):
                raise EngineError("this process runs jobs already, of this application or another")
            try:
                # Nothing is held while a job is performed, so those of all queues share what one needs; the rest is for
                # polling, heartbeats and DBOS's own threads.
                self._engine = job_pool(self._url, self._concurrency + 20)
                schema = SCHEMA if self._engine.dialect.name == "postgresql" else None
                self._lease = Lease(self._engine, schema, seconds=self._lease_seconds)
                self._launch(worker)
            except BaseException:
                DBOS.destroy(destroy_registry=True)
                _ONE.release()
                raise
            self._worker = worker
            self._stopped.clear()
            self._thread = Thread(target=self._watch, args=(worker,), name="job-lease", daemon=True)
            self._thread.start()

    def hand_over(self, jobs: Sequence[Job]) -> None:
        with self._turns, self._engine.begin() as connection:
            for job in jobs:
                self._client.enqueue_in_transaction(
                    connection,
                    {
                        "workflow_name": WORKFLOW,
                        "queue_name": job.queue,
                        "workflow_id": job.key,
                        "app_version": VERSION,
                    },
                    # What it is about stays in the row: here nobody would mask or erase it.
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
                _ONE.release()

    # DBOS -----------------------------------------------------------------------------------------------------------

    def _launch(self, worker: Worker) -> None:
        """Starts DBOS under a new name, and enters it among the living."""
        self._executor = str(uuid4())
        config: DBOSConfig = {
            "name": NAME,
            "system_database_engine": self._engine,
            "dbos_system_schema": SCHEMA,
            "application_version": VERSION,
            "executor_id": self._executor,
            "serializer": PortableJson(),
            "use_listen_notify": False,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        DBOS.workflow(name=WORKFLOW)(self._workflow(worker))
        DBOS.launch()
        self._client = DBOSClient(
            system_database_engine=self._engine,
            dbos_system_schema=SCHEMA,
            serializer=PortableJson(),
            application_name=NAME,
        )
        self._lease.prepare()
        self._lease.join(self._executor)
        for queue in worker.queues:
            DBOS.register_queue(
                queue,
                worker_concurrency=self._concurrency,
                polling_interval_sec=POLL,
                on_conflict="always_update",
            )

    def _halt(self) -> None:
        """Stops DBOS. What it has not finished in time is left to others, who then find this process dead."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=PATIENCE if self._running else 0)
        if not self._left_by(self._executor):
            self._lease.remove(self._executor)
        self._client.destroy()

    def _workflow(self, worker: Worker) -> Callable[[str, int], None]:
        """One attempt at one job, as DBOS runs it."""

        def perform(id: str, attempt: int) -> dict[str, Any] | None:
            job = worker.recall(id, attempt)
            return pack(worker.perform(job)) if job is not None else None

        def settle(id: str, attempt: int, outcome: Mapping[str, Any]) -> None:
            job = worker.recall(id, attempt)
            if job is not None:
                worker.settle(job, unpack(outcome))

        def attempt_job(id: str, attempt: int) -> None:
            with self._counted():
                outcome = DBOS.run_step({"name": "perform"}, perform, id, attempt)
                if outcome is not None:
                    DBOS.run_step(SETTLE, settle, id, attempt, outcome)

        return attempt_job

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._count:
            self._running += 1
        try:
            yield
        finally:
            with self._count:
                self._running -= 1

    # The others -----------------------------------------------------------------------------------------------------

    def _watch(self, worker: Worker) -> None:
        """Beats, and takes over from the dead, until stopped."""
        beats = 0
        while not self._stopped.wait(self._beat):
            try:
                with self._turns:
                    self._live(worker)
                    if beats % PURGE_EVERY == 0:
                        self._purge()
                beats += 1
            except Exception:  # noqa: BLE001 - the thread must live; the database may come back
                _log.exception("the lease of jobs could not be renewed")

    def _live(self, worker: Worker) -> None:
        if not self._lease.beat(self._executor):
            # Others took this process for dead, and its jobs: it may go on only as somebody else.
            _log.warning("this process was taken for dead; its jobs start anew")
            self._halt()
            self._launch(worker)
        for dead in self._lease.dead(self._executor):
            self._take_over(dead)

    def _take_over(self, dead: str) -> None:
        """Puts what a dead process was running back into the queues; its row goes when there is nothing left of it."""
        DBOS._recover_pending_workflows([dead])
        if not self._left_by(dead):
            self._lease.remove(dead)

    def _left_by(self, executor: str) -> bool:
        return bool(
            self._client.list_workflows(
                executor_id=executor, status="PENDING", limit=1, load_input=False, load_output=False
            )
        )

    def _purge(self) -> None:
        """DBOS keeps everything for ever: here it is removed when it is too old to be of use."""
        before = (datetime.now(UTC) - KEPT).isoformat()
        while old := self._client.list_workflows(
            status=FINISHED, completed_before=before, limit=PURGED_AT_ONCE, load_input=False, load_output=False
        ):
            self._client.delete_workflows([workflow.workflow_id for workflow in old])


#: DBOS keeps its state in its module, so a process can have one. This says whether it has.
_ONE = Lock()


def pack(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain JSON."""
    retry_at = outcome.retry_at.isoformat() if outcome.retry_at is not None else None
    return {"result": outcome.result, "detail": outcome.detail, "retry_at": retry_at, "data": dict(outcome.data)}


def unpack(packed: Mapping[str, Any]) -> Outcome:
    """What was packed."""
    retry_at = datetime.fromisoformat(packed["retry_at"]) if packed["retry_at"] is not None else None
    return Outcome(packed["result"], packed["detail"], retry_at, packed["data"])
