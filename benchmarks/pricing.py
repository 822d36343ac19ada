"""Pricing an order of 20 lines among 10,000 and 200,000 prices: the engine, with all its reasons, against code by hand
on the same database, SQL and Python, which decides the same and tells nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from benchmarks.company import PRODUCTS, opened, order
from benchmarks.table import Row
from engine.ports import Price
from engine.runtime.act import Act
from engine.runtime.engine import Engine
from engine.runtime.pricing import priced
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction

LINES, SIZES = 20, (10_000, 200_000)
PRICING = "order_pricing"
MOMENT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)

Prices = list[tuple[str, Decimal]]


@dataclass(frozen=True)
class Times:
    """The least that one pricing took, in seconds: what else the machine does is no matter of prices."""

    mine: float
    hand: float


def measure(*, quick: bool) -> list[Row]:
    """The ratio among few and among many prices; it shall not fall."""
    rounds = 20 if quick else 100
    with opened() as (engine, path):
        keys = engine.write(lambda tx: _begin(engine, tx))
        times = []
        for size in SIZES:
            _fill(path, size)
            times.append(_compare(engine, path, keys, rounds))
    few, many = times
    rows = [
        Row(
            f"prices of an order of {LINES} lines among {size:,}",
            "SQL and Python by hand, without reasons",
            each.hand / each.mine,
            "",
            f"{each.mine * 1000:.2f} ms, {each.hand * 1000:.2f} by hand",
        )
        for size, each in zip(SIZES, times, strict=True)
    ]
    flat = Row("…with twenty times as many prices", "few prices", few.mine / many.mine, "≥ 0.8", "")
    return [*rows, flat]


def _begin(engine: Engine, tx: Transaction) -> list[str]:
    """The ids of orders at our own prices, and one price to make others of."""
    service = engine.service
    service.create(tx, SYSTEM, "price", {"product": "P000", "unit_price": "9", "valid_from": "2026-01-01"})
    bodies = [{**order(number, LINES), "priced_by": "price_list"} for number in range(10)]
    return [str(service.create(tx, SYSTEM, "order", body)["id"]) for body in bodies]


def _fill(path: Path, size: int) -> None:
    """Prices of all products: a tenth for groups and for everybody, the others for customers, a part of them over."""
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM price WHERE id LIKE '018f0000-%'")
    names = [row[1] for row in connection.execute("PRAGMA table_info(price)")]
    [source] = connection.execute("SELECT * FROM price").fetchall()
    base = dict(zip(names, source, strict=True))
    products, customers = (
        [key for (key,) in connection.execute(f"SELECT id FROM {table} ORDER BY code")]
        for table in ("product", "customer")
    )
    # Most customers of a large list order nothing today: they are there as prices only.
    customers += [f"018f0000-0000-7000-8000-{number:012x}" for number in range(max(0, size // PRODUCTS - 50))]
    marks = ", ".join("?" * len(names))
    connection.execute("PRAGMA foreign_keys = OFF")
    rows = (tuple({**base, **made}.values()) for made in _prices(size, products, customers))
    connection.executemany(f"INSERT INTO price VALUES ({marks})", rows)
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()


def _prices(size: int, products: list[str], customers: list[str]) -> Iterator[dict[str, Any]]:
    for number in range(1, size):
        at = number // PRODUCTS
        wide = at < 5
        yield {
            "id": f"018f0000-0000-7000-9000-{number:012x}",
            "product": products[number % PRODUCTS],
            "customer": None if wide else customers[(at - 5) * 3 % len(customers)],
            "customer_group": "dealer" if wide and at % 2 else None,
            "unit_price": (8 * 10_000) + number % 977,
            "from_quantity": at % 4 * 5_000,
            "valid_from": "2026-01-01" if at % 3 else "2026-02-01",
            "valid_to": "2026-06-30" if at % 7 == 6 else None,
            "closeness": 2 if wide and at % 2 else 0 if wide else 4,
        }


def _compare(engine: Engine, path: Path, keys: list[str], rounds: int) -> Times:
    connection = sqlite3.connect(path)
    mine: list[float] = []
    hand: list[float] = []
    for turn in range(rounds + 5):
        key = keys[turn % len(keys)]
        ours, took = _timed(lambda key=key: engine.database.read(lambda tx: _ours(engine, tx, key)))  # type: ignore[misc]
        theirs, by_hand = _timed(lambda key=key: _by_hand(connection, key))  # type: ignore[misc]
        if ours != theirs:
            raise SystemExit(f"the two do not agree: {ours} and {theirs}")
        if turn >= 5:
            mine.append(took)
            hand.append(by_hand)
    connection.close()
    return Times(min(mine), min(hand))


def _timed(work: Callable[[], Prices]) -> tuple[Prices, float]:
    began = time.perf_counter()
    made = work()
    return made, time.perf_counter() - began


def _ours(engine: Engine, tx: Transaction, key: str) -> Prices:
    service = engine.service
    act = Act(service.catalog, service.store, tx, SYSTEM, MOMENT)
    working = act.hold_on("order", service.store.records.load(tx, "order", [key])[0], "submit")
    names = act.names("order", working.record, "submit")
    _, rows = priced(act, Price(PRICING, "order", working.record, names), working, "submit")
    return [(str(row["id"]), values["unit_price"]) for row, values in rows]


def _by_hand(connection: sqlite3.Connection, key: str) -> Prices:
    customer, group, channel = connection.execute(
        'SELECT o.customer, c."group", o.channel FROM "order" o JOIN customer c ON c.id = o.customer WHERE o.id = ?',
        [key],
    ).fetchone()
    lines = connection.execute(
        "SELECT l.id, l.sku, l.uom, l.quantity, p.uom, p.case_size, p.list_price, p.cost, p.demand, p.highest_price"
        " FROM order__lines l JOIN product p ON p.id = l.sku WHERE l._parent = ? ORDER BY l._position",
        [key],
    ).fetchall()
    skus = list({line[1] for line in lines})
    marks = ", ".join("?" * len(skus))
    available = dict(
        connection.execute(
            f"SELECT sku, sum(available) FROM stock WHERE sku IN ({marks}) GROUP BY sku", skus
        ).fetchall()
    )
    chosen = (
        "SELECT product, uom, unit_price, from_quantity, priority, closeness, valid_from, id FROM price WHERE product"
    )
    valid = "deleted_at IS NULL AND valid_from <= ? AND (valid_to IS NULL OR valid_to >= ?)"
    today = TODAY.isoformat()
    own = connection.execute(
        f"{chosen} IN ({marks}) AND customer = ? AND {valid}", [*skus, customer, today, today]
    ).fetchall()
    wide = connection.execute(
        f"{chosen} IN ({marks}) AND customer IS NULL AND (customer_group IS NULL OR customer_group = ?)"
        f" AND (channel IS NULL OR channel = ?) AND {valid}",
        [*skus, group, channel, today, today],
    ).fetchall()
    made = []
    for id_, sku, uom, quantity, base, case_size, list_price, cost, demand, highest in lines:
        pieces = Decimal(1) if uom == base else Decimal(case_size).scaleb(-3)
        price = _best(own, sku, uom, quantity)
        if price is None:
            price = _best(wide, sku, uom, quantity)
            if price is None:
                price = (Decimal(list_price).scaleb(-4) * pieces).quantize(Decimal("0.0001"), ROUND_HALF_UP)
            if demand is not None and Decimal(demand) > Decimal(available.get(sku, 0)) * Decimal("1.2"):
                price = price * 105 / 100
            price = price.quantize(Decimal("0.0001"), ROUND_HALF_UP)
            if highest is not None and price > Decimal(highest).scaleb(-4) * pieces:
                price = (Decimal(highest).scaleb(-4) * pieces).quantize(Decimal("0.0001"), ROUND_FLOOR)
            if price < Decimal(cost).scaleb(-4) * pieces:
                pass  # kept, for the checks to hold
        made.append((str(id_), price))
    return made


def _best(prices: list[tuple[Any, ...]], sku: str, uom: str, quantity: int) -> Decimal | None:
    """The best of the prices that are for the line: priority, closeness, validity, tier, the newest."""
    fitting = [price for price in prices if price[0] == sku and price[1] == uom and price[3] <= quantity]
    if not fitting:
        return None
    best = max(fitting, key=lambda price: (price[4], price[5], price[6], price[3], price[7]))
    return Decimal(best[2]).scaleb(-4)
