"""Jobs as rows: due in turn, handed over once, tried again, buried, purged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.ports import Job
from engine.store.transaction import Transaction
from tests.store.conftest import NOON, Desk

MINUTE = timedelta(minutes=1)


def due(desk: Desk, minutes: int, limit: int = 10) -> list[Job]:
    return desk.read(lambda tx: desk.store.jobs.due(tx, NOON + minutes * MINUTE, {"mail"}, limit))


def test_jobs_are_due_in_the_sequence_of_their_moments(desk: Desk) -> None:
    def work(tx: Transaction) -> list[str]:
        return [desk.store.jobs.put(tx, "mail", {"n": n}, NOON + n * MINUTE) for n in (2, 0, 1)]

    ids = desk.write(work)
    assert [job.payload for job in due(desk, 1)] == [{"n": 0}, {"n": 1}]
    assert due(desk, 1, limit=1) == [Job(ids[1], "mail", {"n": 0}, NOON, 1)]
    assert due(desk, -1) == []


def test_a_job_is_handed_over_tried_again_and_done(desk: Desk) -> None:
    jobs = desk.store.jobs
    key = desk.write(lambda tx: jobs.put(tx, "mail", {}, NOON))
    [job] = due(desk, 0)
    desk.write(lambda tx: jobs.hand_over(tx, [job]))
    assert due(desk, 0) == []
    desk.write(lambda tx: jobs.retry(tx, job, NOON + MINUTE, "timeout"))
    assert due(desk, 0) == []
    [again] = due(desk, 1)
    assert (again.id, again.attempt) == (key, 2)
    assert desk.get("job", key)["last_error"] == "timeout"
    desk.write(lambda tx: jobs.done(tx, again))
    assert due(desk, 99) == []
    assert desk.get("job", key)["state"] == "done"


def test_a_buried_job_stays_to_be_looked_at(desk: Desk) -> None:
    key = desk.write(lambda tx: desk.store.jobs.put(tx, "mail", {"to": "x"}, NOON))
    desk.write(lambda tx: desk.store.jobs.bury(tx, due(desk, 0)[0], "no such address"))
    assert due(desk, 99) == []
    found = desk.get("job", key)
    assert (found["state"], found["last_error"], found["payload"]) == ("dead", "no such address", {"to": "x"})


def test_only_done_jobs_are_purged(desk: Desk) -> None:
    jobs = desk.store.jobs
    keys = desk.write(lambda tx: [jobs.put(tx, "mail", {}, NOON) for _ in range(3)])
    found = due(desk, 0)
    desk.write(lambda tx: (jobs.done(tx, found[0]), jobs.bury(tx, found[1], "x")))
    assert desk.write(lambda tx: jobs.purge(tx, NOON)) == 0
    assert desk.write(lambda tx: jobs.purge(tx, NOON + MINUTE)) == 1
    assert len(desk.read(lambda tx: desk.store.records.load(tx, "job", keys))) == 2


def test_a_job_is_written_with_its_transaction_or_not_at_all(desk: Desk) -> None:
    def work(tx: Transaction) -> None:
        desk.store.jobs.put(tx, "mail", {}, NOON)
        raise LookupError

    with pytest.raises(LookupError):
        desk.write(work)
    assert due(desk, 99) == []
