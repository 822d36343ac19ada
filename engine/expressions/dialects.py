"""How values stand in SQLite and in PostgreSQL, and the arithmetic that is exact in both.

SQLite has no decimals: a column of them holds scaled integers (12.30 with two digits is 1230), and arithmetic works on
*exact text* ("12.3", never a trailing zero or an exponent, so that equal numbers are equal texts) with the functions of
:mod:`engine.expressions.sqlite`. PostgreSQL has ``numeric``. Datetimes in SQLite are UTC text of fixed width, which
sorts as it should. Durations are whole microseconds in both.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import reduce
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Numeric,
    String,
    Time,
    case,
    cast,
    collate,
    func,
    literal,
    null,
    or_,
    type_coerce,
)
from sqlalchemy import Column as TableColumn
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine, Uuid

from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    INTEGER,
    NUMBERS,
    TEXT,
    TIME,
    ChoiceType,
    ListType,
    RecordType,
    Type,
)

Convert = Callable[[Any], Any]

COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63 - 1
#: An integer column never equals it, and null stays unknown.
_NEVER_EQUAL = 0.5
#: The nil UUID: no record has it.
_NO_KEY = str(UUID(int=0))
_POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]  # it has no hints


@dataclass(frozen=True, slots=True)
class Sql:
    """A translated value. A number with a ``scale`` is an integer scaled by so many digits; without, it is exact."""

    clause: ColumnElement[Any]
    type: Type
    scale: int | None = None


def utc_text(moment: datetime) -> str:
    """The moment as SQLite keeps it: ``2026-11-22T01:59:41.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def from_utc_text(text: str) -> datetime:
    """The moment of a text that :func:`utc_text` made."""
    return datetime.fromisoformat(text).astimezone(UTC)


