"""Decision tables: the index against a loop written by hand and zen-engine, and a small table against plain ifs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

import zen

from benchmarks.table import Row
from engine.catalog.builder import build_texts
from engine.tables.rules import Rules

#: 1,000 rows: 10 bands of weight, 10 of distance, 5 zones and 2 classes, each combination once.
BANDS, ZONES, CLASSES = 10, ["north", "south", "east", "west", "far"], ["normal", "fast"]
DECISIONS = 200


def large_rows() -> list[tuple[int, int, str, str, int]]:
    """Lower bounds of weight and distance, zone, class, and what comes out."""
    return [
        (100 * w, 50 * d, zone, class_, w * 1000 + d * 100 + z * 10 + c)
        for w in range(BANDS)
        for d in range(BANDS)
        for z, zone in enumerate(ZONES)
        for c, class_ in enumerate(CLASSES)
    ]


def table_of(inputs: str, outputs: str, rows: Sequence[str], hit: str = "unique") -> Rules:
    """The rules of a table as an author writes it."""
    text = "\n".join(f"  {row}" for row in rows)
    document = f"app: bench\n---\ntable: it\nhit: {hit}\ninputs: {inputs}\noutputs: {outputs}\nrows: |\n{text}\n"
    return build_texts({"definitions/it.yaml": document}).tables["it"][0].rules


def large() -> Rules:
    inputs = (
        '{weight: {type: decimal, range: "[0..)"}, distance: {type: decimal, range: "[0..)"}, '
        f"zone: {{of: [{', '.join(ZONES)}]}}, class: {{of: [{', '.join(CLASSES)}]}}}}"
    )
    lines = ["weight | distance | zone | class || price"]
    for weight, distance, zone, class_, price in large_rows():
        heavier = f"{weight + 100}" if weight < 100 * (BANDS - 1) else ""
        farther = f"{distance + 50}" if distance < 50 * (BANDS - 1) else ""
        lines.append(f"[{weight}..{heavier}) | [{distance}..{farther}) | {zone} | {class_} || {price}")
    return table_of(inputs, "{price: integer}", lines)


def large_by_hand() -> Callable[[Sequence[Any]], dict[str, Any]]:
    """A loop over rows with their bounds, the first one that fits: what a programmer writes for a grid from a file."""
    bounds = [
        (
            Decimal(weight),
            Decimal(weight + 100) if weight < 100 * (BANDS - 1) else Decimal("Infinity"),
            Decimal(distance),
            Decimal(distance + 50) if distance < 50 * (BANDS - 1) else Decimal("Infinity"),
            zone,
            class_,
            price,
        )
        for weight, distance, zone, class_, price in large_rows()
    ]

    def decide(values: Sequence[Any]) -> dict[str, Any]:
        weight, distance, zone, class_ = values
        for low, high, near, far, row_zone, row_class, price in bounds:
            if low <= weight < high and near <= distance < far and zone == row_zone and class_ == row_class:
                return {"price": price}
        raise ValueError("no row")

    return decide


def large_zen() -> Callable[[Sequence[Any]], dict[str, Any]]:
    """The same table for zen-engine, in its own form (numbers are floats there)."""
    fields = ("weight", "distance", "zone", "class")
    rules = []
    for number, (weight, distance, zone, class_, price) in enumerate(large_rows()):
        heavier = f"[{weight}..{weight + 100})" if weight < 100 * (BANDS - 1) else f">= {weight}"
        farther = f"[{distance}..{distance + 50})" if distance < 50 * (BANDS - 1) else f">= {distance}"
        cells = dict(zip("abcd", (heavier, farther, json.dumps(zone), json.dumps(class_)), strict=True))
        rules.append({"_id": f"r{number}", **cells, "out": str(price)})
    columns = [
        {"id": key, "name": name, "type": "expression", "field": name} for key, name in zip("abcd", fields, strict=True)
    ]
    content = {
        "hitPolicy": "first",
        "inputs": columns,
        "outputs": [{"id": "out", "name": "price", "type": "expression", "field": "price"}],
        "rules": rules,
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
        {"id": "end", "name": "end", "type": "outputNode"},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "2", "type": "edge", "sourceId": "table", "targetId": "end"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    def decide(values: Sequence[Any]) -> dict[str, Any]:
        weight, distance, zone, class_ = values
        given = {"weight": float(weight), "distance": float(distance), "zone": zone, "class": class_}
        found: dict[str, Any] = decision.evaluate(given)["result"]
        return found

    return decide


SMALL = (
    "amount | level || route",
    ">= 500000 | - || board",
    "[50000..500000) | B, C || director",
    "[50000..500000) | A || manager",
    "< 50000 | - || auto",
)
FIFTY, FIVE_HUNDRED = Decimal(50_000), Decimal(500_000)


def small_by_hand(values: Sequence[Any]) -> dict[str, Any]:
    """The small table as a programmer writes it who minds nulls and bad values."""
    amount, level = values
    if amount is None or amount < 0 or level not in ("A", "B", "C"):
        raise ValueError("not expected")
    if amount >= FIVE_HUNDRED:
        return {"route": "board"}
    if amount >= FIFTY:
        return {"route": "manager"} if level == "A" else {"route": "director"}
    return {"route": "auto"}


def measure(*, quick: bool) -> list[Row]:
    """1,000 rows × 4 inputs, and a table of four rows."""
    rounds = 5 if quick else 15
    many = [(Decimal(n * 37 % 1200), Decimal(n * 53 % 600), ZONES[n % 5], CLASSES[n * 7 % 2]) for n in range(DECISIONS)]
    few = [(Decimal(n * 4999), "ABC"[n % 3]) for n in range(DECISIONS)]
    rules, loop, other = large(), large_by_hand(), large_zen()
    small = table_of('{amount: {type: money, range: "[0..)"}, level: {of: [A, B, C]}}', "{route: text}", SMALL)
    for values in many:
        assert rules.decide(values).value == loop(values) == other(values)
    for pair in few:
        assert small.decide(pair).value == small_by_hand(pair)

    def ours(values: Sequence[Any]) -> Any:
        return rules.decide(values).value

    def ours_small(values: Sequence[Any]) -> Any:
        return small.decide(values).value

    return [
        _row("table of 1,000 rows × 4 inputs", "a loop by hand", ours, loop, many, rounds, "≥ 10"),
        _row("table of 1,000 rows × 4 inputs", "zen-engine (Rust)", ours, other, many, max(2, rounds // 3), "≥ 10"),
        _row("table of 4 rows × 2 inputs", "ifs by hand", ours_small, small_by_hand, few, rounds, "–"),
    ]


Work = Callable[[Sequence[Any]], Any]


def _row(
    what: str, baseline: str, ours: Work, theirs: Work, cases: Sequence[Sequence[Any]], rounds: int, goal: str
) -> Row:
    pairs = [(_time(ours, cases), _time(theirs, cases)) for _ in range(rounds)]
    mine, other = median(a for a, _ in pairs), median(b for _, b in pairs)
    return Row(what, baseline, median(b / a for a, b in pairs), goal, f"{mine:.1f} µs against {other:.1f} µs")


def _time(work: Work, cases: Sequence[Sequence[Any]]) -> float:
    began = time.process_time()
    for case in cases:
        work(case)
    return (time.process_time() - began) / len(cases) * 1e6
