"""What every runner of jobs does: DBOS on both databases, and the one that tests step by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

import pytest
from sqlalchemy import make_url

from engine.ports import Job, Jobs, Outcome
from engine.runtime.jobs.dbos import DbosJobs
from engine.runtime.jobs.stepped import SteppedJobs

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: Seconds after which something that has not happened is not going to.
LONG = 120.0
#: Seconds in which something that must not happen would have.
SHORT = 1.0


class Notebook:
    """A worker that writes down what it is asked to do, and answers what it is told to."""

    queues = ("letters", "parcels")

    def __init__(self) -> None:
        self.performed: list[Job] = []
        self.settled: list[tuple[Job, Outcome]] = []
        self.outcome = Outcome("done")
        self.on_perform: Callable[[Job], None] = lambda _: None
        self._rows: dict[tuple[str, int], Job] = {}
        self._lock = Lock()

    def job(self, name: str, queue: str = "letters") -> Job:
        """A job that has been written."""
        job = Job(name, queue, {"text": "Grüße 你好"}, NOON)
        self._rows[job.id, job.attempt] = job
        return job

    def again(self, job: Job) -> Job:
        """The next attempt at a job."""
        following = self._rows[job.id, job.attempt + 1] = replace(job, attempt=job.attempt + 1)
        return following

    def recall(self, id: str, attempt: int) -> Job | None:
        return self._rows.get((id, attempt))

    def perform(self, job: Job) -> Outcome:
        with self._lock:
            self.performed.append(job)
        self.on_perform(job)
        return self.outcome

    def settle(self, job: Job, outcome: Outcome) -> None:
        with self._lock:
            self.settled.append((job, outcome))
        del self._rows[job.id, job.attempt]


@pytest.fixture(params=["stepped", "dbos on sqlite", "dbos on postgresql"])
def jobs(request: pytest.FixtureRequest) -> Iterator[Jobs]:
    if request.param == "stepped":
        yield SteppedJobs()
        return
    url = request.getfixturevalue("sqlite_url" if request.param.endswith("sqlite") else "postgres_url")
    runner = DbosJobs(make_url(url), concurrency=4)
    yield runner
    runner.stop()


def until(jobs: Jobs, condition: Callable[[], bool]) -> None:
    """Has jobs run until the condition holds."""
    end = time.monotonic() + LONG
    while not condition():
        if isinstance(jobs, SteppedJobs):
            assert jobs.step() is not None, "nothing is left to run"
        else:
            assert time.monotonic() < end, "it does not happen"
            time.sleep(0.01)


def quiet(jobs: Jobs) -> None:
    """Lets everything happen that still might."""
    if isinstance(jobs, SteppedJobs):
        while jobs.step() is not None:
            pass
    else:
        time.sleep(SHORT)


def test_a_job_is_performed_and_then_settled(jobs: Jobs) -> None:
    worker = Notebook()
    worker.outcome = Outcome("retry", "später", datetime(2026, 11, 23, tzinfo=UTC), {"n": [1, "二"]})
    jobs.start(worker)
    job = worker.job("a")
    jobs.hand_over([job])
    until(jobs, lambda: len(worker.settled) == 1)
    assert worker.performed == [job]
    assert worker.settled == [(job, worker.outcome)]  # as it was written and as it came out, whatever lies in between


def test_every_queue_is_worked_off(jobs: Jobs) -> None:
    worker = Notebook()
    jobs.start(worker)
    jobs.hand_over([worker.job(f"{n}", queue) for n, queue in enumerate(["letters", "parcels"] * 5)])
    until(jobs, lambda: len(worker.settled) == 10)
    assert sorted(job.id for job in worker.performed) == sorted(map(str, range(10)))


def test_what_is_handed_over_twice_runs_once(jobs: Jobs) -> None:
    worker = Notebook()
    jobs.start(worker)
    job = worker.job("a")
    jobs.hand_over([job])
    jobs.hand_over([job, job])
    until(jobs, lambda: len(worker.settled) == 1)
    jobs.hand_over([job])
    quiet(jobs)
    assert len(worker.performed) == 1


def test_another_attempt_is_another_run(jobs: Jobs) -> None:
    worker = Notebook()
    jobs.start(worker)
    first = worker.job("a")
    jobs.hand_over([first])
    until(jobs, lambda: len(worker.settled) == 1)
    second = worker.again(first)
    jobs.hand_over([first, second])
    until(jobs, lambda: len(worker.settled) == 2)
    assert worker.performed == [first, second]


def test_what_has_been_settled_meanwhile_is_not_performed(jobs: Jobs) -> None:
    worker = Notebook()
    jobs.start(worker)
    gone = Job("gone", "letters", {}, NOON)
    jobs.hand_over([gone, worker.job("a")])
    until(jobs, lambda: len(worker.settled) == 1)
    quiet(jobs)
    assert [job.id for job in worker.performed] == ["a"]


def test_who_has_lost_a_job_says_so(jobs: Jobs) -> None:
    worker = Notebook()
    jobs.start(worker)
    done, known, unknown = worker.job("done"), worker.job("known"), worker.job("unknown")
    jobs.hand_over([done])
    until(jobs, lambda: len(worker.settled) == 1)
    until(jobs, lambda: jobs.lost([done]) == [done])
    with held(jobs, worker):
        jobs.hand_over([known])
        assert jobs.lost([known, unknown]) == [unknown]
    until(jobs, lambda: len(worker.settled) == 2)
    assert jobs.lost([]) == []


def test_handing_over_nothing(jobs: Jobs) -> None:
    jobs.start(Notebook())
    jobs.hand_over([])


def test_what_was_not_finished_is_finished_after_the_next_start(jobs: Jobs) -> None:
    worker = Notebook()
    jobs.start(worker)
    jobs.hand_over([worker.job(f"{n}") for n in range(20)])
    jobs.stop()
    jobs.start(worker)
    until(jobs, lambda: len(worker.settled) == 20)
    assert len({job.id for job, _ in worker.settled}) == 20


@contextmanager
def held(jobs: Jobs, worker: Notebook) -> Iterator[None]:
    """While it lasts, what has begun does not end."""
    lock = Lock()

    def wait(_: Job) -> None:
        with lock:
            pass

    worker.on_perform = wait
    with lock:
        yield
