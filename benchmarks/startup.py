"""How long until `serve` answers, against a bare Starlette application on the same server."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.company import found
from benchmarks.servers import free_port, orderloom, running
from benchmarks.table import Row

BARE = """
import uvicorn
from starlette.applications import Starlette
uvicorn.run(Starlette(), port={port}, log_level="error")
"""


def measure(*, quick: bool) -> list[Row]:
    """Seconds from the command to the first answer."""
    rounds = 2 if quick else 5
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'app.db')}"
        found(url)
        ours, theirs = [], []
        for _ in range(rounds):
            port = free_port()
            theirs.append(_until_answer([sys.executable, "-c", BARE.format(port=port)], port))
            port = free_port()
            ours.append(_until_answer(orderloom(url, port), port))
    ratio = median(theirs) / median(ours)
    seen = f"{median(ours):.2f} s against {median(theirs):.2f} s"
    return [Row("start of serve", "a bare Starlette on uvicorn", ratio, "< 1.5 s", seen)]


def _until_answer(command: Sequence[str], port: int) -> float:
    began = time.perf_counter()
    with running(command, port):
        return time.perf_counter() - began
