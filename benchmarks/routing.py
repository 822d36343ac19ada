"""Routing an order of 5 lines among 50 warehouses: the engine's decision, with all its reasons, against Python written
by hand on the same facts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
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


def measure(*, quick: bool) -> list[Row]:
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
    return [Row(what, "Python by hand, without reasons", ratio, "mean ≤ 2 ms", seen)]


def _times(work: Callable[..., Any], cases: Sequence[Facts]) -> list[float]:
    found = []
    for case in cases:
        began = time.process_time()
        work(*case)
        found.append((time.process_time() - began) * 1e3)
    return found
