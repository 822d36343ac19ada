"""What a cell of an input column says: which values it takes. What one of an output column says: which it gives.

An input cell is ``-`` (anything), or a list of values, comparisons, intervals and ``null``, or ``not`` such a list, or
an expression in braces over the table's inputs. Null is taken by ``-``, ``null``, and an expression that is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.tables.columns import Column
from engine.tables.grid import Cell, CellFault

_SIGN = re.compile(r"(<=|>=|==|!=|<|>|=|≤|≥|≠)")
_EASTERN = {"≤": "<=", "≥": ">=", "≠": "!="}
_NOT = re.compile(r"not(?:\s*\(|\s+)")


@dataclass(frozen=True, slots=True)
class Interval:
    """The values between two bounds; None is no bound."""

    low: Any
    high: Any
    has_low: bool = True
    has_high: bool = True

    def holds(self, value: Any) -> bool:
        """Whether the value lies in it."""
        if self.low is not None and (value < self.low or (value == self.low and not self.has_low)):
            return False
        return self.high is None or value < self.high or (value == self.high and self.has_high)


@dataclass(frozen=True, slots=True)
class Test:
    """Which values an input cell takes. ``values`` are for columns without a sequence, ``intervals`` for the others.

    ``expression`` is where in the cell an expression stands: then the other members say nothing, and only it decides.
    """

    anything: bool = False
    null: bool = False
    negated: bool = False
    values: frozenset[Any] = frozenset()
    intervals: tuple[Interval, ...] = ()
    expression: Cell | None = None

    def holds(self, value: Any) -> bool:
        """Whether the cell takes the value; for one with an expression, whether it may."""
        if self.anything or self.expression is not None:
            return True
        if value is None:
            return self.null and not self.negated
        found = value in self.values or any(interval.holds(value) for interval in self.intervals)
        return found != self.negated


ANYTHING = Test(anything=True)


def read_test(cell: Cell, column: Column) -> Test:
    """What an input cell says. Raises CellFault."""
    if cell.text == "-":
        return ANYTHING
    if not cell.text:
        cell.fail(f"the cell of {column.name} is empty", "write `-` where any value will do", "E105")
    inner = braced(cell)
    if inner is not None:
        return Test(expression=inner)
    negated = _NOT.match(cell.text)
    if negated is not None and not (column.type == "text" and not negated[0].endswith("(")):
        end = len(cell.text)
        if negated[0].endswith("("):
            if not cell.text.endswith(")"):
                cell.fail("`not(` is not closed", "end it with `)`")
            end -= 1
        cell = cell.part(negated.end(), end)
    else:
        negated = None
    null, values, intervals = False, set(), []
    for item in _items(cell):
        if item.text == "null":
            null = True
        elif column.ordered:
            intervals += _intervals(item, column)
        else:
            values.add(_discrete(item, column))
    if len(values) == 1 and not negated and (sign := _SIGN.match(cell.text)) and sign[0] in ("!=", "≠"):
        return Test(negated=True, values=frozenset(values))
    return Test(False, null, negated is not None, frozenset(values), tuple(intervals))


def braced(cell: Cell) -> Cell | None:
    """The expression in braces; None when the cell holds none."""
    if cell.text.startswith("{"):
        if not cell.text.endswith("}"):
            cell.fail("the brace is not closed", "an expression ends with `}`", "E201")
        return cell.part(1, len(cell.text) - 1)
    return None


def _items(cell: Cell) -> Iterator[Cell]:
    """The parts between commas; commas in quotes count for nothing."""
    quoted = False
    start = place = 0
    while place < len(cell.text):
        character = cell.text[place]
        if quoted and character == "\\":
            place += 1
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            yield cell.part(start, place)
            start = place + 1
        place += 1
    yield cell.part(start, len(cell.text))


def _discrete(item: Cell, column: Column) -> Any:
    sign = _SIGN.match(item.text)
    if sign is None:
        if column.type == "text" and item.text.startswith(("[", "(")) and ".." in item.text:
            item.fail(
                f"{column.name} is text, which has no intervals", "put a text that looks like one in quotes", "E106"
            )
        return column.literal(item)
    if _EASTERN.get(sign[0], sign[0]) not in ("=", "==", "!="):
        item.fail(
            f"{column.name} is {column.type}, which is not compared", "put a text with such a sign in quotes", "E106"
        )
    return column.literal(item.part(sign.end(), len(item.text)))


def _intervals(item: Cell, column: Column) -> list[Interval]:
    """What a value, a comparison or an interval spans: one interval, two for ``!=``."""
    sign = _SIGN.match(item.text)
    if sign is not None:
        value = column.literal(item.part(sign.end(), len(item.text)))
        return _compared(_EASTERN.get(sign[0], sign[0]), value)
    if item.text[:1] in ("[", "("):
        return [interval(item, column)]
    if ".." in item.text:
        item.fail("an interval has brackets", f"write `[{item.text}]`, or `[{item.text})` without its end")
    value = column.literal(item)
    return [Interval(value, value)]


def _compared(sign: str, value: Any) -> list[Interval]:
    below, above = Interval(None, value, True, False), Interval(value, None, False, True)
    return {
        "<": [below],
        "<=": [Interval(None, value)],
        ">": [above],
        ">=": [Interval(value, None)],
        "!=": [below, above],
    }.get(sign, [Interval(value, value)])


def interval(cell: Cell, column: Column) -> Interval:
    """The interval that a text writes: ``[1..5)``, open at a round bracket; ``[1..)`` has no end. Raises CellFault."""
    text = cell.text
    if not column.ordered:
        cell.fail(f"{column.name} is {column.type}, which has no intervals", code="E106")
    if len(text) < 4 or text[0] not in "[(" or text[-1] not in ")]" or text.count("..") != 1:
        cell.fail(f"'{text}' is no interval", "write `[1..5)`: `[` and `]` include their end, `(` and `)` do not")
    middle = text.index("..")
    low, high = cell.part(1, middle), cell.part(middle + 2, len(text) - 1)
    least = column.literal(low) if low.text else None
    most = column.literal(high) if high.text else None
    found = Interval(least, most, text[0] == "[", text[-1] == "]")
    if least is not None and most is not None:
        if least > most:
            cell.fail("the interval is upside down", f"write `{text[0]}{high.text}..{low.text}{text[-1]}`")
        if least == most and not (found.has_low and found.has_high):
            cell.fail("the interval is empty", f"write `{low.text}` or `[{low.text}..{low.text}]`")
    return found


@dataclass(frozen=True, slots=True)
class Given:
    """What an output cell gives: a value, or an expression over the table's inputs."""

    value: Any = None
    expression: Cell | None = None


def read_given(cell: Cell, column: Column) -> Given:
    """What an output cell says; an empty one and ``null`` give no value. Raises CellFault."""
    if cell.text in ("", "-", "null"):
        return Given()
    inner = braced(cell)
    return Given(expression=inner) if inner is not None else Given(column.literal(cell))


__all__ = [
    "ANYTHING",
    "Cell",
    "CellFault",
    "Given",
    "Interval",
    "Test",
    "braced",
    "interval",
    "read_given",
    "read_test",
]
