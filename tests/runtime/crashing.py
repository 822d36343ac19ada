"""A process that works on the jobs of the post office, and is killed at a chosen point.

``python -m tests.runtime.crashing URL FOLDER POINT``: with the point ``none`` it works until everything is done. Each
time a message is sent, its key is written to ``FOLDER/sent``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url

from engine.ports import Connector, Job, Message, Outcome, Worker
from engine.registry import Registry
from engine.runtime.jobs.dbos import DbosJobs
from engine.runtime.jobs.workers import Workers
from engine.store.jobs import DONE
from tests.runtime.post import open_engine, stored

#: Between handing a job over and writing that down; while a message is being sent; when it is sent and not yet settled.
POINTS = ("handed over", "sending", "sent")
#: Seconds without a heartbeat after which a process of these tests counts as dead.
LEASE = 1.5


class End:
    """Kills this process at its point."""

    def __init__(self, point: str) -> None:
        self._point = point

    def at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


class EndingJobs(DbosJobs):
    """Ends when jobs have been handed over, or when one has been performed."""

    def __init__(self, url: str, end: End) -> None:
        super().__init__(make_url(url), lease=LEASE, beat=0.2)
        self._end = end

    def start(self, worker: Worker) -> None:
        settle = worker.settle

        def settle_or_end(job: Job, outcome: Outcome) -> None:
            if job.queue == "email":
                self._end.at("sent")
            settle(job, outcome)

        worker.settle = settle_or_end  # type: ignore[method-assign]
        super().start(worker)

    def hand_over(self, jobs: Sequence[Job]) -> None:
        super().hand_over(jobs)
        if any(job.queue == "email" for job in jobs):
            self._end.at("handed over")


class FileWay:
    """Sends by writing the key down."""

    def __init__(self, folder: Path, end: End) -> None:
        self._file = folder / "sent"
        self._end = end

    def send(self, message: Message) -> Outcome:
        with self._file.open("a") as file:
            file.write(f"{message.key}\n")
        self._end.at("sending")
        return Outcome("done")


def main(url: str, folder: Path, point: str) -> None:
    end = End(point)
    engine = open_engine(url)
    ways: Registry[Connector] = Registry("ways out", [("email", FileWay(folder, end))])
    workers = Workers(engine, EndingJobs(url, end), ways)
    workers.start()
    while any(row["state"] != DONE for row in stored(engine, "job")):
        time.sleep(0.05)
    workers.stop()
    engine.database.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
