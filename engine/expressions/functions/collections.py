"""Lists: sums, counts, extremes, yes or no for any or all, first and last. Nulls in a list are left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.expressions.decimals import ZERO, quotient
from engine.expressions.functions.function import (
    ANY,
    ANY_LIST,
    COUNTABLE_LIST,
    NUMBER_LIST,
    ORDERED,
    ORDERED_LIST,
    Form,
    Function,
    Writer,
)
from engine.expressions.tree import Call
from engine.expressions.tree import holds_nulls as may_hold_nulls
from engine.expressions.types import BOOLEAN, DECIMAL, DURATION, INTEGER, ListType

Values = Sequence[Any]

BOOLEANS = ListType("list", BOOLEAN)
DURATIONS = ListType("list", DURATION)


def present(values: Values) -> list[Any]:
    """The values that are not null."""
    return [value for value in values if value is not None]


def total(values: Values) -> Any:
    """The sum; 0 of nothing."""
    return sum(present(values))


def total_duration(values: Values) -> timedelta:
    """The sum of durations; none of nothing."""
    return sum(present(values), timedelta())


def count(values: Values) -> int:
    """How many there are."""
    return len(present(values))


def least(values: Values) -> Any:
    """The smallest, or None of nothing."""
    return min(present(values), default=None)


def greatest(values: Values) -> Any:
    """The largest, or None of nothing."""
    return max(present(values), default=None)


def least_of(*values: Any) -> Any:
    """The smallest of the arguments."""
    return min(values)


def greatest_of(*values: Any) -> Any:
    """The largest of the arguments."""
    return max(values)


def mean(values: Values) -> Decimal | None:
    """The sum divided by the count, to 28 digits, or None of nothing."""
    known = present(values)
    return quotient(sum(known), len(known)) if known else None


def any_of(values: Values) -> bool | None:
    """True when one is true, else None when one is unknown, else False."""
    return True if True in values else None if None in values else False


def all_of(values: Values) -> bool | None:
    """False when one is false, else None when one is unknown, else True."""
    return False if False in values else None if None in values else True


def identity(value: Any) -> Hashable:
    """What makes two values the same: the id of a record, else the value."""
    found: Hashable = value["id"] if isinstance(value, dict) else value
    return found


def distinct(values: Values) -> list[Any]:
    """Each value once, in the order of the first of its kind."""
    return list({identity(value): value for value in reversed(present(values))}.values())[::-1]


def first(values: Values) -> Any:
    """The first, or None of nothing."""
    return next(iter(present(values)), None)


def last(values: Values) -> Any:
    """The last, or None of nothing."""
    return next(reversed(present(values)), None)


def _inline_sum(write: Writer, call: Call, args: Sequence[str]) -> str:
    zero = ZERO if call.type == DECIMAL else 0
    return f"{write.constant(sum)}({args[0]}, {write.constant(zero)})"


def _inline_count(write: Writer, _call: Call, args: Sequence[str]) -> str:
    return f"{write.constant(len)}({args[0]})"


def _inline_any(_write: Writer, call: Call, args: Sequence[str]) -> str | None:
    return None if may_hold_nulls(call.args[0]) else f"(True in {args[0]})"


def _inline_all(_write: Writer, call: Call, args: Sequence[str]) -> str | None:
    return None if may_hold_nulls(call.args[0]) else f"(False not in {args[0]})"


SUM = Function(
    "sum",
    (
        Form(takes=(NUMBER_LIST,), gives=NUMBER_LIST.item, run=total, inline=_inline_sum, dense=True),
        Form(takes=(DURATIONS,), gives=DURATION, run=total_duration),
    ),
    "sum(parts.weight), sum(p.weight * 2 for p in parts if p.open): 0 of nothing",
)
COUNT = Function(
    "count",
    (Form(takes=(COUNTABLE_LIST,), gives=INTEGER, run=count, inline=_inline_count, dense=True),),
    "count(parts), count(p for p in parts if p.open)",
)
MIN = Function(
    "min",
    (
        Form(takes=(ORDERED_LIST,), gives=ORDERED, run=least, gives_null="always"),
        Form(takes=(ORDERED, ORDERED), gives=ORDERED, run=least_of, repeats=True),
    ),
    "min(parts.weight), min(a, b): null of nothing",
)
MAX = Function(
    "max",
    (
        Form(takes=(ORDERED_LIST,), gives=ORDERED, run=greatest, gives_null="always"),
        Form(takes=(ORDERED, ORDERED), gives=ORDERED, run=greatest_of, repeats=True),
    ),
    "max(parts.weight), max(a, b): null of nothing",
)
MEAN = Function(
    "mean",
    (Form(takes=(NUMBER_LIST,), gives=DECIMAL, run=mean, gives_null="always"),),
    "mean(parts.weight): null of nothing",
)
ANY_OF = Function(
    "any",
    (Form(takes=(BOOLEANS,), gives=BOOLEAN, run=any_of, inline=_inline_any, gives_null="gaps"),),
    "any(p.weight > 10 for p in parts): no of nothing",
)
ALL_OF = Function(
    "all",
    (Form(takes=(BOOLEANS,), gives=BOOLEAN, run=all_of, inline=_inline_all, gives_null="gaps"),),
    "all(p.weight > 10 for p in parts): yes of nothing",
)
DISTINCT = Function(
    "distinct",
    (Form(takes=(ANY_LIST,), gives=ANY_LIST, run=distinct, identity=True),),
    "count(distinct(parts.colour)): each once",
)
FIRST = Function("first", (Form(takes=(ANY_LIST,), gives=ANY, run=first, gives_null="always"),), "first(parts).weight")
LAST = Function("last", (Form(takes=(ANY_LIST,), gives=ANY, run=last, gives_null="always"),), "last(parts).weight")

COLLECTIONS = (SUM, COUNT, MIN, MAX, MEAN, ANY_OF, ALL_OF, DISTINCT, FIRST, LAST)
