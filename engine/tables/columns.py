"""What a column of a table holds, and how one value of it is written in a cell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from engine.expressions.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, TEXT, TIME, ChoiceType, Type
from engine.registry import did_you_mean
from engine.tables.grid import Cell

TypeName = Literal["text", "integer", "decimal", "money", "percent", "boolean", "date", "datetime", "time", "choice"]

#: The types of columns, as expressions see them; a choice has its own.
EXPRESSION_TYPES: Mapping[str, Type] = {
    "text": TEXT,
    "integer": INTEGER,
    "decimal": DECIMAL,
    "money": DECIMAL,
    "percent": DECIMAL,
    "boolean": BOOLEAN,
    "date": DATE,
    "datetime": DATETIME,
    "time": TIME,
}
#: The types whose values stand in a row from the least to the greatest.
ORDERED = frozenset({"integer", "decimal", "money", "percent", "date", "datetime", "time"})
NUMERIC = frozenset({"integer", "decimal", "money", "percent"})
#: The distance between neighbouring values of a type; between values of the others there is always another one.
STEPS: Mapping[str, Decimal] = {"integer": Decimal(1), "money": Decimal("0.01"), "date": Decimal(1)}

#: No number of a table has more digits.
_MOST_DIGITS = 28


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type, and for a choice the options."""

    name: str
    type: TypeName
    options: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def ordered(self) -> bool:
        """Whether comparisons and intervals make sense."""
        return self.type in ORDERED

    @property
    def step(self) -> Decimal | None:
        """The distance between neighbouring values, None where there is always another one between two."""
        return STEPS.get(self.type)

    @property
    def expression_type(self) -> Type:
        """The type that its values have in expressions."""
        return ChoiceType("choice", self.options) if self.type == "choice" else EXPRESSION_TYPES[self.type]

    def literal(self, cell: Cell) -> Any:
        """The value that a cell, or a part of one, writes. Raises CellFault."""
        if not cell.text:
            cell.fail("a value is missing", code="E105")
        return _READERS[self.type](self, cell)


def _text(_column: Column, cell: Cell) -> str:
    if cell.text.startswith('"'):
        try:
            found = json.loads(cell.text)
        except ValueError:
            cell.fail("this is no quoted text", 'write a quote inside it as `\\"`')
        return str(found)
    return cell.text


def _choice(column: Column, cell: Cell) -> str:
    found = _text(column, cell)
    if found not in column.options:
        options = ", ".join(column.options)
        cell.fail(f"'{found}' is no value of {column.name}", did_you_mean(found, column.options) or f"one of {options}")
    return found


def _number(column: Column, cell: Cell) -> Decimal:
    percent = column.type == "percent" and cell.text.endswith("%")
    text = cell.text[:-1].rstrip() if percent else cell.text
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not text.isascii() or "_" in text:
        cell.fail(
            f"'{cell.text}' is no number, and {column.name} is {column.type}", _number_hint(cell.text), code="E106"
        )
    exponent = found.as_tuple().exponent
    if len(found.as_tuple().digits) > _MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS:
        cell.fail(f"a number has at most {_MOST_DIGITS} digits")
    if column.type == "money" and -exponent > 2:
        cell.fail(f"{column.name} is money, which has two digits behind the point")
    return found.scaleb(-2) if percent else found


def _number_hint(text: str) -> str | None:
    if "," in text or "，" in text:
        return "write thousands without a separator"
    if any(character.isalpha() for character in text):
        return "write a condition over other inputs in braces: `{amount > limit * 2}`"
    return None


def _integer(column: Column, cell: Cell) -> int:
    found = _number(column, cell)
    if found != found.to_integral_value():
        cell.fail(f"{column.name} is a whole number, and this is {found}", code="E106")
    return int(found)


def _boolean(_column: Column, cell: Cell) -> bool:
    if cell.text not in ("true", "false"):
        cell.fail(f"'{cell.text}' is neither `true` nor `false`", code="E106")
    return cell.text == "true"


def _date(_column: Column, cell: Cell) -> date:
    try:
        return date.fromisoformat(cell.text)
    except ValueError:
        cell.fail(f"'{cell.text}' is no date", "write it as 2026-01-31", "E106")


def _datetime(_column: Column, cell: Cell) -> datetime:
    try:
        found = datetime.fromisoformat(cell.text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        cell.fail(f"'{cell.text}' is no moment with its zone", "write it as 2026-01-31T08:00+08:00", "E106")
    return found.astimezone(UTC)


def _time(_column: Column, cell: Cell) -> time:
    try:
        return time.fromisoformat(cell.text)
    except ValueError:
        cell.fail(f"'{cell.text}' is no time of day", "write it as 08:30", "E106")


_READERS: Mapping[str, Callable[[Column, Cell], Any]] = {
    "text": _text,
    "choice": _choice,
    "integer": _integer,
    "decimal": _number,
    "money": _number,
    "percent": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
}


def show(value: Any) -> str:
    """A value as a cell writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | time) else str(value)
