"""Expressions: generated code against functions written by hand, simpleeval and zen-engine, over the same records."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

import zen
from simpleeval import SimpleEval

from benchmarks.table import Row
from engine.expressions.builtins import BUILTINS
from engine.expressions.functions.function import functions
from engine.expressions.language import compile_expression, fuse
from engine.expressions.types import DECIMAL, INTEGER, TEXT, ListType, Member, RecordType, Scope, SimpleShape

LINE = SimpleShape("parcel.lines", {"quantity": Member(DECIMAL), "price": Member(DECIMAL)})
PARCEL = SimpleShape(
    "parcel",
    {
        "amount": Member(DECIMAL),
        "insured": Member(DECIMAL),
        "count": Member(INTEGER),
        "kind": Member(TEXT),
        "lines": Member(ListType("list", item=RecordType.of(LINE)), nullable=False),
    },
)
SCOPE = Scope(PARCEL)
RULES = [f'amount >= {1000 * n} and insured < amount or kind == "k{n}" and count > {n}' for n in range(20)]


def record(number: int) -> dict[str, Any]:
    lines = [{"quantity": Decimal(n + 1), "price": Decimal("2.50") + n} for n in range(20)]
    return {
        "amount": Decimal(number * 37 % 20000), "insured": Decimal(500), "count": number % 25,
        "kind": f"k{number % 20}", "lines": lines,
    }  # fmt: skip


RECORDS = [record(number) for number in range(200)]


D = [Decimal(1000 * n) for n in range(20)]


def by_hand(r: dict[str, Any], _: Any) -> tuple[bool, ...] | tuple[bool | None, ...]:
    """The 20 rules as a programmer writes them who minds nulls: those first, then plain comparisons."""
    amount, insured, count, kind = r["amount"], r["insured"], r["count"], r["kind"]
    if amount is None or insured is None or count is None or kind is None:
        raise ValueError("the records of this measurement have no nulls")
    under = insured < amount
    return (
        (amount >= D[0] and under) or (kind == "k0" and count > 0),
        (amount >= D[1] and under) or (kind == "k1" and count > 1),
        (amount >= D[2] and under) or (kind == "k2" and count > 2),
        (amount >= D[3] and under) or (kind == "k3" and count > 3),
        (amount >= D[4] and under) or (kind == "k4" and count > 4),
        (amount >= D[5] and under) or (kind == "k5" and count > 5),
        (amount >= D[6] and under) or (kind == "k6" and count > 6),
        (amount >= D[7] and under) or (kind == "k7" and count > 7),
        (amount >= D[8] and under) or (kind == "k8" and count > 8),
        (amount >= D[9] and under) or (kind == "k9" and count > 9),
        (amount >= D[10] and under) or (kind == "k10" and count > 10),
        (amount >= D[11] and under) or (kind == "k11" and count > 11),
        (amount >= D[12] and under) or (kind == "k12" and count > 12),
        (amount >= D[13] and under) or (kind == "k13" and count > 13),
        (amount >= D[14] and under) or (kind == "k14" and count > 14),
        (amount >= D[15] and under) or (kind == "k15" and count > 15),
        (amount >= D[16] and under) or (kind == "k16" and count > 16),
        (amount >= D[17] and under) or (kind == "k17" and count > 17),
        (amount >= D[18] and under) or (kind == "k18" and count > 18),
        (amount >= D[19] and under) or (kind == "k19" and count > 19),
    )


def total_by_hand(r: dict[str, Any], _: Any) -> Decimal:
    total = Decimal(0)
    for line in r["lines"]:
        quantity, price = line["quantity"], line["price"]
        if quantity is not None and price is not None:
            total += (quantity * price).quantize(CENT, ROUND_HALF_UP)
    return total


FUNCTIONS = functions(BUILTINS)
CENT = Decimal("0.01")


def measure(*, quick: bool) -> list[Row]:
    """20 rules fused into one function, and a sum over 20 rows."""
    rounds = 5 if quick else 15
    rules = fuse([compile_expression(text, SCOPE, functions=FUNCTIONS) for text in RULES])
    total = compile_expression(
        "sum(round(l.quantity * l.price, 2) for l in lines)", SCOPE, functions=FUNCTIONS
    ).function
    evaluator = SimpleEval()

    def simple(r: dict[str, Any], _: Any) -> list[Any]:
        evaluator.names = r
        return [evaluator.eval(text) for text in RULES]

    def zen_rules(r: dict[str, Any], _: Any) -> list[Any]:
        plain = {"amount": float(r["amount"]), "insured": float(r["insured"]), "count": r["count"], "kind": r["kind"]}
        return [rule.evaluate(plain) for rule in zen_compiled]

    zen_compiled = [zen.compile_expression(text) for text in RULES]
    assert rules(RECORDS[7], {}) == by_hand(RECORDS[7], {})
    return [
        _row("20 rules, one function", "by hand", rules, by_hand, rounds, "≥ 0.9"),
        _row("20 rules, one function", "simpleeval", rules, simple, max(2, rounds // 5), "≥ 50"),
        _row("20 rules, one function", "zen-engine (Rust)", rules, zen_rules, rounds, "≥ 10"),
        _row("sum over 20 rows", "by hand", total, total_by_hand, rounds, "≥ 0.9"),
    ]


Work = Callable[[dict[str, Any], Any], Any]


def _row(what: str, baseline: str, ours: Work, theirs: Work, rounds: int, goal: str) -> Row:
    pairs = [(_time(ours), _time(theirs)) for _ in range(rounds)]
    mine, other = median(a for a, _ in pairs), median(b for _, b in pairs)
    return Row(what, baseline, median(b / a for a, b in pairs), goal, f"{mine:.1f} µs against {other:.1f} µs")


def _time(work: Work) -> float:
    began = time.process_time()
    for r in RECORDS:
        work(r, {})
    return (time.process_time() - began) / len(RECORDS) * 1e6
