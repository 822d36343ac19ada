"""A changed decision table tried on 100,000 past records, against a loop by hand over the same rows."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from benchmarks.company import opened, order
from benchmarks.table import Row
from engine.catalog.builder import build_texts
from engine.runtime.backtest import Backtest
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction

T = TypeVar("T")

TABLE = "approval_route"
#: The amount from which somebody is asked: in force, and in the changed file.
OLD, NEW = Decimal(100_000), Decimal(60_000)


def measure(*, quick: bool) -> list[Row]:
    """The rate of the engine, and what it is of the loop's."""
    size = 10_000 if quick else 100_000
    with opened() as (engine, path):
        engine.write(lambda tx: _submit(engine, tx))
        _copy(path, size)
        mine, changed = _timed(lambda: _ours(engine))
        base, by_hand = _timed(lambda: _by_hand(path))
    if changed != by_hand or not changed:
        raise SystemExit(f"the two do not agree: {changed} and {by_hand}")
    return [
        Row(
            f"a changed table over {size:,} past records",
            f"a loop by hand, {size / base:,.0f}/s",
            base / mine,
            "≥ 10,000/s",
            f"{size / mine:,.0f}/s",
        )
    ]


def _submit(engine: Engine, tx: Transaction) -> None:
    made = engine.service.create(tx, SYSTEM, "order", order(1, 3))
    engine.service.fire(tx, SYSTEM, "order", made["id"], "submit")


def _copy(path: Path, size: int) -> None:
    """Copies of the one record, its rows and its history, of other amounts and moments."""
    connection = sqlite3.connect(path)
    [source] = connection.execute('SELECT id FROM "order"').fetchone()
    for table, owner in (("order", "id"), ("order__lines", "parent"), ("history", "record")):
        names = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        rows = connection.execute(f'SELECT * FROM "{table}" WHERE "{owner}" = ? ORDER BY id', [source]).fetchall()
        marks = ", ".join("?" * len(names))
        copies = (
            [_varied(name, value, number, at, owner) for name, value in zip(names, row, strict=True)]
            for number in range(1, size)
            for at, row in enumerate(rows)
        )
        connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', copies)
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()


def _varied(name: str, value: object, number: int, row: int, owner: str) -> object:
    if name == owner:
        return f"018f0000-0000-7000-8000-{number:012x}"
    if name == "id":
        return f"018f0000-0000-7000-9{row:03}-{number:012x}"
    if name in ("order_no", "channel_order_no"):
        return f"{value}-{number}"
    if name == "payable_amount":
        return number % 2_000 * 10_000  # up to 199,900.00
    return value


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def _ours(engine: Engine) -> Counter[tuple[str, str]]:
    present = engine.service.store.catalog
    texts = {
        path: text.replace(f"{OLD:f}", f"{NEW:f}") if f"table: {TABLE}" in text else text
        for path, text in present.sources.items()
    }
    result = Backtest(engine.service.store, engine.database, build_texts(texts), "table", TABLE).run()
    return Counter({(_route(before), _route(after)): count for (before, after), count in result.changed.items()})


def _route(said: str) -> str:
    """The first output of the table, from what the back-test says of it: ``route auto, why 大额``."""
    return said.split(",")[0].removeprefix("route ")


def _by_hand(path: Path) -> Counter[tuple[str, str]]:
    connection = sqlite3.connect(path)
    changed: Counter[tuple[str, str]] = Counter()
    entries = connection.execute("SELECT record, at, reasons FROM history WHERE model = 'order' ORDER BY id")
    while rows := entries.fetchmany(1_000):
        asked = [
            (record, at)
            for record, at, reasons in rows
            if reasons and any(reason["rule"].startswith(f"{TABLE}.") for reason in json.loads(reasons))
        ]
        marks = ", ".join("?" * len(asked))
        facts = {
            key: (kind, Decimal(amount).scaleb(-2), level)
            for key, kind, amount, level in connection.execute(
                'SELECT o.id, o.order_type, o.payable_amount, c.level FROM "order" o JOIN customer c'
                f" ON c.id = o.customer WHERE o.id IN ({marks})",
                [record for record, _ in asked],
            )
        }
        later = connection.execute(
            f"SELECT record, at FROM history WHERE deleted_at IS NULL AND record IN ({marks})",
            [record for record, _ in asked],
        )
        asked_at = dict(asked)
        if any(at > asked_at[record] for record, at in later):
            raise SystemExit("the loop knows nothing of records that were changed later")
        for record in asked_at:
            if record in later:
                raise SystemExit("the loop knows nothing of records that were changed later")
            before, after = (_decided(*facts[record], limit) for limit in (OLD, NEW))
            changed[before, after] += before != after
    connection.close()
    return +changed


def _decided(kind: str, amount: Decimal, level: str, limit: Decimal) -> str:
    if kind != "wholesale" or amount <= limit:
        return "auto"
    if amount >= 500_000:
        return "board"
    return "manager" if level == "A" else "director"
