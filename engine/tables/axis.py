"""A column cut into pieces between which no cell can tell a difference. Sets of pieces are the bits of a number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from math import floor
from typing import Any

from engine.tables.cells import Interval, Test
from engine.tables.columns import Column, show


class Axis:
    """The pieces of a column with a sequence: ``2i+1`` is the i-th point that a cell names, ``2i`` what lies before it.
    Of other columns: the values that cells name, then all the others. The last piece is null.
    """

    def __init__(self, column: Column, tests: Sequence[Test], range_: Interval | None = None) -> None:
        self.column = column
        self._range = range_
        named: set[Any] = set()
        for test in tests:
            named |= test.values
            for part in test.intervals:
                named |= {part.low, part.high}
        if range_ is not None:
            named |= {range_.low, range_.high}
        if column.type == "choice":
            named |= set(column.options)
        named.discard(None)
        self.points: list[Any] = sorted(named)
        #: The number of the piece that is null; also how many others there are.
        self.null = 2 * len(self.points) + 1 if column.ordered else len(self.points) + 1
        self._places = {} if column.ordered else {value: place for place, value in enumerate(self.points)}
        self._known: dict[Test, int] = {}

    def piece(self, value: Any) -> int:
        """The piece that a value lies in."""
        if value is None:
            return self.null
        if not self.column.ordered:
            return self._places.get(value, self.null - 1)
        points = self.points
        place = bisect_left(points, value)
        return 2 * place + 1 if place < len(points) and points[place] == value else 2 * place

    def pieces(self, test: Test) -> int:
        """The pieces that a cell takes; for one with an expression, all."""
        found = self._known.get(test)
        if found is None:
            found = self._known[test] = self._pieces(test)
        return found

    def _pieces(self, test: Test) -> int:
        present = (1 << self.null) - 1
        if test.anything or test.expression is not None:
            return present | 1 << self.null
        found = 0
        for value in test.values:
            found |= 1 << self._places[value]
        for part in test.intervals:
            found |= self._spanned(part)
        if test.negated:
            return found ^ present
        return found | (1 << self.null if test.null else 0)

    def _spanned(self, part: Interval) -> int:
        first = 0 if part.low is None else self.piece(part.low) + (0 if part.has_low else 1)
        last = self.null - 1 if part.high is None else self.piece(part.high) - (0 if part.has_high else 1)
        return ((1 << last - first + 1) - 1) << first if last >= first else 0

    @cached_property
    def expected(self) -> int:
        """The pieces that the range or the options allow, whether or not a value lies in them; and null."""
        if self._range is not None:
            return self._spanned(self._range) | 1 << self.null
        closed = self.column.type == "choice"
        return (1 << self.null - (1 if closed else 0)) - 1 | 1 << self.null

    @cached_property
    def domain(self) -> int:
        """The pieces that hold a value which may occur."""
        column = self.column
        found = 1 << self.null if column.nullable else 0
        if not column.ordered:
            closed = column.type == "choice" or (column.type == "boolean" and len(self.points) == 2)
            return found | (1 << self.null - (1 if closed else 0)) - 1
        within = (1 << self.null) - 1 if self._range is None else self._spanned(self._range)
        for piece in bits(within):
            if piece % 2 or self._holds_any(piece // 2):
                found |= 1 << piece
        return found

    def _holds_any(self, place: int) -> bool:
        """Whether there is a value between a point and the one before it."""
        step = self.column.step
        if step is None or not 0 < place < len(self.points):
            return True
        low, high = _number(self.points[place - 1]), _number(self.points[place])
        return (floor(low / step) + 1) * step < high

    def describe(self, pieces: int) -> str:
        """The pieces as a cell would write them."""
        parts = list(self._described(pieces & self.domain))
        return ", ".join(parts) if parts else "nothing"

    def _described(self, pieces: int) -> Iterator[str]:
        if not self.column.ordered:
            others = pieces >> self.null - 1 & 1
            if others and len(self.points):
                missing = [show(value) for place, value in enumerate(self.points) if not pieces >> place & 1]
                yield f"not ({', '.join(missing)})" if missing else "anything"
            elif others:
                yield "anything"
            else:
                yield from (show(self.points[place]) for place in bits(pieces & (1 << self.null) - 1))
        else:
            # A gap that holds no value divides nothing: [1..2] and [3..4] of whole numbers are [1..4].
            joined = pieces
            for piece in bits(((pieces << 1) & (pieces >> 1)) & ~self.domain):
                joined |= 1 << piece
            for first, last in runs(joined & (1 << self.null) - 1):
                yield self._run(first, last)
        if pieces >> self.null & 1:
            yield "null"

    def _run(self, first: int, last: int) -> str:
        if first == last and first % 2:
            return show(self.points[first // 2])
        low = None if first == 0 else self.points[first // 2 - (0 if first % 2 else 1)]
        high = None if last == self.null - 1 else self.points[last // 2]
        if low is None and high is None:
            return "anything"
        if high is None:
            return f"{'>=' if first % 2 else '>'} {show(low)}"
        if low is None:
            return f"{'<=' if last % 2 else '<'} {show(high)}"
        return f"{'[' if first % 2 else '('}{show(low)}..{show(high)}{']' if last % 2 else ')'}"


def bits(number: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def runs(number: int) -> Iterator[tuple[int, int]]:
    """The first and the last place of each run of bits that are set."""
    at = 0
    while number:
        gap = (number & -number).bit_length() - 1
        number >>= gap
        length = (~number & number + 1).bit_length() - 1
        yield at + gap, at + gap + length - 1
        number >>= length
        at += gap + length


def _number(value: Any) -> Decimal:
    """A value with a step as a number of which it is a multiple."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return Decimal(value.toordinal())
    return Decimal(value)
