"""The functions that exact expressions need in SQLite, as Python functions registered with a connection.

Numbers are exact text (see :mod:`engine.expressions.dialects`) or integers; dates, times and datetimes are their stored
text. Each function is null when an argument is, and where it fails, as a division by zero does: one bad row must not
fail a list of good ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from engine.errors import ExpressionError
from engine.expressions.decimals import floor_quotient, quotient, remainder, round_half_up
from engine.expressions.dialects import Convert, exact_text, from_utc_text, microseconds, utc_text
from engine.expressions.functions.dates import to_date
from engine.expressions.functions.function import NUMBER, Form, Functions
from engine.expressions.postgres import SCALARS
from engine.expressions.types import DATE, DATETIME, DECIMAL, DURATION, INTEGER, TIME, Type

Number = str | int


class Connection(Protocol):
    """What is asked of a DBAPI connection: ``sqlite3.Connection`` has it."""

    def create_function(self, name: str, narg: int, func: Any, /, *, deterministic: bool = False) -> None: ...

    def create_aggregate(self, name: str, n_arg: int, aggregate_class: Any, /) -> None: ...


def register_functions(connection: Connection, functions: Functions) -> None:
    """Gives a new SQLite connection all that translated expressions call: operators, and the functions of expressions
    that have a translation."""
    for name, operator in OPERATORS.items():
        connection.create_function(f"ol_{name}", operator.__code__.co_argcount, _safe(operator), deterministic=True)
    for scalar in SCALARS:
        for form in functions[scalar.name].forms:
            if form.takes[0] != DATETIME or DATE not in [other.takes[0] for other in functions[scalar.name].forms]:
                count = len(form.takes) + len(form.hidden)
                connection.create_function(f"ol_{scalar.name}", count, _safe(_on_stored(form)), deterministic=True)
    for name, aggregate in AGGREGATES.items():
        connection.create_aggregate(f"ol_{name}", 1, aggregate)


def _safe(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        if None in args:
            return None
        try:
            return function(*args)
        except (ExpressionError, ArithmeticError, ValueError):
            return None

    return call


_DECODE: Mapping[Type, Convert] = {
    NUMBER: Decimal, DECIMAL: Decimal, INTEGER: int,
    DATE: date.fromisoformat, TIME: time.fromisoformat, DATETIME: from_utc_text,
}  # fmt: skip
_ENCODE: Mapping[Type, Convert] = {
    NUMBER: exact_text, DECIMAL: exact_text, INTEGER: exact_text,
    DATE: date.isoformat, TIME: time.isoformat, DATETIME: utc_text, DURATION: microseconds,
}  # fmt: skip


def _on_stored(form: Form) -> Callable[..., Any]:
    """The form's implementation, on values as SQLite has them."""
    decoders = [_DECODE.get(type_, _same) for type_ in form.takes] + [_same for _ in form.hidden]
    encode = _ENCODE.get(form.gives, _same)

    def call(*args: Any) -> Any:
        answer = form.run(*(decode(arg) for decode, arg in zip(decoders, args, strict=True)))
        return encode(answer) if answer is not None else None

    return call


def _same(value: Any) -> Any:
    return value


def _exact(value: Number, scale: int) -> str:
    return exact_text(Decimal(value).scaleb(-scale))


def _scaled(value: Number, digits: int) -> int:
    return int(round_half_up(Decimal(value), digits).scaleb(digits))


def _add(a: Number, b: Number) -> str:
    return exact_text(Decimal(a) + Decimal(b))


def _sub(a: Number, b: Number) -> str:
    return exact_text(Decimal(a) - Decimal(b))


def _mul(a: Number, b: Number) -> str:
    return exact_text(Decimal(a) * Decimal(b))


def _div(a: Number, b: Number) -> str | None:
    divisor = Decimal(b)
    return exact_text(quotient(Decimal(a), divisor)) if divisor else None


def _floor_div(a: Number, b: Number) -> str | None:
    divisor = Decimal(b)
    return exact_text(floor_quotient(Decimal(a), divisor)) if divisor else None


def _mod(a: Number, b: Number) -> str | None:
    divisor = Decimal(b)
    return exact_text(remainder(Decimal(a), divisor)) if divisor else None


def _cmp(a: Number, b: Number) -> int:
    left, right = Decimal(a), Decimal(b)
    return (left > right) - (left < right)


def _join_halves(high: int, low: int, scale: int) -> str:
    return _exact((high << 32) + low, scale)


class _Total:
    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: Number | None) -> None:
        if value is not None:
            self.total = (self.total or Decimal(0)) + Decimal(value)

    def finalize(self) -> str | None:
        return None if self.total is None else exact_text(self.total)


class _Extreme:
    def __init__(self) -> None:
        self.best: Decimal | None = None

    def step(self, value: Number | None) -> None:
        if value is not None and (self.best is None or self.better(Decimal(value), self.best)):
            self.best = Decimal(value)

    def finalize(self) -> str | None:
        return None if self.best is None else exact_text(self.best)

    def better(self, new: Decimal, old: Decimal) -> bool:
        raise NotImplementedError


class _LeastOf(_Extreme):
    def better(self, new: Decimal, old: Decimal) -> bool:
        return new < old


class _GreatestOf(_Extreme):
    def better(self, new: Decimal, old: Decimal) -> bool:
        return new > old


def _sortable(number: Number) -> str:
    """A text that sorts among its like as the number does: the sign, the magnitude, the digits."""
    sign, digits, _ = Decimal(number).normalize().as_tuple()
    magnitude = f"{Decimal(number).adjusted() + _MAGNITUDES:04}" + "".join(map(str, digits))
    if digits == (0,):
        return "1"
    # Below zero all goes the other way round; the last character makes fewer digits come after more.
    return "0" + magnitude.translate(_COMPLEMENT) + "~" if sign else "2" + magnitude


_MAGNITUDES = 5000
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def _least(a: Number, b: Number) -> Number:
    return a if Decimal(a) <= Decimal(b) else b


def _greatest(a: Number, b: Number) -> Number:
    return a if Decimal(a) >= Decimal(b) else b


def _span(a: str, b: str) -> int:
    return microseconds(from_utc_text(a) - from_utc_text(b))


def _shift(moment: str, by: int) -> str:
    return utc_text(from_utc_text(moment) + timedelta(microseconds=by))


def _shift_date(day: str, by: int) -> str:
    return (date.fromisoformat(day) + timedelta(microseconds=by)).isoformat()


def _local_date(moment: str, zone: str) -> str:
    return to_date(from_utc_text(moment), zone).isoformat()


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "exact": _exact,
    "scaled": _scaled,
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "floor_div": _floor_div,
    "mod": _mod,
    "cmp": _cmp,
    "join_halves": _join_halves,
    "sortable": _sortable,
    "least": _least,
    "greatest": _greatest,
    "span": _span,
    "shift": _shift,
    "shift_date": _shift_date,
    "local_date": _local_date,
}

AGGREGATES: Mapping[str, type] = {"total": _Total, "min_of": _LeastOf, "max_of": _GreatestOf}
