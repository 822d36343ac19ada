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
        "amount": Decimal(number * 37 % 20000), "insured": Decimal(500), "count": number % 25, "kind": f"k{number % 20}", "lines": lines
    }  # fmt: skip


RECORDS = [record(number) for number in range(200)]


def by_hand(r: dict[str, Any], s: Any) -> tuple[bool | None, ...]:
    """The 20 rules as a programmer writes them who minds nulls."""
    amount, insured, count, kind = r["amount"], r["insured"], r["count"], r["kind"]
    high = None if amount is None or insured is None else insured < amount
    return tuple(
        _either(
            _both(None if amount is None else amount >= limit, high),
            _both(None if kind is None else kind == name, None if count is None else count > n),
        )
        for limit, name, n in LIMITS
    )


LIMITS = [(Decimal(1000 * n), f"k{n}", n) for n in range(20)]


def _both(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _either(a: bool | None, b: bool | None) -> bool | None:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def total_by_hand(r: dict[str, Any], s: Any) -> Decimal:
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
    total = compile_expression("sum(round(l.quantity * l.price, 2) for l in lines)", SCOPE, functions=FUNCTIONS).function
    evaluator = SimpleEval()

    def simple(r: dict[str, Any], s: Any) -> list[Any]:
        evaluator.names = r
        return [evaluator.eval(text) for text in RULES]

    def zen_rules(r: dict[str, Any], s: Any) -> list[Any]:
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
