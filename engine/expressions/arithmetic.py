"""What generated code calls where an operator of Python is not enough: the part that failed is named in the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from engine.errors import ExpressionError
from engine.expressions.decimals import Number, floor_quotient, quotient, remainder
from engine.expressions.faults import EvaluationError, Place
from engine.expressions.functions.texts import bounded

Moment = date | timedelta


def divide(a: Number, b: Number, place: Place) -> Decimal:
    """``a / b``."""
    try:
        return quotient(a, b)
    except ZeroDivisionError:
        raise EvaluationError("division by zero", place) from None


def floor_divide(a: Number, b: Number, place: Place) -> Number:
    """``a // b``."""
    try:
        return floor_quotient(a, b)
    except ZeroDivisionError:
        raise EvaluationError("division by zero", place) from None


def modulo(a: Number, b: Number, place: Place) -> Number:
    """``a % b``."""
    try:
        return remainder(a, b)
    except ZeroDivisionError:
        raise EvaluationError("division by zero", place) from None


def join(a: str, b: str, place: Place) -> str:
    """``a + b`` of texts."""
    try:
        return bounded(a + b)
    except ExpressionError as error:
        raise EvaluationError(error.message, place) from None


def later(a: Any, b: Any, place: Place) -> Any:
    """``a + b`` of a date, a datetime or a duration and a duration. A date moves by whole days (rounded down)."""
    try:
        return a + b
    except OverflowError:
        raise EvaluationError("a time out of range", place) from None


def earlier(a: Any, b: Any, place: Place) -> Any:
    """``a - b``, b a duration. A date moves as if it were its midnight."""
    try:
        return a + -b
    except OverflowError:
        raise EvaluationError("a time out of range", place) from None


def times(a: Any, b: Any, place: Place) -> Any:
    """``a * b`` of a duration and an integer."""
    try:
        return a * b
    except OverflowError:
        raise EvaluationError("a duration out of range", place) from None


def is_in(value: Any, values: Sequence[Any]) -> bool | None:
    """``value in values``, unknown where a null stands in the way; not in an empty list, whatever it is."""
    if not values:
        return False
    if value is None:
        return None
    return True if value in values else None if None in values else False


def failing(run: Callable[..., Any], place: Place) -> Callable[..., Any]:
    """The function, with the place in its errors."""

    def call(*args: Any) -> Any:
        try:
            return run(*args)
        except OverflowError:
            raise EvaluationError("a value out of range", place) from None
        except ExpressionError as error:
            raise EvaluationError(error.message, place) from None

    return call
