"""POST of an order of 20 lines: the engine against a hand-written endpoint that does the same checks and the same
writes."""

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
from tests.databases import postgres_server

LINES = 20
#: Each round sends requests of its own; they are made before it, so that the client costs little.
MOST = 6_000


def measure(*, quick: bool) -> list[Row]:
    """The ratios on SQLite at 16 clients and at one, and on PostgreSQL at 16."""
    rounds, seconds = (3, 2.0) if quick else (7, 4.0)
    return [*_on_sqlite(rounds, seconds), _on_postgres(rounds, seconds)]


def _on_sqlite(rounds: int, seconds: float) -> list[Row]:
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
            return [
                _compare(company, port, hand, clients, rounds, seconds, "SQLite", "hand-written Starlette, same writes")
                for clients in (16, 1)
            ]


def _on_postgres(rounds: int, seconds: float) -> Row:
    """Two databases on one durable server, so that both sides wait for the same disk."""
    with postgres_server(durable=True) as server, server.scratch() as own, server.scratch() as other:
        company, rival = found(own), found(other)
        port, hand = free_port(), free_port()
        with (
            running(orderloom(own, port), port),
            running([sys.executable, "-m", "benchmarks.baseline_postgres", other, str(hand)], hand),
        ):
            return _compare(
                company, port, hand, 16, rounds, seconds, "PostgreSQL", "hand-written asyncpg, same writes", rival
            )


def _compare(
    company: Company,
    port: int,
    hand: int,
    clients: int,
    rounds: int,
    seconds: float,
    database: str,
    baseline: str,
    rival: Company | None = None,
) -> Row:
    ratios, ours, theirs = [], [], []
    for turn in range(rounds + 1):
        begin = clients * 10_000_000 + turn * MOST
        mine = drive(port, requests(company.token, begin), seconds, clients)
        base = drive(hand, requests((rival or company).token, begin), seconds, clients)
        if turn:  # the first round warms up
            ours.append(mine)
            theirs.append(base)
            ratios.append(mine.per_second / base.per_second)
    return Row(
        f"POST of {LINES} lines, {database}, {clients} client{'s' if clients > 1 else ''}",
        baseline,
        median(ratios),
        "≥ 0.5, then 0.8" if database == "SQLite" else "≥ 0.6",
        f"{_shown(ours)} against {_shown(theirs)}",
    )


def _shown(rates: list[Rate]) -> str:
    return f"{median(rate.per_second for rate in rates):.0f}/s, p99 {median(rate.p99 for rate in rates):.0f} ms"


def requests(token: str, begin: int) -> Callable[[int], bytes]:
    """A function from 1, 2, 3 … to the bytes of requests for new orders, numbered from ``begin`` on."""
    head = (
        f"POST /api/order HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    made = []
    for number in range(begin, begin + MOST):
        body = json.dumps(order(number, LINES)).encode()
        made.append(head + str(len(body)).encode() + b"\r\n\r\n" + body)
    return lambda number: made[number - 1]
