"""`work` and `serve` as processes: both run the jobs, and end in good order when they are told to."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM

import httpx
import pytest

from engine.catalog.reload import CatalogHolder
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.jobs import DONE
from tests.runtime.post import DEFINITIONS, stored

TOP = Path(__file__).parent.parent.parent
#: Seconds after which something that has not happened is not going to.
LONG = 120.0


class Office:
    """The post office in a folder, with a job that waits, and commands that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'post.db'}"
        (folder / "definitions").mkdir()
        (folder / "definitions" / "post.yaml").write_text(DEFINITIONS, "utf-8")
        self.engine = Engine(CatalogHolder(folder), Database.open(self.url))
        self.engine.prepare()

    def lose_a_parcel(self, number: str) -> None:
        """A message that goes to the log is to be sent."""
        engine = self.engine
        parcel = engine.write(lambda tx: engine.service.create(tx, SYSTEM, "parcel", {"number": number}))
        engine.write(lambda tx: engine.service.fire(tx, SYSTEM, "parcel", parcel["id"], "lose"))

    def all_done(self) -> bool:
        """Whether every job has come to its end."""
        return {row["state"] for row in stored(self.engine, "job")} == {DONE}

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        """A command, killed if it is still there afterwards. What it says goes to a file."""
        line = [sys.executable, str(TOP / "cli.py"), "--app", str(self.folder), "--database", self.url, *command]
        with (self.folder / "said").open("w") as said:
            process = subprocess.Popen(line, stdout=said, stderr=said, text=True)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def said(self) -> str:
        """What the command has said."""
        return (self.folder / "said").read_text()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition holds."""
        end = time.monotonic() + LONG
        while not condition():
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path)
    yield opened
    opened.engine.database.close()


def test_work_runs_jobs_until_it_is_told_to_end(office: Office) -> None:
    office.lose_a_parcel("P1")
    with office.running("work") as process:
        office.until(office.all_done)
        office.lose_a_parcel("P2")  # of another process: nobody rings
        office.until(lambda: len(stored(office.engine, "job")) == 4 and office.all_done())
        process.send_signal(SIGTERM)
        assert process.wait(LONG) == 0
    assert "Orderloom works on the jobs of" in office.said()
    assert "orderloom.messages: lost" in office.said()
    assert "P1 of <>: {}" in office.said()
    assert "Traceback" not in office.said()


@pytest.mark.parametrize("how", [SIGTERM, SIGINT])
def test_serve_runs_jobs_too(office: Office, how: int) -> None:
    office.lose_a_parcel("P1")
    with office.running("serve", "--port", "0") as process:
        office.until(office.all_done)
        [address] = re.findall(r"http://\S+", office.said())
        assert httpx.get(f"{address}/login", timeout=LONG).status_code == 200
        process.send_signal(how)
        process.wait(LONG)
    assert "P1 of <>: {}" in office.said()
    assert "Traceback" not in office.said()


def test_serve_opens_its_port_before_it_imports_the_runner_of_jobs() -> None:
    program = "import sys, engine.cli.serve; sys.exit('dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=TOP, check=False).returncode == 0
