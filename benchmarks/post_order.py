"""POST of an order of 20 lines: the engine against a hand-written endpoint that does the same checks and the same writes."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.company import Company, found, order
from benchmarks.load import Rate, drive
from benchmarks.servers import free_port, orderloom, running
from benchmarks.table import Row

LINES = 20


def measure(*, quick: bool) -> list[Row]:
    """The ratio on SQLite at 16 clients and at one."""
    with tempfile.TemporaryDirectory() as folder:
        seeded = Path(folder, "seeded.db")
        company = found(f"sqlite:///{seeded}")
        own, other = Path(folder, "engine.db"), Path(folder, "baseline.db")
        shutil.copy(seeded, own)
        shutil.copy(seeded, other)
        port, hand = free_port(), free_port()
        with (
            running(orderloom(f"sqlite:///{own}", port), port),
            running([sys.executable, "-m", "benchmarks.baseline", str(other), str(hand)], hand),
        ):
            rounds, seconds = (3, 2.0) if quick else (7, 4.0)
            return [
                _compare(company, port, hand, clients, rounds, seconds, start=clients * 10_000_000)
                for clients in (16, 1)
            ]


def _compare(company: Company, port: int, hand: int, clients: int, rounds: int, seconds: float, start: int) -> Row:
    make = maker(company.token)
    ratios, ours, theirs = [], [], []
    for turn in range(rounds + 1):
        begin = start + turn * 100_000
        mine = drive(port, make, seconds, clients, begin)
        base = drive(hand, make, seconds, clients, begin)
        if turn:  # the first round warms up
            ours.append(mine)
            theirs.append(base)
            ratios.append(mine.per_second / base.per_second)
    return Row(
        f"POST of {LINES} lines, SQLite, {clients} client{'s' if clients > 1 else ''}",
        "hand-written Starlette, same writes",
        median(ratios),
        "≥ 0.5, then 0.8",
        f"{_shown(ours)} against {_shown(theirs)}",
    )


def _shown(rates: list[Rate]) -> str:
    return f"{median(rate.per_second for rate in rates):.0f}/s, p99 {median(rate.p99 for rate in rates):.0f} ms"


def maker(token: str) -> Callable[[int], bytes]:
    """A function from a number to the bytes of a request for a new order."""

    def make(number: int) -> bytes:
        body = json.dumps(order(number, LINES)).encode()
        head = (
            f"POST /api/order HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return make
