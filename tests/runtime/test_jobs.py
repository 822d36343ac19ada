"""Jobs from the act that causes them to their end: due in turn, tried again, buried, settled once, cleared away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from engine.errors import Refused
from engine.ports import Job, Outcome
from engine.runtime.jobs import ticker
from engine.runtime.jobs.worker import LADDER
from engine.runtime.service import SYSTEM
from engine.store.jobs import DEAD, DONE, HANDED_OVER, WAITING, Bell
from tests.runtime.post import NOON, Post, open_post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with open_post(f"sqlite:///{tmp_path / 'post.db'}") as opened:
        yield opened


def arrived(post: Post) -> None:
    """A parcel has arrived, and its receiver is to be told."""
    post.fire(post.parcel(), "arrive")


def test_a_message_becomes_one_delivery_for_each_way_out(post: Post) -> None:
    arrived(post)
    assert [row["queue"] for row in post.rows()] == ["message"]
    assert [job.queue for job in post.run()] == ["message", "email", "log"]
    assert [row["state"] for row in post.rows()] == [DONE] * 3
    assert post.run() == []


def test_what_is_refused_causes_no_job(post: Post) -> None:
    parcel = post.parcel()
    with pytest.raises(Refused, match="no such event"):
        post.write(lambda tx: post.engine.service.fire(tx, SYSTEM, "parcel", parcel["id"], "vanish"))
    assert post.rows() == []


def test_an_attempt_that_fails_comes_again_later_and_later(post: Post) -> None:
    arrived(post)
    post.email.answers = [Outcome("retry", "busy"), ConnectionError("gone")]
    post.run()
    [row] = post.queue("email")
    assert (row["state"], row["attempt"], row["last_error"], row["due_at"]) == (WAITING, 2, "busy", NOON + LADDER[0])
    assert post.later(seconds=LADDER[0].total_seconds() - 1) == []
    [again] = post.later(seconds=1)
    assert again.attempt == 2
    [row] = post.queue("email")
    assert (row["attempt"], row["last_error"]) == (3, "ConnectionError: gone")
    assert row["due_at"] == post.clock.now() + LADDER[1]
    [last] = post.later(seconds=LADDER[1].total_seconds())
    assert last.attempt == 3
    [row] = post.queue("email")
    assert row["state"] == DONE
    assert len({message.key for message in post.email.sent}) == 1  # the other side sees one and the same message
    assert len({(message.subject, message.body) for message in post.email.sent}) == 1


def test_the_other_side_may_say_when(post: Post) -> None:
    arrived(post)
    post.email.answers = [Outcome("retry", "at night", retry_at=NOON + timedelta(hours=14))]
    post.run()
    assert post.queue("email")[0]["due_at"] == NOON + timedelta(hours=14)


def test_after_the_last_attempt_a_job_is_dead_and_says_why(post: Post) -> None:
    arrived(post)
    post.email.answers = [Outcome("retry", f"busy {n}") for n in range(99)]
    post.run()
    for wait in LADDER:
        post.later(seconds=wait.total_seconds())
    assert len(post.email.sent) == len(LADDER) + 1
    [row] = post.queue("email")
    assert (row["state"], row["last_error"]) == (DEAD, f"busy {len(LADDER)}")
    assert post.later(days=99) == []
    assert len(post.queue("email")) == 1  # nobody clears away what has not been dealt with


def test_what_is_refused_for_good_is_not_tried_again(post: Post) -> None:
    arrived(post)
    post.email.answers = [Outcome("failed", "550 no such mailbox")]
    post.run()
    assert post.queue("email")[0]["state"] == DEAD
    assert [event["name"] for event in post.rows("event") if event["actor_name"] == "system"].count("arrived") == 2


def test_an_attempt_is_settled_once(post: Post) -> None:
    arrived(post)
    post.run()
    events = len(post.rows("event"))
    for row in post.rows():
        job = Job(row["id"], row["queue"], row["payload"], row["due_at"], row["attempt"])
        post.workers.worker.settle(job, Outcome("done", data={"deliveries": [{"way": "log"}]}))
        post.workers.worker.settle(job, Outcome("retry", "late"))
    assert [row["state"] for row in post.rows()] == [DONE] * 3
    assert len(post.rows("event")) == events


def test_jobs_of_unknown_queues_wait(post: Post) -> None:
    post.write(lambda tx: post.engine.service.store.jobs.put(tx, "knitting", {}, NOON))
    assert post.run() == []
    assert post.rows()[0]["state"] == WAITING


def test_jobs_that_are_done_are_cleared_away_after_a_month(post: Post) -> None:
    arrived(post)
    post.run()
    first = {row["id"] for row in post.rows()}
    assert len(first) == 3
    post.later(days=29)
    assert first <= {row["id"] for row in post.rows()}
    post.later(days=2)
    assert not first & {row["id"] for row in post.rows()}


def test_jobs_that_the_runner_has_lost_are_tried_again(post: Post) -> None:
    arrived(post)
    post.workers.ticker.turn()
    [lost] = post.jobs.waiting
    post.jobs.waiting.clear()  # as after the loss of its tables
    assert post.later(minutes=4) == []
    assert post.rows()[0]["state"] == HANDED_OVER
    post.later(minutes=2)
    assert (post.rows()[0]["attempt"], post.rows()[0]["last_error"]) == (2, "it was handed over, and never came back")
    post.later(seconds=LADDER[0].total_seconds())
    assert [row["state"] for row in post.rows()] == [DONE] * 3
    post.workers.worker.settle(lost, Outcome("done"))  # it comes back after all: too late
    assert len(post.email.sent) == 1


def test_jobs_that_take_long_are_not_taken_for_lost(post: Post) -> None:
    arrived(post)
    post.workers.ticker.turn()
    post.clock.step(timedelta(hours=1))
    post.workers.ticker.turn()
    assert (post.rows()[0]["state"], post.rows()[0]["attempt"]) == (HANDED_OVER, 1)


def test_a_bell_wakes_the_ticker(post: Post) -> None:
    """Nobody waits for the next look at the rows: the act that writes a job says so once it is committed."""
    bell = post.engine.database.kept(Bell)
    bell.wait(0)
    parcel = post.parcel()
    assert not bell.wait(0)
    post.fire(parcel, "arrive")
    assert bell.wait(0)
    assert not bell.wait(0)


def test_a_ticker_takes_turns_by_itself_and_survives_what_goes_wrong(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ticker, "AFTER_FAILURE", 0.01)
    hand_over, failed = post.jobs.hand_over, Event()

    def fail_once(jobs: Sequence[Job]) -> None:
        if not failed.is_set():
            failed.set()
            raise ConnectionError("the database is away")
        hand_over(jobs)

    monkeypatch.setattr(post.jobs, "hand_over", fail_once)
    post.workers.start()
    arrived(post)
    assert wait_for(lambda: len(post.jobs.waiting) == 1)
    post.workers.stop()
    assert "jobs cannot be handed over" in caplog.text
    assert post.rows()[0]["state"] == HANDED_OVER


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether it comes about before anybody would believe that it still will."""
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