def exact_text(number: Decimal | int) -> str:
    """The number as SQLite's functions pass it around: no exponent, no trailing zeros, no ``-0``."""
    text = format(Decimal(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def microseconds(duration: timedelta) -> int:
    """The duration in whole microseconds."""
    return duration // _MICROSECOND


class Dialect:
    """What both databases share. ``exact`` numbers are the general form; a column may be compared in a plainer one."""

    name: str
    raw_types: Mapping[Type, TypeEngine[Any]]
    encoders: Mapping[Type, Convert]
    decoders: Mapping[Type, Convert]

    def raw(self, type_: Type) -> TypeEngine[Any] | None:
        """The column type under which values of this type are bound and compared; None: the column's own."""
        return self.raw_types.get(type_)

    def encoder(self, type_: Type) -> Convert:
        """What turns a value into what the driver takes: a record into its id, a list item by item."""
        if isinstance(type_, ListType):
            item = self.encoder(type_.item)
            return lambda values: [None if value is None else item(value) for value in values]
        if isinstance(type_, RecordType):
            return _id_of
        return self.encoders.get(type_, _same)

    def decode(self, value: Any, sql: Sql) -> Any:
        """The value that the driver gave for this expression, as expressions know it."""
        if value is None:
            return None
        if sql.type == DECIMAL and sql.scale is not None:
            return Decimal(value).scaleb(-sql.scale)
        return self.decoders.get(sql.type, _same)(value)

    def column(self, clause: ColumnElement[Any], type_: Type, digits: int) -> Sql:
        """A stored column, seen as the plain type that it holds."""
        raise NotImplementedError

    def exact(self, number: Sql) -> ColumnElement[Any]:
        """The number in the form that arithmetic takes."""
        raise NotImplementedError

    def arithmetic(self, op: str, left: Sql, right: Sql) -> ColumnElement[Any]:
        raise NotImplementedError

    def compare_exact(self, op: str, left: ColumnElement[Any], right: ColumnElement[Any]) -> ColumnElement[bool]:
        raise NotImplementedError

    def total(self, number: Sql) -> Sql:
        """The sum over the rows of a query, null where there are none."""
        raise NotImplementedError

    def extreme(self, function: str, value: Sql) -> Sql:
        """The least or greatest over the rows of a query: ``min`` or ``max``."""
        raise NotImplementedError

    def stored(self, number: Sql, digits: int) -> ColumnElement[Any]:
        """The number as a column with so many digits takes it, rounded half up."""
        raise NotImplementedError

    def bound(self, op: str, column: Sql, given: Type) -> Convert | None:
        """What turns a value of the type ``given`` into a parameter for ``column OP parameter``, where the column may
        stay as it is; None where it may not."""
        raise NotImplementedError

    def pick(self, function: str, values: list[Sql]) -> Sql:
        """The least or greatest of values in one form: ``min`` or ``max``; null when one is null."""
        raise NotImplementedError

    def is_key(self, value: Sql) -> bool:
        """Whether the value is an id in a column that holds only ids."""
        return False

    def key(self, text: str) -> str:
        """The text as an id beside such a column; one that equals none where it is no id."""
        return text

    def as_text(self, value: Sql) -> Sql:
        """The value, an id as the text that it is to expressions."""
        return value

    def typed(self, bound: ColumnElement[Any]) -> ColumnElement[Any]:
        """The parameter, of a type that the database knows even where nothing else in the statement tells it."""
        return bound

    def zero(self) -> ColumnElement[Any]:
        """Nought as an exact number."""
        raise NotImplementedError

    def argument(self, value: Sql) -> ColumnElement[Any]:
        """The value as the functions ``ol_…`` take it."""
        return self.exact(value) if value.type in NUMBERS else value.clause

    def returned(self, function: Callable[..., ColumnElement[Any]], args: list[ColumnElement[Any]], type_: Type) -> Sql:
        """The call of a function ``ol_…``; numbers come back exact."""
        return Sql(function(*args, type_=self.raw(type_) or String()), type_)

    def compare(self, op: str, left: Sql, right: Sql) -> ColumnElement[bool]:
        """The comparison of two values of one family."""
        apply = COMPARISONS[op]
        answer: ColumnElement[bool]
        if left.type in NUMBERS and (left.scale is None or left.scale != right.scale):
            answer = self.compare_exact(op, self.exact(left), self.exact(right))
        elif op in ("==", "!="):
            # Equal in one collation is equal in all; and an id, whose column is no text everywhere, has none.
            answer = apply(left.clause, right.clause)
        else:
            answer = apply(self.sortable(left), self.sortable(right))
        return answer

    def sortable(self, value: Sql) -> ColumnElement[Any]:
        """The value such that the database sorts it as we do: texts by code points, numbers by size."""
        return value.clause

    def unpacked(self, column: ColumnElement[Any]) -> FromClause:
        """The items of a list that is stored as JSON, as a table with a column ``value``."""
        raise NotImplementedError

    def same_form(self, values: list[Sql]) -> list[Sql]:
        """The values in one form, so that one column can hold any of them."""
        if values[0].type not in NUMBERS or (
            values[0].scale is not None and len({value.scale for value in values}) == 1
        ):
            return values
        return [replace(value, clause=self.exact(value), scale=None) for value in values]


class Sqlite(Dialect):
    name = "sqlite"
    raw_types = {
        INTEGER: String(), DECIMAL: String(), BOOLEAN: Boolean(), DURATION: BigInteger(),
        DATE: String(), DATETIME: String(), TIME: String(),
    }  # fmt: skip
    encoders = {
        INTEGER: exact_text, DECIMAL: exact_text, DATE: date.isoformat, TIME: time.isoformat,
        DATETIME: utc_text, DURATION: microseconds,
    }  # fmt: skip
    decoders = {
        INTEGER: int, DECIMAL: Decimal, BOOLEAN: bool, DATE: date.fromisoformat, TIME: time.fromisoformat,
        DATETIME: from_utc_text, DURATION: lambda value: timedelta(microseconds=value),
    }  # fmt: skip

    def column(self, clause: ColumnElement[Any], type_: Type, digits: int) -> Sql:
        if type_ in NUMBERS:
            return Sql(type_coerce(clause, BigInteger()), type_, digits)
        raw = self.raw(type_)
        return Sql(clause if raw is None else type_coerce(clause, raw), type_)

    def zero(self) -> ColumnElement[Any]:
        return literal("0", String())

    def exact(self, number: Sql) -> ColumnElement[Any]:
        return number.clause if number.scale is None else func.ol_exact(number.clause, number.scale, type_=String())

    def arithmetic(self, op: str, left: Sql, right: Sql) -> ColumnElement[Any]:
        function = {"+": "ol_add", "-": "ol_sub", "*": "ol_mul", "/": "ol_div", "//": "ol_floor_div", "%": "ol_mod"}[op]
        answer: ColumnElement[Any] = getattr(func, function)(self.exact(left), self.exact(right), type_=String())
        return answer

    def compare_exact(self, op: str, left: ColumnElement[Any], right: ColumnElement[Any]) -> ColumnElement[bool]:
        if op in ("==", "!="):
            equal: ColumnElement[bool] = COMPARISONS[op](left, right)
            return equal
        answer: ColumnElement[bool] = COMPARISONS[op](func.ol_cmp(left, right, type_=BigInteger()), 0)
        return answer

    def total(self, number: Sql) -> Sql:
        if number.scale is None:
            return Sql(func.ol_total(number.clause, type_=String()), number.type)
        # In two halves: SQLite's own sum refuses more than 64 bits, and a function of ours for each row is slow.
        high, low = func.sum(number.clause.op(">>")(32)), func.sum(number.clause.op("&")(0xFFFFFFFF))
        return Sql(func.ol_join_halves(high, low, number.scale, type_=String()), number.type)

    def extreme(self, function: str, value: Sql) -> Sql:
        if value.type in NUMBERS and value.scale is None:
            return replace(value, clause=getattr(func, f"ol_{function}_of")(value.clause, type_=String()))
        return replace(value, clause=getattr(func, function)(value.clause))

    def sortable(self, value: Sql) -> ColumnElement[Any]:
        if value.type in NUMBERS and value.scale is None:
            return func.ol_sortable(value.clause, type_=String())
        return value.clause

    def unpacked(self, column: ColumnElement[Any]) -> FromClause:
        return func.json_each(column).table_valued(TableColumn("value", String())).alias()

    def stored(self, number: Sql, digits: int) -> ColumnElement[Any]:
        return (
            number.clause if number.scale == digits else func.ol_scaled(self.exact(number), digits, type_=BigInteger())
        )

    def bound(self, op: str, column: Sql, given: Type) -> Convert | None:
        scale = column.scale
        if scale is None:
            return None

        def convert(number: Decimal | int) -> int | float:
            value = Decimal(number).scaleb(scale)
            if op in ("==", "!="):
                whole = int(value)
                return whole if whole == value and abs(whole) <= _LARGEST else _NEVER_EQUAL
            # column > 12.345 is column > 12.34 where the column has two digits; column >= 12.345 is column >= 12.35.
            rounding = ROUND_FLOOR if op in (">", "<=") else ROUND_CEILING
            whole = int(value.to_integral_value(rounding))
            return whole if abs(whole) <= _LARGEST else float("inf") if whole > 0 else float("-inf")

        return convert

    def pick(self, function: str, values: list[Sql]) -> Sql:
        if values[0].type in NUMBERS and values[0].scale is None:
            exact = {"min": func.ol_least, "max": func.ol_greatest}[function]
            return replace(
                values[0], clause=reduce(lambda a, b: exact(a, b, type_=String()), (v.clause for v in values))
            )
        return replace(
            values[0], clause=getattr(func, function)(*(v.clause for v in values), type_=values[0].clause.type)
        )


class Postgres(Dialect):
    name = "postgresql"
    raw_types = {
        INTEGER: Numeric(), DECIMAL: Numeric(), BOOLEAN: Boolean(), DURATION: BigInteger(),
        DATE: Date(), DATETIME: DateTime(timezone=True), TIME: Time(),
    }  # fmt: skip
    encoders = {INTEGER: Decimal, DECIMAL: Decimal, DURATION: microseconds}
    decoders = {
        INTEGER: int, DATETIME: lambda value: value.astimezone(UTC),
        DURATION: lambda value: timedelta(microseconds=int(value)),
    }  # fmt: skip

    def column(self, clause: ColumnElement[Any], type_: Type, digits: int) -> Sql:
        raw = self.raw(type_)
        return Sql(clause if raw is None else type_coerce(clause, raw), type_, 0 if type_ == INTEGER else None)

    def is_key(self, value: Sql) -> bool:
        type_ = value.clause.type
        return isinstance(type_.load_dialect_impl(_POSTGRES) if isinstance(type_, TypeDecorator) else type_, Uuid)

    def key(self, text: str) -> str:
        try:
            return str(UUID(text))
        except ValueError:
            return _NO_KEY

    def as_text(self, value: Sql) -> Sql:
        if isinstance(value.type, RecordType) or not self.is_key(value):
            return value
        return replace(value, clause=cast(value.clause, String()))

    def typed(self, bound: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(bound, bound.type)

    def zero(self) -> ColumnElement[Any]:
        return literal(Decimal(0), Numeric())

    def exact(self, number: Sql) -> ColumnElement[Any]:
        # bigint would overflow where numeric does not
        return number.clause if number.scale is None else cast(number.clause, Numeric())

    def arithmetic(self, op: str, left: Sql, right: Sql) -> ColumnElement[Any]:
        a, b = self.exact(left), self.exact(right)
        answer: ColumnElement[Any]
        plain = {"+": operator.add, "-": operator.sub, "*": operator.mul}.get(op)
        if plain is not None:
            answer = plain(a, b)
        else:
            function = {"/": "ol_div", "//": "ol_floor_div", "%": "ol_mod"}[op]
            answer = getattr(func, function)(a, b, type_=Numeric())
        return answer

    def compare_exact(self, op: str, left: ColumnElement[Any], right: ColumnElement[Any]) -> ColumnElement[bool]:
        answer: ColumnElement[bool] = COMPARISONS[op](left, right)
        return answer

    def total(self, number: Sql) -> Sql:
        return Sql(func.sum(self.exact(number), type_=Numeric()), number.type)

    def extreme(self, function: str, value: Sql) -> Sql:
        return replace(value, clause=getattr(func, function)(self.sortable(value)))

    def stored(self, number: Sql, digits: int) -> ColumnElement[Any]:
        return number.clause if number.scale is not None else func.round(number.clause, digits, type_=Numeric())

    def bound(self, op: str, column: Sql, given: Type) -> Convert | None:
        if column.scale is None or (op in ("==", "!=") and given != INTEGER):
            return None

        def convert(number: Decimal | int) -> int:
            rounding = ROUND_FLOOR if op in (">", "<=") else ROUND_CEILING
            whole = int(Decimal(number).to_integral_value(rounding))
            return max(-_LARGEST, min(whole, _LARGEST))

        return convert

    def pick(self, function: str, values: list[Sql]) -> Sql:
        choose = {"min": func.least, "max": func.greatest}[function]
        # PostgreSQL's own passes over nulls
        unknown = or_(*(value.clause.is_(None) for value in values))
        answer = choose(*map(self.sortable, values), type_=values[0].clause.type)
        return replace(values[0], clause=case((unknown, null()), else_=answer))

    def sortable(self, value: Sql) -> ColumnElement[Any]:
        text = value.type == TEXT or isinstance(value.type, ChoiceType)
        return collate(value.clause, "C") if text else value.clause

    def unpacked(self, column: ColumnElement[Any]) -> FromClause:
        return func.jsonb_array_elements_text(column).table_valued(TableColumn("value", String())).alias()


def _same(value: Any) -> Any:
    return value


def _id_of(record: Mapping[str, Any]) -> Any:
    return record["id"]


DIALECTS: Mapping[str, Dialect] = {"sqlite": Sqlite(), "postgresql": Postgres()}
