"""Finds the rows that take some values: by an index of bits for each column, or for a few rows by code made for them.

Both give a number whose bits are the rows, in the sequence in which they are to be tried.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.tables.axis import Axis, runs
from engine.tables.cells import Interval, Test

Matcher = Callable[[Sequence[Any]], int]

#: Up to so many rows, testing one after the other is faster than looking up each column.
MOST_GENERATED = 8


def is_small(rows: int) -> bool:
    """Whether so many rows are tested one after the other. Then the range of the inputs is tested before."""
    return rows <= MOST_GENERATED


def matcher(axes: Sequence[Axis], rows: Sequence[Sequence[Test]], *, first_only: bool) -> Matcher:
    """The way to find the rows that suits the table. ``first_only``: more than one row is never asked for."""
    if is_small(len(rows)):
        return generated(rows, first_only=first_only)
    return indexed(axes, rows)


def naive(rows: Sequence[Sequence[Test]]) -> Matcher:
    """The plain way, which the others are held against."""

    def match(values: Sequence[Any]) -> int:
        found = 0
        for number, row in enumerate(rows):
            if all(test.holds(value) for test, value in zip(row, values, strict=True)):
                found |= 1 << number
        return found

    return match


# An index of bits ---------------------------------------------------------------------------------------------------


def masks(axis: Axis, tests: Sequence[Test]) -> list[int]:
    """For each piece of the column, the rows whose cell takes it."""
    changes = [0] * (axis.null + 2)
    for number, test in enumerate(tests):
        for first, last in runs(axis.pieces(test)):
            changes[first] ^= 1 << number
            changes[last + 1] ^= 1 << number
    found, present = [], 0
    for change in changes[:-1]:
        present ^= change
        found.append(present)
    return found


def indexed(axes: Sequence[Axis], rows: Sequence[Sequence[Test]]) -> Matcher:
    """A matcher whose work hardly grows with the rows: each column gives the rows that are left. It gives none for
    values that are not expected."""
    everything = (1 << len(rows)) - 1
    columns: list[tuple[int, Callable[[Any], int]]] = []
    for place, axis in enumerate(axes):
        tests = [row[place] for row in rows]
        # A column in which all cells are `-` decides nothing.
        if any(not test.anything for test in tests) or axis.expected != (2 << axis.null) - 1:
            found = masks(axis, tests)
            # A value that is not expected leaves no row, whatever the cells say.
            columns.append((place, _lookup(axis, [m if axis.expected >> n & 1 else 0 for n, m in enumerate(found)])))

    def match(values: Sequence[Any]) -> int:
        found = everything
        for place, lookup in columns:
            found &= lookup(values[place])
            if not found:
                return 0
        return found

    return match


def _lookup(axis: Axis, found: list[int]) -> Callable[[Any], int]:
    null = found[axis.null]
    if not axis.column.ordered:
        by_value: Mapping[Any, int] = {None: null, **{value: found[axis.piece(value)] for value in axis.points}}
        others = found[axis.null - 1]
        return lambda value: by_value.get(value, others)
    points = axis.points
    between, at = found[0 : axis.null : 2], [*found[1 : axis.null : 2], 0]
    last = len(points)

    def look_up(value: Any) -> int:
        if value is None:
            return null
        place = bisect_left(points, value)
        return at[place] if place < last and points[place] == value else between[place]

    return look_up


# Code for a few rows ------------------------------------------------------------------------------------------------


def generated(rows: Sequence[Sequence[Test]], *, first_only: bool) -> Matcher:
    """A function of one comparison after the other, as a programmer would write it."""
    constants: dict[str, Any] = {}

    def constant(value: Any) -> str:
        name = f"c{len(constants)}"
        constants[name] = value
        return name

    width = len(rows[0]) if rows else 0
    lines = ["def match(values):"]
    if width:
        lines.append(f"    {''.join(f'v{place}, ' for place in range(width))}= values")
    lines.append("    found = 0")
    for number, row in enumerate(rows):
        tests = [_source(f"v{place}", test, constant) for place, test in enumerate(row)]
        condition = " and ".join(test for test in tests if test) or "True"
        lines.append(f"    if {condition}:")
        lines.append(f"        return {1 << number}" if first_only else f"        found |= {1 << number}")
    lines.append("    return found")
    namespace: dict[str, Any] = {"__builtins__": {}, **constants}
    exec(compile("\n".join(lines), "<table>", "exec"), namespace)  # names and constants of ours only
    made: Matcher = namespace["match"]
    return made


def _source(name: str, test: Test, constant: Callable[[Any], str]) -> str:
    """Python for one cell; empty where it takes anything."""
    if test.anything or test.expression is not None:
        return ""
    parts = [_interval_source(name, part, constant) for part in test.intervals]
    if len(test.values) == 1:
        parts.append(f"{name} == {constant(next(iter(test.values)))}")
    elif test.values:
        parts.append(f"{name} in {constant(test.values)}")
    inner = " or ".join(parts) or "False"
    if test.negated:
        return f"({name} is not None and not ({inner}))"
    if test.null:
        return f"({name} is None or {inner})"
    return f"({name} is not None and ({inner}))"


def _interval_source(name: str, part: Interval, constant: Callable[[Any], str]) -> str:
    if part.low is not None and part.low == part.high:
        return f"{name} == {constant(part.low)}"
    low = "" if part.low is None else f"{constant(part.low)} {'<=' if part.has_low else '<'} "
    high = "" if part.high is None else f" {'<=' if part.has_high else '<'} {constant(part.high)}"
    return f"{low}{name}{high}" if low or high else "True"
