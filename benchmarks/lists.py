"""A list of the newest 25 records, filtered on two fields, from 10,000 and from 200,000 rows, against SQL by hand."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.company import found
from benchmarks.load import Rate, drive
from benchmarks.servers import free_port, orderloom, running
from benchmarks.table import Row

COLUMNS = "code, name, price, kind"
QUERY = "/api/price?where=unit_price%20%3E%2010%20and%20customer_group%20%3D%3D%20%22dealer%22&limit=25"


def measure(*, quick: bool) -> list[Row]:
    """The ratio at both sizes, and how the engine's own rate changes from the small to the large table."""
    sizes = (2_000, 20_000) if quick else (10_000, 200_000)
    rows: list[Row] = []
    rates: list[float] = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "app.db")
            company = found(f"sqlite:///{path}")
            _fill(path, size)
            other = Path(folder, "other.db")
            shutil.copy(path, other)
            port, hand = free_port(), free_port()
            with (
                running(orderloom(f"sqlite:///{path}", port), port),
                running([sys.executable, "-m", "benchmarks.list_baseline", str(other), str(hand)], hand),
            ):
                row, rate = _compare(company.token, port, hand, size, 3 if quick else 5)
                rows.append(row)
                rates.append(rate)
    rows.append(
        Row(
            "the same list, large against small",
            f"{sizes[0]:,} rows",
            rates[1] / rates[0],
            "≥ 0.9: flat",
            f"{sizes[1]:,} rows",
        )
    )
    return rows


def _fill(path: Path, size: int) -> None:
    """Copies of one record: what a list costs does not depend on how its rows came in."""
    connection = sqlite3.connect(path)
    names = [row[1] for row in connection.execute('PRAGMA table_info("price")')]
    product = connection.execute("SELECT id FROM product LIMIT 1").fetchone()[0]
    moment = "2026-11-20T08:{:02}:{:02}.{:06}Z"
    values = []
    for number in range(size):
        at = moment.format(number // 6000 % 60, number // 100 % 60, number)
        row = {
            "id": f"018f0000-0000-7000-8000-{number:012x}", "version": 1, "created_at": at, "updated_at": at,
            "product": product, "unit_price": 100_000 + number % 1000 * 10_000, "customer_group": "dealer",
        }  # fmt: skip
        values.append([row.get(name) for name in names])
    connection.executemany(f'INSERT INTO "price" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})', values)
    connection.commit()
    connection.close()


def _compare(token: str, port: int, hand: int, size: int, rounds: int) -> tuple[Row, float]:
    request = _request(token)
    ratios: list[float] = []
    ours: list[Rate] = []
    theirs: list[Rate] = []
    for turn in range(rounds + 1):
        mine, base = drive(port, request, 2), drive(hand, request, 2)
        if turn:
            ours.append(mine)
            theirs.append(base)
            ratios.append(mine.per_second / base.per_second)
    own, other = median(rate.per_second for rate in ours), median(rate.per_second for rate in theirs)
    row = Row(f"list of 25 of {size:,}", "SQL by hand", median(ratios), "≥ 0.6", f"{own:.0f}/s against {other:.0f}/s")
    return row, own


def _request(token: str) -> Callable[[int], bytes]:
    head = f"GET {QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    return lambda _: head
