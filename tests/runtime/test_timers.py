"""Timers: the due ones become jobs, in turn, once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from engine.ports import Record
from engine.runtime.timers import Timers
from engine.store.jobs import WAITING
from tests.runtime.post import NOON, Post, open_post

HOUR = timedelta(hours=1)


@pytest.fixture
def post(database_url: str) -> Iterator[Post]:
    with open_post(database_url) as opened:
        yield opened


def timer(post: Post, due_at: datetime, step: str = "remind", rung: int = 1) -> Record:
    """A timer of a parcel's case."""
    [case] = post.rows("case") or [_case(post)]
    return post.put("timer", case=case["id"], step=step, round=1, rung=rung, due_at=due_at.isoformat())


def _case(post: Post) -> Record:
    post.parcel()
    return post.rows("case")[0]


def test_due_timers_become_jobs_in_turn(post: Post) -> None:
    later, now, sooner = (timer(post, NOON + hours * HOUR, rung=2 - hours) for hours in (1, 0, -1))
    assert Timers(post.engine).turn() == 2
    jobs = sorted(post.queue("timer"), key=lambda job: job["due_at"])
    assert [(job["id"], job["due_at"], job["state"]) for job in jobs] == [
        (sooner["id"], NOON - HOUR, WAITING),
        (now["id"], NOON, WAITING),
    ]
    [case] = post.rows("case")
    assert jobs[0]["payload"] == {"case": case["id"], "step": "remind", "round": 1, "rung": 3}
    fired = {row["id"]: row["fired_at"] for row in post.rows("timer")}
    assert fired == {later["id"]: None, now["id"]: NOON, sooner["id"]: NOON}


def test_a_timer_fires_once(post: Post) -> None:
    timer(post, NOON)
    assert [Timers(post.engine).turn() for _ in range(3)] == [1, 0, 0]
    post.later(hours=1)
    assert len(post.queue("timer")) == 1


def test_the_clock_makes_them_due(post: Post) -> None:
    timer(post, NOON + HOUR)
    post.later(minutes=59)
    assert post.queue("timer") == []
    post.later(minutes=1)
    assert len(post.queue("timer")) == 1


def test_many_who_look_at_once_fire_each_timer_once(post: Post) -> None:
    for rung in range(8):
        timer(post, NOON, rung=rung)
    with ThreadPoolExecutor(4) as pool:
        fired = list(pool.map(lambda _: Timers(post.engine).turn(), range(4)))
    assert sum(fired) == 8
    assert len(post.queue("timer")) == 8
