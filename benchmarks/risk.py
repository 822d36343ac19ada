"""POST of an order, a changed delivery and its submission under the reference risk rules, with 0, 100,000 and 1,000,000
events behind them: what a rule asks about the past must not cost more because there is more of it."""

from __future__ import annotations

import http.client
import json
import shutil
import sqlite3
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.company import ROOT, Company, found, order
from benchmarks.servers import free_port, orderloom, running
from benchmarks.table import Row
from engine.catalog.reload import CatalogHolder
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.transaction import Transaction

#: Of each past order the log has so many events: created, redirected, submitted, picked, shipped.
EVENTS = ("create", "delivery_changed", "submit", "pick", "ship")
#: Past orders are spread over two years, and over these customers besides those of the company.
DAYS, CUSTOMERS = 730, 2_000


def measure(*, quick: bool) -> list[Row]:
    """The rate with each past against the rate with none, all in the same rounds."""
    sizes = (0, 10_000, 100_000) if quick else (0, 100_000, 1_000_000)
    rounds, seconds = (3, 2.0) if quick else (7, 4.0)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        seeded = Path(folder, "seeded.db")
        company = found(f"sqlite:///{seeded}")
        _submit(seeded)
        clients = []
        for size in sizes:
            path = Path(folder, f"{size}.db")
            shutil.copy(seeded, path)
            _fill(path, size)
            port = free_port()
            trusting = {"ORDERLOOM_TRUSTED_PROXIES": "127.0.0.1"}
            servers.enter_context(running(orderloom(f"sqlite:///{path}", port), port, trusting))
            clients.append(Client(port, company))
        rates: list[list[float]] = [[] for _ in sizes]
        for turn in range(rounds + 1):
            for client, of_one in zip(clients, rates, strict=True):
                rate = client.drive(seconds)
                if turn:  # the first round warms up
                    of_one.append(rate)
    return [
        Row(
            f"order, redirection, submission with {size:,} past events",
            "the same with none",
            median(mine / base for mine, base in zip(of_one, rates[0], strict=True)),
            "≥ 0.9: flat",
            f"{median(of_one):.0f}/s against {median(rates[0]):.0f}/s",
        )
        for size, of_one in zip(sizes[1:], rates[1:], strict=True)
    ]


class Client:
    """One connection that sends orders, each from a device and an address of its own."""

    def __init__(self, port: int, company: Company) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._token = company.token
        self._number = 0

    def drive(self, seconds: float) -> float:
        """How many orders a second were entered, redirected and submitted."""
        # While others are driven a server closes what is idle; the next request opens it again.
        self._connection.close()
        began, first = time.perf_counter(), self._number
        while time.perf_counter() < began + seconds:
            self._number += 1
            self._enter(self._number)
        return (self._number - first) / (time.perf_counter() - began)

    def _enter(self, number: int) -> None:
        made = self._send(number, "POST", "/api/order", order(number, 2) | {"order_time": None})
        path = f"/api/order/{made['id']}"
        changed = self._send(number, "PATCH", path, {"consignee_name": "李小红"}, made["version"])
        self._send(number, "POST", f"{path}/events/submit", {}, changed["version"])

    def _send(self, number: int, method: str, path: str, body: object, version: object = None) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Device-Id": f"device-{number}",
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        }
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        self._connection.request(method, path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content.decode()[:600]}")
        answered: dict[str, Any] = json.loads(content)
        return answered


def _submit(path: Path) -> None:
    """Puts one submitted order into the database, of which past ones are copies."""
    database = Database.open(f"sqlite:///{path}")
    engine = Engine(CatalogHolder(ROOT), database)
    engine.prepare()

    def make(tx: Transaction) -> None:
        made = engine.service.create(tx, SYSTEM, "order", order(0, 2) | {"order_time": None})
        engine.service.fire(tx, SYSTEM, "order", made["id"], "submit")

    engine.write(make)
    database.close()


def _fill(path: Path, events: int) -> None:
    """Adds so many past events, five for each of a fifth as many orders."""
    connection = sqlite3.connect(path)
    orders = events // len(EVENTS)
    customers = [row[0] for row in connection.execute("SELECT id FROM customer")]
    customers += [f"018f0000-0000-7000-9000-{number:012x}" for number in range(CUSTOMERS)]
    _copy(connection, "order", orders, lambda n: _order(n, customers))
    _copy(connection, "event", events, _event)
    connection.commit()
    connection.close()


def _order(number: int, customers: list[str]) -> dict[str, object]:
    at = _at(number)
    return {
        "id": f"018f0000-0000-7000-8000-{number:012x}", "order_no": f"OLD{number}", "channel_order_no": f"OLD{number}",
        "customer": customers[number % len(customers)], "order_time": at, "created_at": at, "status": "completed",
        "device_id": f"old-{number % 5000}", "client_ip": f"172.16.{number % 250}.1", "payable_amount": 1_000,
    }  # fmt: skip


def _event(number: int) -> dict[str, object]:
    of = number // len(EVENTS)
    at = _at(of)
    return {
        "id": f"018f0000-0000-7000-a000-{number:012x}", "record": f"018f0000-0000-7000-8000-{of:012x}", "at": at,
        "created_at": at, "name": EVENTS[number % len(EVENTS)], "ip": f"172.16.{of % 250}.1",
    }  # fmt: skip


def _at(number: int) -> str:
    """A moment of the last two years; the numbers are scattered over them."""
    ago = number * 7_919 % (DAYS * 86_400) + 1
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() - ago))


def _copy(connection: sqlite3.Connection, table: str, count: int, values: object) -> None:
    """Adds copies of a row of the table, each with values of its own."""
    assert callable(values)
    cursor = connection.execute(f'SELECT * FROM "{table}" ORDER BY id DESC LIMIT 1')
    names = [column[0] for column in cursor.description]
    template = dict(zip(names, cursor.fetchone(), strict=True))
    rows = ([*(template | values(number)).values()] for number in range(count))
    places = ", ".join("?" * len(names))
    quoted = ", ".join(f'"{name}"' for name in names)
    connection.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({places})', rows)
