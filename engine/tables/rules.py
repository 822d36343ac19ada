"""A whole table, ready to decide: rows in, values in, the rows that hold and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from engine.expressions.language import Expression
from engine.tables.analysis import Analysis
from engine.tables.axis import Axis, bits
from engine.tables.cells import Interval, Test
from engine.tables.columns import Column, show
from engine.tables.grid import Cell
from engine.tables.matching import Matcher, is_small, matcher

Hit = Literal[
    "unique",
    "any",
    "first",
    "priority",
    "rule_order",
    "output_order",
    "collect",
    "collect sum",
    "collect min",
    "collect max",
    "collect count",
]
#: Policies under which one row decides.
SINGLE = frozenset({"unique", "any", "first", "priority"})
#: Policies that put the rows in the sequence of the options of their outputs.
RANKED = frozenset({"priority", "output_order"})


class Undecided(ValueError):
    """The table does not decide: no row holds, several contradict each other, or a value is out of its range."""

    def __init__(self, code: str, message: str, rows: tuple[int, ...] = (), case: str = "") -> None:
        self.code = code
        #: Names no values: not everybody who asks may see them. ``case`` does.
        self.message = message
        self.case = case
        self.rows = rows
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Output:
    """What an output cell gives: a value, or an expression of the inputs."""

    value: Any = None
    expression: Expression | None = None

    def of(self, inputs: Mapping[str, Any]) -> Any:
        """The value for those inputs."""
        return self.value if self.expression is None else self.expression(inputs, {})


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``conditions`` are the expressions in its input cells: all must be true besides the tests."""

    id: str
    tests: tuple[Test, ...]
    gives: tuple[Output, ...]
    cells: Cell
    conditions: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Decided:
    """What a table has decided: the value, the rows that hold, and what each of them gives.

    The value is a map of outputs where one row decides, a list of those where several do, a number where they are
    collected into one. ``rows`` is empty where the defaults hold.
    """

    value: Any
    rows: tuple[int, ...]
    given: tuple[Mapping[str, Any], ...]

    @cached_property
    def said(self) -> str:
        """The value, for people."""
        return said(self.value)

    @cached_property
    def said_by_row(self) -> tuple[str, ...]:
        """What each of the rows gives, for people."""
        return tuple(map(said, self.given))


