"""A process that is killed while people agree, before any of its statements: what was agreed stays, and counts once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import make_url

from tests.databases import asked
from tests.marks import SQLITE_FIRST
from tests.processes import outcome
from tests.runtime.crashing_approvals import OFFICE, main
from tests.runtime.running import Running

JURORS = 3


class Office:
    """The office on a database; others work on it, and are killed."""

    def __init__(self, url: str) -> None:
        self.url = url
        running = Running(OFFICE, url)
        running.user("top", "boss")
        for number in range(JURORS):
            running.user(f"juror{number}", "juror")
        running.database.close()

    def paper(self) -> str:
        """A new paper, of which nobody has been asked yet."""
        running = Running(OFFICE, self.url)
        made = running.create("paper", {})
        running.database.close()
        return str(made["id"])

    def work(self, key: str, fatal: int = 0) -> int | None:
        """How many statements a process sent; None if it was killed, before its so manieth."""
        return outcome(main, self.url, key, fatal)

    def rows(self, text: str, *values: str) -> list[Any]:
        """What a query of our own finds."""
        return asked(self.url, text, *values)

    def check(self, key: str) -> None:
        """Everybody was asked once and counted once, and what follows from it happened once."""
        assert self.rows("SELECT status, signed FROM paper WHERE id = ?", key) == [("done", 1)]
        assert self.rows('SELECT number FROM copy WHERE "of" = ?', key) == [(1,)]
        tasks = self.rows("SELECT step, outcome, closed_at IS NULL, round FROM task WHERE record = ?", key)
        assert sorted((step, outcome, bool(left), round_) for step, outcome, left, round_ in tasks) == [
            ("first", "approved", False, 1),
            ("jury", "approved", False, 1),
            ("one", "approved", False, 1),
        ]
        votes = "SELECT t.step, v.decision FROM vote v JOIN task t ON t.id = v.task WHERE t.record = ?"
        said = sorted((str(step), str(decision)) for step, decision in self.rows(votes, key))
        # Two of three jurors are enough; nobody waits for the third.
        jury = [("jury", "approve"), ("jury", "approve"), ("jury", "moot")]
        assert said == [("first", "approve"), *jury, ("one", "approve")]
        assert self.rows("SELECT count(*) FROM history WHERE record = ? AND act = 'approve'", key) == [(4,)]
        [[open_votes]] = self.rows("SELECT count(*) FROM vote WHERE waiting")
        assert open_votes == 0


@pytest.fixture
def office(database_url: str) -> Office:
    return Office(make_url(database_url).render_as_string(hide_password=False))


def killed_before(office: Office, fatal: int) -> None:
    key = office.paper()
    assert office.work(key, fatal) is None, f"it never came to statement {fatal}"
    assert office.work(key) is not None
    office.check(key)


def length(office: Office) -> int:
    """How many statements it takes when nobody is killed."""
    key = office.paper()
    count = office.work(key)
    office.check(key)
    assert count is not None
    assert count > 20
    return count


@pytest.mark.parametrize("database_url", SQLITE_FIRST, indirect=True)
def test_killed_in_the_middle(office: Office) -> None:
    killed_before(office, length(office) // 2)


@pytest.mark.soak
def test_killed_at_every_statement(office: Office) -> None:
    count = length(office)
    for fatal in range(1, count + 1):
        killed_before(office, fatal)
    print(f"killed before each of {count} statements")  # noqa: T201
