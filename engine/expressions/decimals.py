"""Exact arithmetic: sums, differences and products keep every digit, a quotient keeps 28, half up.

Operators on Decimal take the precision of the thread's context, 28 digits unless set. Two columns of money and rate
multiply to more, and would be rounded without a word. So the precision is raised for the process, once, here: a switch
around every call would cost more than the arithmetic.
"""

from __future__ import annotations

import decimal
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

EXACT_DIGITS = 100
QUOTIENT = Context(prec=28, rounding=ROUND_HALF_UP)
ZERO = Decimal(0)

# DefaultContext is what new threads start from; getcontext() is this thread's.
for _context in (decimal.DefaultContext, decimal.getcontext()):
    _context.prec = max(_context.prec, EXACT_DIGITS)

Number = int | Decimal


def quotient(a: Number, b: Number) -> Decimal:
    """``a / b`` to 28 significant digits, half up. A ZeroDivisionError when b is 0."""
    if not b:
        raise ZeroDivisionError
    return QUOTIENT.divide(a, b)


def floor_quotient(a: Number, b: Number) -> Number:
    """``a // b`` towards minus infinity; Decimal's own goes towards zero. A ZeroDivisionError when b is 0."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if not b:
        raise ZeroDivisionError  # Decimal has two other names for it
    whole, rest = divmod(Decimal(a), Decimal(b))
    return whole - 1 if rest and (rest < 0) != (b < 0) else whole


def remainder(a: Number, b: Number) -> Number:
    """``a % b`` with the sign of b; Decimal's own has the sign of a. A ZeroDivisionError when b is 0."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    if not b:
        raise ZeroDivisionError
    rest = Decimal(a) % Decimal(b)
    return rest + b if rest and (rest < 0) != (b < 0) else rest


def unit(digits: int) -> Decimal:
    """The step of numbers with so many digits after the point: 2 gives 0.01, -3 gives 1E+3."""
    return Decimal((0, (1,), -digits))


def round_half_up(value: Number, digits: int) -> Decimal:
    """The value with so many digits after the point (before it when negative), halves away from zero, never -0."""
    rounded = Decimal(value).quantize(unit(digits), ROUND_HALF_UP)
    if digits < 0:
        rounded = rounded.quantize(unit(0))  # 1000 instead of 1E+3
    return rounded or abs(rounded)


def floor(value: Number) -> int:
    """The greatest integer that is not above the value."""
    return value if isinstance(value, int) else int(value.to_integral_value(ROUND_FLOOR))


def ceil(value: Number) -> int:
    """The least integer that is not below the value."""
    return value if isinstance(value, int) else int(value.to_integral_value(ROUND_CEILING))
