"""Processes that are killed at work: whatever the moment, nothing is lost, and what came of it is recorded once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL

import pytest
from sqlalchemy import make_url

from engine.runtime.service import SYSTEM
from engine.store.jobs import DONE
from tests.marks import SQLITE_FIRST
from tests.runtime.crashing import POINTS
from tests.runtime.post import open_engine, stored

TOP = Path(__file__).parent.parent.parent
#: Seconds after which a process hangs.
LONG = 300


def work(url: str, folder: Path, point: str) -> int:
    """How a process ended that worked until the point."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.runtime.crashing", url, str(folder), point]
    return subprocess.run(command, cwd=TOP, timeout=LONG, check=False).returncode


@pytest.mark.parametrize("database_url", SQLITE_FIRST, indirect=True)
def test_killed_workers_are_followed_by_others(database_url: str, tmp_path: Path) -> None:
    url = make_url(database_url).render_as_string(hide_password=False)
    engine = open_engine(url)
    service = engine.service
    engine.write(lambda tx: service.create(tx, SYSTEM, "person", {"code": "ann", "email": "ann@example.com"}))
    parcel = engine.write(lambda tx: service.create(tx, SYSTEM, "parcel", {"number": "P1", "receiver": "ann"}))
    engine.write(lambda tx: service.fire(tx, SYSTEM, "parcel", parcel["id"], "report"))

    sent: dict[str, list[str]] = {}
    for point in POINTS:
        assert work(url, tmp_path / point, point) == -SIGKILL, f"it never came to the point where jobs are {point}"
        sent[point] = keys(tmp_path / point)
        assert any(row["state"] != DONE for row in stored(engine, "job"))
    assert work(url, tmp_path / "last", "none") == 0
    sent["last"] = keys(tmp_path / "last")

    [told] = [event for event in stored(engine, "event") if event["name"] == "noted"]
    assert told["input"]["result"] == "done"
    jobs = {job["queue"]: job for job in stored(engine, "job")}
    assert {queue: (job["state"], job["attempt"]) for queue, job in jobs.items()} == {
        "message": (DONE, 1),
        "email": (DONE, 1),
    }
    # Killed while it was sending, nobody knows whether it got through: it is sent again, under the same key. Once that
    # is known, it is not.
    key = jobs["email"]["id"]
    assert sent == {"handed over": [], "sending": [key], "sent": [key], "last": []}
    engine.database.close()


def keys(folder: Path) -> list[str]:
    """The keys of what was sent."""
    file = folder / "sent"
    return file.read_text().split() if file.exists() else []