def said(value: Any) -> str:
    """What a table gives, for people."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {show(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(said, value)) or "nothing"
    return show(value)


@dataclass(frozen=True)
class Rules:
    """The columns and rows of one table. ``ranges`` are the bounds of inputs, ``defaults`` what is given when no row
    holds (None: nothing is).
    """

    hit: Hit
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    rows: tuple[Row, ...]
    ranges: tuple[Interval | None, ...]
    defaults: Mapping[str, Any] | None = None
    #: Whether it is proven that no two rows hold at a time, or do not contradict each other where they do.
    proven: bool = field(default=False, compare=False)

    @cached_property
    def sequence(self) -> tuple[int, ...]:
        """The rows in the sequence in which they are tried."""
        places = range(len(self.rows))
        return (
            tuple(sorted(places, key=lambda place: self._rank(self.rows[place]))) if self.hit in RANKED else (*places,)
        )

    def _rank(self, row: Row) -> tuple[int, ...]:
        """How far to the front a row belongs, by the places of its outputs in the lists of their options."""
        return tuple(
            column.options.index(given.value) if given.value is not None else len(column.options)
            for column, given in zip(self.outputs, row.gives, strict=True)
            if column.options
        )

    @cached_property
    def tests(self) -> tuple[tuple[Test, ...], ...]:
        """The cells of the rows, in the sequence in which they are tried."""
        return tuple(self.rows[place].tests for place in self.sequence)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The columns of inputs, cut into pieces."""
        return tuple(
            Axis(column, [row[place] for row in self.tests], self.ranges[place])
            for place, column in enumerate(self.inputs)
        )

    def analysis(self) -> Analysis:
        """The table, to be proven; its rows in the sequence in which they are tried."""
        return Analysis(self.axes, self.tests)

    @cached_property
    def matcher(self) -> Matcher:
        """Finds the rows that may hold."""
        plain = not any(row.conditions for row in self.rows)
        first_only = plain and (self.hit in ("first", "priority") or (self.proven and self.hit in SINGLE))
        return matcher(self.axes, self.tests, first_only=first_only)

    def holding(self, values: Sequence[Any]) -> list[int]:
        """The rows that hold, in the sequence in which they are tried; under ``first`` and ``priority`` only one."""
        found = self.matcher(values)
        one = self.hit in ("first", "priority")
        if not found:
            return []
        named: dict[str, Any] | None = None
        hits = []
        for bit in bits(found):
            place = self.sequence[bit]
            conditions = self.rows[place].conditions
            if conditions:
                named = named or self.named(values)
                if not all(condition(named, {}) is True for condition in conditions):
                    continue
            hits.append(place)
            if one:
                break
        return hits

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of the inputs by name."""
        return {column.name: value for column, value in zip(self.inputs, values, strict=True)}

    def decide(self, values: Sequence[Any]) -> Decided:
        """What the table gives for these values of its inputs; nobody changes it. Raises Undecided."""
        if self._tests_bounds:
            self._check(values)
        settled = self._settled
        if settled is not None:
            found = self.matcher(values)
            # Where one row decides, and its outputs are constants, all there is to say was said beforehand.
            if found and (self._takes_first or not found & (found - 1)):
                return settled[(found & -found).bit_length() - 1]
        self._check(values)
        hits = self.holding(values)
        named = self.named(values)
        given = tuple(self._given(place, named) for place in hits)
        if self.hit in SINGLE:
            return self._single(hits, given, named)
        if self.hit in ("rule_order", "output_order", "collect"):
            if not hits and self.defaults is not None:
                return Decided([dict(self.defaults)], (), ())
            return Decided([dict(each) for each in given], tuple(hits), given)
        if not hits and self.defaults is not None:
            return Decided(self.defaults[self.outputs[0].name], (), ())
        return Decided(self._collected(given), tuple(hits), given)

    @cached_property
    def _tests_bounds(self) -> bool:
        return bool(self._bounds) and is_small(len(self.rows))

    def _check(self, values: Sequence[Any]) -> None:
        for place, holds in self._bounds:
            value = values[place]
            if value is not None and not holds(value):
                name = self.inputs[place].name
                raise Undecided("OUT_OF_RANGE", f"{name} is not what the table expects", case=f"{name} {show(value)}")

    @cached_property
    def _takes_first(self) -> bool:
        return self.hit in ("first", "priority")

    @cached_property
    def _settled(self) -> tuple[Decided, ...] | None:
        """What each row gives, in the sequence in which they are tried; None where that depends on the inputs."""
        if self.hit not in SINGLE or any(
            row.conditions or any(given.expression is not None for given in row.gives) for row in self.rows
        ):
            return None
        given = [(place, self._given(place, {})) for place in self.sequence]
        return tuple(Decided(each, (place,), (each,)) for place, each in given)

    @cached_property
    def _bounds(self) -> tuple[tuple[int, Callable[[Any], bool]], ...]:
        """For each input with a range or options, whether a value is expected."""
        found: list[tuple[int, Callable[[Any], bool]]] = []
        for place, (column, range_) in enumerate(zip(self.inputs, self.ranges, strict=True)):
            if range_ is not None:
                found.append((place, range_.holds))
            elif column.options:
                found.append((place, frozenset(column.options).__contains__))
        return tuple(found)

    def _given(self, place: int, named: Mapping[str, Any]) -> dict[str, Any]:
        gives = self.rows[place].gives
        return {column.name: each.of(named) for column, each in zip(self.outputs, gives, strict=True)}

    def _single(self, hits: Sequence[int], given: tuple[Mapping[str, Any], ...], named: Mapping[str, Any]) -> Decided:
        if not hits:
            if self.defaults is not None:
                return Decided(dict(self.defaults), (), ())
            case = ", ".join(f"{name} {show(value)}" for name, value in named.items())
            raise Undecided("NO_DECISION", "no row holds", case=case)
        if len(hits) > 1 and (self.hit == "unique" or any(each != given[0] for each in given[1:])):
            ids = ", ".join(self.rows[place].id for place in hits)
            raise Undecided("AMBIGUOUS_DECISION", f"these rows contradict each other: {ids}", tuple(hits))
        return Decided(dict(given[0]), tuple(hits), given)

    def _collected(self, given: Sequence[Mapping[str, Any]]) -> Any:
        """The one number that the hits make: nulls count for none."""
        name = self.outputs[0].name
        found = [each[name] for each in given if each[name] is not None]
        match self.hit:
            case "collect sum":
                return sum(found, Decimal(0) if self.outputs[0].type != "integer" else 0)
            case "collect min":
                return min(found, default=None)
            case "collect max":
                return max(found, default=None)
            case _:
                return len(found)
