"""A server as people start it: a process of its own, on a copy of the reference application."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, TypeVar

import httpx

from engine.catalog.builder import FOLDERS
from engine.cli.serve import DEMO_PASSWORD

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
#: Nothing is measured: so long is waited before something is taken for lost.
PATIENCE = 120.0


def copy_of_application(folder: Path) -> Path:
    """A copy of the reference application, with its examples, to change at will."""
    for name in (*FOLDERS, "examples"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def until(wanted: Callable[[], T | None], what: str) -> T:
    """What is wanted, once it is there."""
    end = time.monotonic() + PATIENCE
    while not (found := wanted()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


class Served:
    """A running server: its address, and the lines that it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        for stream in (process.stdout, process.stderr):
            Thread(target=self._read, args=(stream,), daemon=True).start()
        self.address = until(self._find_address, "the address")

    def said(self, text: str) -> str:
        """The first line with that text, once it has been printed."""
        return until(lambda: next((line for line in [*self.lines] if text in line), None), f"{text!r} in {self.lines}")

    @contextmanager
    def visitor(self, login: str) -> Iterator[httpx.Client]:
        """What talks to the server as somebody of the demo company."""
        same_site = {"Sec-Fetch-Site": "same-origin"}
        with httpx.Client(base_url=self.address, headers=same_site, timeout=PATIENCE) as client:
            answer = client.post("/login", data={"login": login, "password": DEMO_PASSWORD})
            assert answer.status_code == 303, answer.text
            yield client

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    def _find_address(self) -> str | None:
        assert self.process.poll() is None, "\n".join(["it has ended:", *self.lines])
        return next((found[0] for line in [*self.lines] if (found := re.search(r"http://\S+", line))), None)


@contextmanager
def serve(app_dir: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """The server of the application in a folder, on a port of its own; it ends in good order, or the test fails."""
    command = [sys.executable, str(ROOT / "cli.py"), "--app", str(app_dir), "serve", "--port", "0", *options]
    # Else Python keeps what it prints until there is more of it.
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Served(process)
        except BaseException:
            process.kill()
            raise
        process.terminate()
        assert process.wait(PATIENCE) == 0
