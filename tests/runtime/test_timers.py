"""Timers in a running server: the due ones become jobs, in turn, once; and a new calendar moves them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.ports import Record
from engine.runtime.timers import Timers
from engine.store.jobs import DONE, WAITING
from tests.runtime.post import NOON, Post, open_post

HOUR = timedelta(hours=1)


@pytest.fixture
def post(database_url: str) -> Iterator[Post]:
    with open_post(database_url) as opened:
        yield opened


def timer(post: Post, due_at: datetime) -> Record:
    """The timer of a parcel that is fetched by then."""
    parcel = post.parcel(f"P{len(post.rows('parcel'))}", fetched_by=due_at.isoformat())
    post.fire(parcel, "arrive")
    return next(row for row in post.rows("timer") if (row["record"], row["step"]) == (parcel["id"], "here.fetched"))


def test_due_timers_become_jobs_in_turn(post: Post) -> None:
    later, now, sooner = (timer(post, NOON + hours * HOUR) for hours in (1, 0, -1))
    assert Timers(post.engine).turn() == 2
    jobs = sorted(post.queue("timer"), key=lambda job: job["id"])
    assert [(job["payload"], job["due_at"], job["state"]) for job in jobs] == [
        ({"timer": sooner["id"]}, NOON - HOUR, WAITING),
        ({"timer": now["id"]}, NOON, WAITING),
    ]
    fired = {row["id"]: row["fired_at"] for row in post.rows("timer") if row["step"] == "here.fetched"}
    assert fired == {later["id"]: None, now["id"]: NOON, sooner["id"]: NOON}


def test_a_timer_fires_once(post: Post) -> None:
    timer(post, NOON)
    assert [Timers(post.engine).turn() for _ in range(3)] == [1, 0, 0]
    post.later(hours=1)
    [job] = post.queue("timer")
    assert job["state"] == DONE
    assert [row["name"] for row in post.rows("event")].count("fetched") == 1
    assert [row["status"] for row in post.rows("parcel")] == ["lost"]


def test_the_clock_makes_them_due(post: Post) -> None:
    timer(post, NOON + HOUR)
    post.later(minutes=59)
    assert post.queue("timer") == []
    post.later(minutes=1)
    assert len(post.queue("timer")) == 1


def test_many_who_look_at_once_fire_each_timer_once(post: Post) -> None:
    for _ in range(8):
        timer(post, NOON)
    with ThreadPoolExecutor(4) as pool:
        fired = list(pool.map(lambda _: Timers(post.engine).turn(), range(4)))
    assert sum(fired) == 8
    assert len(post.queue("timer")) == 8


def test_what_was_called_off_after_it_was_fired_does_nothing(post: Post) -> None:
    called_off = timer(post, NOON)
    assert Timers(post.engine).turn() == 1
    [parcel] = post.rows("parcel")
    post.fire(parcel, "fetch")
    post.run()
    assert [job["state"] for job in post.queue("timer")] == [DONE]
    assert called_off["id"] not in [row["id"] for row in post.rows("timer")]
    assert [row["status"] for row in post.rows("parcel")] == ["gone"]


def test_a_job_that_runs_twice_lets_it_go_off_once(post: Post) -> None:
    fired = timer(post, NOON)
    assert Timers(post.engine).turn() == 1
    deadlines = post.engine.service.deadlines
    assert [post.write(lambda tx: deadlines.go_off(tx, fired["id"])) for _ in range(3)] == [True, False, False]
    post.run()
    assert [row["name"] for row in post.rows("event")].count("fetched") == 1


def test_one_that_was_due_before_goes_off_before(post: Post) -> None:
    """Jobs of several timers of one record run side by side: the record sees them in due order all the same."""
    parcel = post.parcel()
    post.fire(parcel, "arrive")
    post.clock.step(5 * HOUR)
    assert Timers(post.engine).turn() == 2
    _, second = post.queue("timer")
    worker = post.workers.worker
    job = worker.recall(second["id"], 1)
    assert job is not None
    assert worker.perform(job).result == "done"
    told = [row["name"] for row in post.rows("event") if row["record"] == parcel["id"]]
    assert told[-2:] == ["nudge", "nag"]


def test_many_timers_that_wait_are_not_looked_through(tmp_path: Path) -> None:
    """What is asked every half second, and in every act, goes by an index."""
    with (
        open_post(f"sqlite:///{tmp_path / 'post.db'}") as post,
        closing(sqlite3.connect(tmp_path / "post.db")) as plain,
    ):
        rows = post.engine.service.store.timers
        often = (rows._any, rows._claim, rows._next, rows._before, rows._clear, rows._of, rows._done, rows._stale)
        for statement in often:
            plan = plain.execute(f"EXPLAIN QUERY PLAN {statement.text}", [None] * statement.text.count("?"))
            assert not [step[3] for step in plan if "SCAN timer" in step[3]], statement.text
