"""Who counts as alive; who takes over from the dead; and what a process does that was taken for dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from engine.errors import EngineError
from engine.ports import Job
from engine.runtime.jobs import dbos as runner
from engine.runtime.jobs.dbos import DbosJobs
from engine.runtime.jobs.lease import Lease
from engine.runtime.jobs.pool import job_url
from tests.contracts.test_jobs import Notebook

#: Seconds after which something that has not happened is not going to.
LONG = 120.0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


class Watch:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlite_url)
    yield engine
    engine.dispose()


def leases(engine: Engine, *names: str) -> tuple[Watch, list[Lease]]:
    """One for each process, all by the same watch."""
    watch = Watch()
    made = [Lease(engine, None, seconds=6, watch=watch) for _ in names]
    for lease, name in zip(made, names, strict=True):
        lease.prepare()
        lease.join(name)
    return watch, made


def test_who_stops_beating_is_dead_when_its_lease_is_over(engine: Engine) -> None:
    watch, [a, b] = leases(engine, "a", "b")
    for _ in range(6):
        assert a.dead("a") == []
        watch.now += 1
    assert a.dead("a") == ["b"]
    assert b.beat("b")
    assert a.dead("a") == []  # a sign of life at the last moment
    a.remove("b")
    assert not b.beat("b")
    assert a.dead("a") == []


def test_who_beats_is_alive_however_long_it_takes(engine: Engine) -> None:
    watch, [a, b] = leases(engine, "a", "b")
    for _ in range(20):
        assert b.beat("b")
        assert a.dead("a") == []
        watch.now += 5.9


def test_who_comes_late_gives_everybody_a_whole_lease(engine: Engine) -> None:
    watch, [a, _] = leases(engine, "a", "b")
    watch.now = 1_000
    assert a.dead("a") == []
    watch.now += 6
    assert a.dead("a") == ["b"]


@pytest.fixture
def jobs(database_url: str) -> Iterator[DbosJobs]:
    started = DbosJobs(make_url(database_url), concurrency=4, lease=1.0, beat=0.1)
    yield started
    started.stop()


def lease_table(url: str) -> tuple[Engine, str]:
    parsed = job_url(make_url(url))
    table = "orderloom_executor" if parsed.get_backend_name() == "sqlite" else "dbos.orderloom_executor"
    return create_engine(parsed), table


def test_who_was_taken_for_dead_goes_on_under_another_name(jobs: DbosJobs, database_url: str) -> None:
    worker = Notebook()
    jobs.start(worker)
    engine, table = lease_table(database_url)

    def names() -> set[str]:
        with engine.begin() as connection:
            return {row[0] for row in connection.execute(text(f"SELECT id FROM {table}"))}

    [former] = names()
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {table}"))
    until(lambda: bool(names()))
    assert former not in names()
    jobs.hand_over([worker.job("a")])
    until(lambda: len(worker.settled) == 1)
    engine.dispose()


def test_who_leaves_in_good_order_leaves_nothing_behind(jobs: DbosJobs, database_url: str) -> None:
    worker = Notebook()
    jobs.start(worker)
    jobs.hand_over([worker.job("a")])
    until(lambda: len(worker.settled) == 1)
    jobs.stop()
    engine, table = lease_table(database_url)
    with engine.begin() as connection:
        assert connection.execute(text(f"SELECT id FROM {table}")).all() == []
    engine.dispose()


def test_what_the_dead_have_left_is_taken_over(jobs: DbosJobs, database_url: str) -> None:
    """Holds the private call to what we need of it, and its release is pinned: see the dependencies of the project."""
    worker = Notebook()
    jobs.start(worker)
    engine, table = lease_table(database_url)
    schema = table.removesuffix("orderloom_executor")
    # A job that another process has claimed, and then no sign of life from it.
    jobs.hand_over([worker.job("a", "nobody")])
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} (id, beats) VALUES ('dead', 7)"))
        claimed = f"UPDATE {schema}workflow_status SET status = 'PENDING', executor_id = 'dead', queue_name = 'letters'"
        connection.execute(text(claimed))
    until(lambda: len(worker.settled) == 1)

    def gone() -> bool:
        with engine.begin() as connection:
            return not connection.execute(text(f"SELECT id FROM {table} WHERE id = 'dead'")).all()

    until(gone)
    engine.dispose()


def test_what_is_finished_does_not_stay_for_ever(
    jobs: DbosJobs, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "KEPT", timedelta(seconds=0))
    monkeypatch.setattr(runner, "PURGE_EVERY", 1)
    worker = Notebook()
    jobs.start(worker)
    jobs.hand_over([worker.job(f"{n}") for n in range(5)])
    until(lambda: len(worker.settled) == 5)
    engine, table = lease_table(database_url)
    schema = table.removesuffix("orderloom_executor")

    def left() -> int:
        with engine.begin() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {schema}workflow_status")).scalar_one())

    until(lambda: left() == 0)
    engine.dispose()


def test_a_process_runs_the_jobs_of_one_application(jobs: DbosJobs, sqlite_url: str) -> None:
    jobs.start(Notebook())
    with pytest.raises(EngineError, match="this process runs jobs already"):
        DbosJobs(make_url(sqlite_url)).start(Notebook())
    with pytest.raises(EngineError, match="this process runs jobs already"):
        jobs.start(Notebook())


def test_what_a_job_is_about_is_not_copied(jobs: DbosJobs, database_url: str) -> None:
    """Personal data stand in the row of the job alone."""
    jobs.start(Notebook())
    jobs.hand_over([Job("x", "nobody", {"body": "geheim-4711"}, datetime(2026, 11, 22, tzinfo=UTC))])
    engine, table = lease_table(database_url)
    schema = table.removesuffix("orderloom_executor")
    with engine.begin() as connection:
        rows = connection.execute(text(f"SELECT * FROM {schema}workflow_status")).all()
    assert len(rows) == 1
    assert "4711" not in repr(rows)
    engine.dispose()
