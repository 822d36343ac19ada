"""Random tables and values for them: small domains, so that rows meet and every case can be tried."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import Any, get_args

from hypothesis import strategies as st

from engine.tables.cells import Interval, Test
from engine.tables.columns import Column
from engine.tables.grid import Cell
from engine.tables.rules import Hit, Output, Row, Rules

NUMBER = Column("number", "integer", nullable=True)
AMOUNT = Column("amount", "decimal")
KIND = Column("kind", "choice", ("a", "b", "c"))
NAME = Column("name", "text", nullable=True)
FLAG = Column("flag", "boolean")
COLUMNS = (NUMBER, AMOUNT, KIND, NAME, FLAG)
OUTPUT = Column("out", "choice", ("x", "y", "z"))
SCORE = Column("score", "integer")

#: Values of which each piece of a column that the cells below can cut has at least one.
VALUES: dict[str, list[Any]] = {
    "number": [None, *range(-1, 7)],
    "amount": [Decimal(n) / 2 for n in range(-2, 14)],
    "kind": ["a", "b", "c"],
    "name": [None, "p", "q", "other"],
    "flag": [True, False],
}
RANGES = {"number": Interval(-1, 6), "amount": Interval(Decimal(-1), Decimal("6.5"))}


@st.composite
def intervals(draw: st.DrawFn, column: Column) -> Interval:
    make = int if column.type == "integer" else Decimal
    low, high = sorted(draw(st.tuples(st.integers(0, 5), st.integers(0, 5))))
    closed = low == high
    return Interval(
        None if not closed and draw(st.booleans()) else make(low),
        None if not closed and draw(st.booleans()) else make(high),
        closed or draw(st.booleans()),
        closed or draw(st.booleans()),
    )


@st.composite
def tests(draw: st.DrawFn, column: Column) -> Test:
    if draw(st.integers(0, 2)) == 0:
        return Test(anything=True)
    null, negated = draw(st.booleans()), draw(st.booleans())
    if column.ordered:
        return Test(False, null, negated, intervals=tuple(draw(st.lists(intervals(column), min_size=1, max_size=2))))
    known = [value for value in VALUES[column.name] if value not in (None, "other")]
    return Test(False, null, negated, frozenset(draw(st.lists(st.sampled_from(known), min_size=1, max_size=2))))


@st.composite
def rules(draw: st.DrawFn, hit: Hit | None = None, most_rows: int = 14) -> Rules:
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True))
    hit = hit or draw(st.sampled_from(get_args(Hit)))
    outputs = (SCORE,) if hit.startswith("collect ") else (OUTPUT, SCORE)
    values = {"out": st.sampled_from([None, *OUTPUT.options]), "score": st.none() | st.integers(0, 3)}
    rows = tuple(
        Row(
            str(number),
            tuple(draw(tests(column)) for column in columns),
            tuple(Output(draw(values[column.name])) for column in outputs),
            Cell("", 0, 0),
        )
        for number in range(draw(st.integers(0, most_rows)))
    )
    return Rules(hit, tuple(columns), outputs, rows, tuple(RANGES.get(column.name) for column in columns))


def every_case(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    return list(product(*(VALUES[column.name] for column in columns)))


def taken(rows: Sequence[Sequence[Test]], values: Sequence[Any]) -> list[int]:
    """The rows that take the values, found in the plainest way."""
    return [
        number
        for number, row in enumerate(rows)
        if all(test.holds(value) for test, value in zip(row, values, strict=True))
    ]
