"""Jobs that run one at a time, when somebody says so: for tests, with a clock that is set by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.ports import Job, Worker


class SteppedJobs:
    """Holds what was handed over in memory, for one process, until ``step`` runs it."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        #: What was handed over and has not run yet.
        self.waiting: deque[Job] = deque()
        self._known: set[str] = set()

    def start(self, worker: Worker) -> None:
        self._worker = worker

    def hand_over(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.key not in self._known:
                self._known.add(job.key)
                self.waiting.append(job)

    def lost(self, jobs: Sequence[Job]) -> list[Job]:
        waiting = {job.key for job in self.waiting}
        return [job for job in jobs if job.key not in waiting]

    def step(self) -> Job | None:
        """The job that has just run, the one that was handed over first; None when there is none."""
        if self._worker is None:
            raise RuntimeError("jobs are stepped after they have been started")
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        if self._worker.recall(job.id, job.attempt) is not None:
            self._worker.settle(job, self._worker.perform(job))
        return job

    def stop(self) -> None:
        self._worker = None
