"""A process that is killed while people agree, before any of its statements: what was agreed stays, and counts once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.databases import asked
from tests.marks import SQLITE_FIRST
from tests.runtime.crashing_approvals import OFFICE
from tests.runtime.running import Running

TOP = Path(__file__).parent.parent.parent
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

    def work(self, key: str, fatal: int = 0) -> tuple[int, int]:
        """How a process ended that was killed before its so manieth statement, and how many it sent if it was not."""
        command = [sys.executable, "-m", "tests.runtime.crashing_approvals", self.url, key, str(fatal)]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in (0, -SIGKILL), done.stderr
        return done.returncode, int(done.stdout) if done.stdout else 0

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
    assert office.work(key, fatal)[0] == -SIGKILL, f"it never came to statement {fatal}"
    assert office.work(key)[0] == 0
    office.check(key)


def length(office: Office) -> int:
    """How many statements it takes when nobody is killed."""
    key = office.paper()
    ended, count = office.work(key)
    assert ended == 0
    office.check(key)
    assert count > 20
    return count


@pytest.mark.parametrize("database_url", SQLITE_FIRST, indirect=True)
def test_killed_in_the_middle(office: Office) -> None:
    killed_before(office, length(office) // 2)


@pytest.mark.soak
def test_killed_at_every_statement(office: Office) -> None:
    for fatal in range(1, length(office) + 1):
        killed_before(office, fatal)
