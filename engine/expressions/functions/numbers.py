"""Numbers: rounding, bounds, size."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP
from typing import Any

from engine.expressions.decimals import Number, ceil, floor, round_half_up, unit
from engine.expressions.functions.function import NUMBER, ORDERED, Form, Function, Writer
from engine.expressions.tree import Call, Constant
from engine.expressions.types import DECIMAL, INTEGER

#: Digits after the point that ``round`` may be asked for, either way.
MOST_DIGITS = 28


def round_to_integer(value: Number) -> int:
    """The nearest integer, halves away from zero."""
    return value if isinstance(value, int) else int(value.to_integral_value(ROUND_HALF_UP))


def round_to(value: Number, digits: int) -> Any:
    """The value with so many digits after the point, halves away from zero."""
    return round_half_up(value, max(-MOST_DIGITS, min(digits, MOST_DIGITS)))


def clamp(value: Number, low: Number, high: Number) -> Number:
    """The value, or the bound that it passes; ``high`` wins where the bounds cross."""
    return min(max(value, low), high)


def _inline_round(write: Writer, call: Call, args: Sequence[str]) -> str | None:
    value, digits = call.args
    if value.type != DECIMAL or not isinstance(digits, Constant) or not 0 <= digits.value <= MOST_DIGITS:
        return None
    step, rule, name = write.constant(unit(digits.value)), write.constant(ROUND_HALF_UP), write.temporary()
    # A rounded -0.001 is -0.00, which prints so; 'or' is only reached by zeros.
    return f"(({name} := {args[0]}.quantize({step}, {rule})) or {write.constant(abs)}({name}))"


ABS = Function("abs", (Form(takes=(NUMBER,), gives=NUMBER, run=abs),), "abs(-2) is 2")
ROUND = Function(
    "round",
    (
        Form(takes=(NUMBER,), gives=INTEGER, run=round_to_integer),
        Form(takes=(NUMBER, INTEGER), gives=DECIMAL, run=round_to, inline=_inline_round),
    ),
    "round(2.345, 2) is 2.35, round(2.5) is 3: halves away from zero",
)
FLOOR = Function("floor", (Form(takes=(NUMBER,), gives=INTEGER, run=floor),), "floor(-1.5) is -2")
CEIL = Function("ceil", (Form(takes=(NUMBER,), gives=INTEGER, run=ceil),), "ceil(1.2) is 2")
CLAMP = Function(
    "clamp",
    (Form(takes=(ORDERED, ORDERED, ORDERED), gives=ORDERED, run=clamp),),
    "clamp(x, low, high): x within bounds",
)

NUMBERS = (ABS, ROUND, FLOOR, CEIL, CLAMP)
