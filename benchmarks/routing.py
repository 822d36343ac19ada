"""Routing an order of 5 lines among 50 warehouses: the engine's decision, with all its reasons, against Python written
by hand on the same facts. And fifty clients who want the last unit, against fifty who want one of fifty."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.table import Row
from engine.catalog.builder import load
from engine.policy.routing.router import Offer, Router
from engine.runtime.clock import SystemClock
from engine.runtime.scratch import scratch
from engine.runtime.service import SYSTEM, Service
from engine.store.transaction import Transaction
from tests.databases import postgres_server

ROOT = Path(__file__).parent.parent
LINES, WAREHOUSES, ORDERS = 5, 50, 100

Facts = tuple[dict[str, Any], list[dict[str, Any]], dict[tuple[str, str], Decimal]]
Parts = list[tuple[str, str, Decimal]]


def facts(number: int) -> Facts:
    """An order, the warehouses, and what they have of each product: of every third order little."""
    chance = random.Random(number)
    destination = {"id": "r", "latitude": Decimal("31.22"), "longitude": Decimal("121.54")}
    order = {"id": f"o{number}", "order_type": "retail", "destination": destination, "lines": []}
    for line in range(LINES):
        sku = {"id": f"p{line}", "code": f"P{line}", "made_to_order": False}
        order["lines"].append(
            {"id": f"l{line}", "sku": sku, "base_quantity": Decimal(chance.randint(1, 9)), "reserved": Decimal(0),
             "shipped": Decimal(0), "cancelled": Decimal(0)}
        )  # fmt: skip
    warehouses = [
        {
            "id": f"w{at:02}", "code": f"W{at}", "kind": "front", "active": at % 10 != 3, "cutoff": None,
            "latitude": Decimal(20 + chance.randint(0, 200)) / 10,
            "longitude": Decimal(1000 + chance.randint(0, 200)) / 10,
            "capacity": Decimal(20) if at % 7 == 0 else None, "handling_cost": Decimal(chance.randint(2, 9)),
        }
        for at in range(WAREHOUSES)
    ]  # fmt: skip
    most = 6 if number % 3 == 0 else 12
    stock = {
        (warehouse["id"], line["sku"]["id"]): Decimal(chance.randint(1, most))
        for warehouse in warehouses
        for line in order["lines"]
        if chance.random() < 0.4
    }
    return order, warehouses, stock


def by_hand(
    order: Mapping[str, Any], warehouses: Sequence[Mapping[str, Any]], stock: Mapping[tuple[str, str], Decimal]
) -> Parts:
    """What a programmer writes: rank the warehouses, try one, then two, then three of them; no reasons."""
    need: dict[str, Decimal] = {}
    for line in order["lines"]:
        quantity = line["base_quantity"] - line["reserved"] - line["shipped"] - line["cancelled"]
        need[line["sku"]["id"]] = need.get(line["sku"]["id"], Decimal(0)) + quantity
    total = sum(need.values())
    north, east = (radians(order["destination"][name]) for name in ("latitude", "longitude"))

    def far(warehouse: Mapping[str, Any]) -> float:
        there, aside = radians(warehouse["latitude"]), radians(warehouse["longitude"]) - east
        return 2 * 6371.0088 * asin(sqrt(sin((there - north) / 2) ** 2 + cos(north) * cos(there) * sin(aside / 2) ** 2))

    able = []
    for warehouse in warehouses:
        if not warehouse["active"] or (warehouse["capacity"] is not None and total > warehouse["capacity"]):
            continue
        has = {sku: stock[warehouse["id"], sku] for sku in need if (warehouse["id"], sku) in stock}
        if has:
            able.append(((far(warehouse), warehouse["handling_cost"], -sum(has.values())), warehouse["id"], has))
    able.sort()
    for size in range(1, len(able) + 1):
        for chosen in combinations(able, size):
            if all(sum(has.get(sku, 0) for _, _, has in chosen) >= quantity for sku, quantity in need.items()):
                return _share(order, chosen)
    return []


def _share(order: Mapping[str, Any], chosen: Sequence[tuple[Any, str, Mapping[str, Decimal]]]) -> Parts:
    left = [(name, dict(has)) for _, name, has in chosen]
    parts = []
    for line in order["lines"]:
        sku, quantity = line["sku"]["id"], line["base_quantity"]
        whole = [one for one in left if one[1].get(sku, 0) >= quantity][:1]
        for name, has in whole or left:
            taken = min(has.get(sku, Decimal(0)), quantity)
            if taken > 0:
                has[sku] -= taken
                quantity -= taken
                parts.append((name, sku, taken))
    return parts


def engine() -> Callable[..., Parts]:
    """The same by the routing of the reference application."""
    catalog = load(ROOT)
    router = Router(catalog, catalog.routings["order_sourcing"])
    names = {"now": datetime(2026, 11, 20, 2, 0, tzinfo=UTC), "timezone": "Asia/Shanghai"}

    def route(
        order: dict[str, Any], warehouses: Sequence[dict[str, Any]], stock: Mapping[tuple[str, str], Decimal]
    ) -> Parts:
        offers = []
        for warehouse in warehouses:
            has = {
                line["sku"]["id"]: stock.get((warehouse["id"], line["sku"]["id"]), Decimal(0))
                for line in order["lines"]
            }
            offers.append(Offer(warehouse, {sku: [({}, amount)] for sku, amount in has.items() if amount}))
        answer = router.route(order, names, lambda _tier, _needs: offers)
        return [(part["warehouse"]["id"], part["sku"]["id"], part["quantity"]) for part in answer.parts]

    return route


CLIENTS = 50


def submitted(url: str | None, there: int) -> float:
    """The seconds in which fifty clients submit an order each for one unit, when so many are there."""
    catalog = load(ROOT)
    with scratch(catalog, url) as opened, ThreadPoolExecutor(CLIENTS) as pool:
        service = Service(catalog, opened.store, SystemClock(), lambda _tx, _fingerprint: catalog)

        def put(tx: Transaction, model: str, **values: Any) -> str:
            return str(service.create(tx, SYSTEM, model, values)["id"])

        def fill(tx: Transaction) -> list[str]:
            put(tx, "channel", code="direct")
            put(tx, "uom", code="EA", name="件")
            put(tx, "product", code="P", name="商品", list_price="10")
            put(tx, "warehouse", code="W")
            put(tx, "stock", warehouse="W", sku="P", on_hand=str(there + 1))
            return [order(tx, at) for at in range(CLIENTS + 1)]

        def order(tx: Transaction, at: int) -> str:
            put(tx, "customer", code=f"C{at}", name="客户", credit_limit="1000")
            values = {"consignee_name": "张伟", "consignee_phone": "1", "delivery_address": "某处"}
            lines = [{"sku": "P", "quantity": "1"}]
            return put(
                tx, "order", channel_order_no=f"N{at}", customer=f"C{at}", order_type="wholesale", lines=lines, **values
            )

        def submit(key: str) -> bool:
            return opened.database.write(
                lambda tx: service.fire(tx, SYSTEM, "order", key, "submit")["status"] == "scheduled"
            ).result()

        first, *orders = opened.database.write(fill).result()
        submit(first)  # what is made once is not measured
        began = time.perf_counter()
        assert sum(pool.map(submit, orders)) == min(there, CLIENTS)
        return time.perf_counter() - began


def last_unit(url: Callable[[], AbstractContextManager[str | None]], name: str, rounds: int) -> Row:
    """How much dearer it is when only one gets it."""
    seconds = []
    for _ in range(rounds):
        for there in (1, CLIENTS):
            with url() as empty:
                seconds.append(submitted(empty, there))
    one, every = median(seconds[::2]), median(seconds[1::2])
    what = f"{CLIENTS} clients submit an order for the last unit, {name}"
    seen = f"{one * 1e3:.0f} ms against {every * 1e3:.0f} ms; one gets it, {CLIENTS - 1} are held"
    return Row(what, f"{CLIENTS} units for {CLIENTS} clients", every / one, "–", seen)


def measure(*, quick: bool) -> list[Row]:
    """The mean time of a decision and its ratio to the hand-written one; the last unit on both databases."""
    rounds = 1 if quick else 3
    with postgres_server() as server:
        return [
            decisions(quick=quick),
            last_unit(lambda: nullcontext(None), "SQLite", rounds),
            last_unit(server.scratch, "PostgreSQL", rounds),
        ]


def decisions(*, quick: bool) -> Row:
    """The mean time of a decision, and its ratio to the hand-written one."""
    cases = [facts(number) for number in range(ORDERS)]
    ours = engine()
    for case in cases:
        assert ours(*case) == by_hand(*case)
    pairs = [(_times(ours, cases), _times(by_hand, cases)) for _ in range(2 if quick else 5)]
    mine, other = (mean(mean(times) for times in side) for side in zip(*pairs, strict=True))
    slowest = max(max(times) for times, _ in pairs)
    seen = f"mean {mine:.2f} ms against {other:.2f} ms; the slowest {slowest:.1f} ms"
    ratio = median(mean(b) / mean(a) for a, b in pairs)
    what = f"route {LINES} lines among {WAREHOUSES} warehouses, with reasons"
    return Row(what, "Python by hand, without reasons", ratio, "mean ≤ 2 ms", seen)


def _times(work: Callable[..., Any], cases: Sequence[Facts]) -> list[float]:
    found = []
    for case in cases:
        began = time.process_time()
        work(*case)
        found.append((time.process_time() - began) * 1e3)
    return found
