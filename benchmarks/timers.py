"""Requests with 20,000 waiting timers beside them, against none; and how late timers go off meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.company import ROOT, found, order
from benchmarks.risk import Client
from benchmarks.servers import free_port, orderloom, running
from benchmarks.table import Row
from engine.catalog.reload import CatalogHolder
from engine.ports import PlaceHold, Record
from engine.runtime.effects import Effects
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.transaction import Transaction

#: Timers that wait, and those that fall due one after the other.
WAITING, DUE = 20_000, 50
#: So many of them in a second.
RATE = 5
#: Their names sort by number.
KEY = "018f0000-0000-7000-8000-{:012x}"


def measure(*, quick: bool) -> list[Row]:
    """The rate with so many timers against the rate with none, in the same rounds; and the lateness, in seconds."""
    rounds, seconds = (3, 2.0) if quick else (7, 4.0)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        seeded = Path(folder, "seeded.db")
        company = found(f"sqlite:///{seeded}")
        hold = _held(seeded)
        clients, paths = [], []
        for number in (0, WAITING):
            path = Path(folder, f"{number}.db")
            shutil.copy(seeded, path)
            _fill(path, hold, number)
            port = free_port()
            trusting = {"ORDERLOOM_TRUSTED_PROXIES": "127.0.0.1"}
            servers.enter_context(running(orderloom(f"sqlite:///{path}", port), port, trusting))
            clients.append(Client(port, company))
            paths.append(path)
        rates: list[list[float]] = [[], []]
        for turn in range(rounds + 1):
            for client, of_one in zip(clients, rates, strict=True):
                rate = client.drive(seconds)
                if turn:  # the first round warms up
                    of_one.append(rate)
        _make_due(paths[1], hold, DUE / RATE)
        busy = clients[1].drive(DUE / RATE)
        late = _lateness(paths[1])
    ratio = median(mine / base for mine, base in zip(rates[1], rates[0], strict=True))
    return [
        Row(
            f"order, redirection, submission with {WAITING:,} waiting timers",
            "the same with none",
            ratio,
            "≥ 0.9: flat",
            f"{median(rates[1]):.0f}/s against {median(rates[0]):.0f}/s",
        ),
        Row(
            f"{DUE} timers that fall due while requests are served, {RATE}/s",
            "their moments",
            None,
            "all within 2 s",
            f"{median(late):.2f} s late in the middle, {max(late):.2f} s at most, at {busy:.0f} requests/s",
        ),
    ]


def _held(path: Path) -> Record:
    """A hold on an order, whose timers the others are made like."""
    database = Database.open(f"sqlite:///{path}")
    engine = Engine(CatalogHolder(ROOT), database)
    engine.prepare()

    def make(tx: Transaction) -> Record:
        made = engine.service.create(tx, SYSTEM, "order", order(0, 2) | {"order_time": None})
        effects = Effects(engine.service, engine.service.act(tx, SYSTEM), "hold")
        hold: Record = effects.perform(PlaceHold("order", made, "watched", (), {"role": "planner"}))
        effects.settle()
        effects.act.finish()
        return {"id": hold["id"], "record": made["id"]}

    held = engine.write(make)
    database.close()
    return held


def _timer(hold: Record, number: int, due_at: datetime) -> dict[str, Any]:
    """A row that only notes, when it goes off, that the hold is overdue."""
    at = due_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "id": KEY.format(number), "version": 1, "kind": "hold", "subject": hold["id"], "model": "order",
        "record": hold["record"], "step": "watched", "round": number, "rung": 0, "turn": 1, "since": at, "due_at": at,
    }  # fmt: skip


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        names = ", ".join(f'"{name}"' for name in rows[0])
        places = ", ".join(f":{name}" for name in rows[0])
        connection.executemany(f"INSERT INTO timer ({names}) VALUES ({places})", rows)
        connection.commit()


def _fill(path: Path, hold: Record, number: int) -> None:
    if number:
        later = datetime.now(UTC) + timedelta(days=10)
        _write(path, [_timer(hold, at + 1, later + timedelta(seconds=at)) for at in range(number)])


def _make_due(path: Path, hold: Record, seconds: float) -> None:
    """Has timers fall due, spread over the time to come."""
    now = datetime.now(UTC)
    moments = [now + timedelta(seconds=1 + seconds * at / DUE) for at in range(DUE)]
    _write(path, [_timer(hold, WAITING + 1 + at, moment) for at, moment in enumerate(moments)])


def _lateness(path: Path) -> list[float]:
    """How many seconds after its moment each has gone off."""
    text = "SELECT (julianday(done_at) - julianday(due_at)) * 86400 FROM timer WHERE done_at IS NOT NULL"
    for _ in range(300):
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            late = [row[0] for row in connection.execute(text)]
        if len(late) >= DUE:
            return late
        time.sleep(0.1)
    raise SystemExit(f"only {len(late)} of {DUE} timers have gone off")
