"""The first page of an inbox, of somebody who is asked twenty things, with few and with 100,000 open cases in the
database; and that of somebody who is asked all of it."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.table import Row
from benchmarks.transitions import AGREED, PAPERS
from engine.catalog.builder import build_texts
from engine.policy.access import Actor
from engine.runtime.actors import actor_of
from engine.runtime.clock import SystemClock
from engine.runtime.inbox import BOXES, Inbox
from engine.runtime.service import SYSTEM, Service
from engine.store.database import Database
from engine.store.store import Store

FEW, MANY, MINE = 100, 100_000, 20
KEY = "018f0000-{:04x}-7000-8000-{:012x}"
#: What is copied for each case, and how their ids are told apart.
TABLES = ("paper", "case", "task", "vote")


def measure(*, quick: bool) -> list[Row]:
    """How many pages a second, many cases against few, in rounds that take turns."""
    rounds, pages = (3, 20) if quick else (9, 60)
    with tempfile.TemporaryDirectory() as folder:
        few, many = (_Office(Path(folder), size) for size in (FEW, MANY))
        rows = []
        for box in BOXES:
            rates = [(many.rate("ann", box, pages), few.rate("ann", box, pages)) for _ in range(rounds + 1)][1:]
            ratio = median(one / other for one, other in rates)
            said = f"{median(one for one, _ in rates):.0f}/s against {median(other for _, other in rates):.0f}/s"
            rows.append(Row(f"inbox “{box}” with {MANY:,} open cases", f"with {FEW}", ratio, "≥ 0.9: flat", said))
        all_of_it = median(many.rate("bo", "mine", pages) for _ in range(rounds))
        rows.append(
            Row(f"inbox “mine” of who is asked in all {MANY:,}", "none", None, "flat, too", f"{all_of_it:.0f}/s")
        )
        few.close()
        many.close()
    return rows


class _Office:
    """The office with so many open cases; ``ann`` is asked in a few of them, ``bo`` in the others."""

    def __init__(self, folder: Path, size: int) -> None:
        path = folder / f"{size}.db"
        catalog = build_texts({"definitions/app.yaml": PAPERS + AGREED})
        self.database = Database.open(f"sqlite:///{path}")
        store = Store(catalog, self.database)
        store.tables.metadata.create_all(self.database.engine)
        service = Service(catalog, store, SystemClock(), lambda _tx, _fingerprint: catalog)
        self.inbox = Inbox(service)
        self.people: dict[str, Actor] = {}
        for login in ("ann", "bo"):
            user = {"login": login, "name": login, "roles": [{"role": "chief"}]}
            made = self.database.write(lambda tx, user=user: service.create(tx, SYSTEM, "user", user)).result()
            self.people[login] = self.database.read(lambda tx, made=made: actor_of(service, tx, made["id"]))
        paper = self.database.write(lambda tx: service.create(tx, SYSTEM, "paper", {"title": "a paper"})).result()
        self.database.write(lambda tx: service.fire(tx, SYSTEM, "paper", paper["id"], "check")).result()
        _copy(path, size, {login: str(actor.facts["id"]) for login, actor in self.people.items()})

    def rate(self, login: str, box: str, pages: int) -> float:
        """Pages a second; of what is asked of ``ann`` all is on the first."""
        actor = self.people[login]
        began = time.perf_counter()
        for _ in range(pages):
            found = self.database.read(lambda tx: self.inbox.page(tx, actor, box))
        if box == "mine" and len(found.items) != (MINE if login == "ann" else 50):
            raise SystemExit(f"{login} is asked {len(found.items)} things")
        return pages / (time.perf_counter() - began)

    def close(self) -> None:
        self.database.close()


def _copy(path: Path, size: int, people: dict[str, str]) -> None:
    """Copies of the one case, each of another moment; of the two who are asked the one or the other stays."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DELETE FROM vote WHERE person <> '{people['bo']}'")
        sources = {}
        for table in TABLES:
            names = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            sources[table] = (names, connection.execute(f'SELECT * FROM "{table}"').fetchone())
        keys = {row[names.index("id")]: at for at, (names, row) in enumerate(sources.values())}
        began = datetime.now(UTC) - timedelta(seconds=size)
        for table, (names, row) in sources.items():
            marks = ", ".join("?" * len(names))
            rows = (_varied(names, row, keys, number, began, people, size) for number in range(size - 1))
            connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        connection.commit()
        connection.execute("ANALYZE")


def _varied(
    names: list[str], row: tuple[Any, ...], keys: dict[Any, int], number: int, began: datetime,
    people: dict[str, str], size: int,
) -> list[Any]:  # fmt: skip
    moment = (began + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    values = []
    for name, value in zip(names, row, strict=True):
        if value in keys:
            value = KEY.format(keys[value], number)
        elif name in ("asked_at", "opened_at", "created_at") and value is not None:
            value = moment
        elif name == "number":
            value = f"N{number}"
        elif name == "person":
            value = people["ann" if number % (size // MINE) == 0 else "bo"]
        values.append(value)
    return values
