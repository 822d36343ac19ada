"""A process that is killed while timers go off, before any of its statements: each of them happens, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from engine.runtime.clock import SetClock
from tests.databases import asked
from tests.processes import outcome
from tests.runtime.crashing_timers import LATER, main
from tests.runtime.post import NOON, Post, open_engine


class Office:
    """The post office on a database, seen by us at noon and after everything; others work in between."""

    def __init__(self, url: str) -> None:
        self.url = url
        engine = open_engine(url)
        engine.database.close()
        self.number = 0

    def parcels(self) -> tuple[str, str]:
        """Two parcels that arrive at noon: one must be fetched within the hour, the other is only asked for."""
        clock = SetClock(NOON)
        post = Post(open_engine(self.url, clock), clock)
        if self.number == 0:
            post.put("person", code="ann", name="Ann", email="ann@example.com")
        self.number += 1
        one = post.parcel(f"A{self.number}", fetched_by=(NOON + timedelta(hours=1)).isoformat())
        other = post.parcel(f"B{self.number}")
        for parcel in (one, other):
            post.fire(parcel, "arrive")
        post.engine.database.close()
        return str(one["id"]), str(other["id"])

    def work(self, fatal: int = 0) -> int | None:
        """How many statements a process sent; None if it was killed, before its so manieth."""
        return outcome(main, self.url, fatal)

    def recover(self) -> None:
        """Another process does what is left. What the dead one had taken is missed after some minutes."""
        clock = SetClock(LATER + timedelta(minutes=10))
        post = Post(open_engine(self.url, clock), clock)
        post.run()
        post.later(minutes=10)
        post.engine.database.close()

    def rows(self, text: str, *values: str) -> list[Any]:
        """What a query of our own finds."""
        return asked(self.url, text, *values)

    def check(self, one: str, other: str) -> None:
        """Nothing was lost, and nothing happened twice."""
        [[status, state]] = self.rows(
            'SELECT p.status, c.state FROM parcel p JOIN "case" c ON c.record = p.id WHERE p.id = ?', one
        )
        assert (status, state) == ("lost", "lost")
        assert self.rows("SELECT nudged, status FROM parcel WHERE id = ?", other) == [(2, "here")]
        told = self.rows(
            "SELECT record, name FROM event WHERE name IN ('fetched', 'nudge', 'nag') AND record IN (?, ?)", one, other
        )
        assert sorted((str(record), name) for record, name in told) == sorted(
            [(one, "fetched"), (other, "nag"), (other, "nudge")]
        )
        assert self.rows("SELECT count(*) FROM timer WHERE done_at IS NULL") == [(0,)]
        assert self.rows("SELECT count(*) FROM timer WHERE record IN (?, ?)", one, other) == [(3,)]
        assert self.rows("SELECT count(*) FROM job WHERE state <> 'done'") == [(0,)]
        [[messages]] = self.rows("SELECT count(*) FROM event WHERE name = 'lost' AND record = ?", one)
        assert messages == 1


@pytest.fixture
def office(database_url: str) -> Office:
    return Office(make_url(database_url).render_as_string(hide_password=False))


def killed_before(office: Office, fatal: int) -> None:
    one, other = office.parcels()
    assert office.work(fatal) is None, f"it never came to statement {fatal}"
    office.recover()
    office.check(one, other)


def length(office: Office) -> int:
    """How many statements it takes when nobody is killed."""
    one, other = office.parcels()
    count = office.work()
    office.check(one, other)
    assert count is not None
    assert count > 20
    return count


def test_killed_at_some_statements(office: Office) -> None:
    count = length(office)
    for fatal in (1, count // 3, 2 * count // 3):
        killed_before(office, fatal)


@pytest.mark.soak
def test_killed_at_every_statement(office: Office) -> None:
    count = length(office)
    for fatal in range(1, count + 1):
        killed_before(office, fatal)
    print(f"killed before each of {count} statements")  # noqa: T201
