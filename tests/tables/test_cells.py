"""What may stand in a cell, and what it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from engine.tables.axis import Axis
from engine.tables.cells import interval, read_given, read_test
from engine.tables.columns import Column, TypeName
from engine.tables.grid import Cell, CellFault, plain, read_grid, written

D = Decimal


def column(type_: TypeName) -> Column:
    return Column("it", type_, ("A", "B", "C") if type_ == "choice" else ())


@pytest.mark.parametrize(
    ("type_", "text", "takes", "leaves"),
    [
        ("integer", "-", [1, None], []),
        ("integer", "3", [3], [2, None]),
        ("integer", "== 3", [3], [2]),
        ("integer", "!= 3", [2, 4], [3, None]),
        ("integer", "< 3", [2], [3]),
        ("integer", "≥ 3", [3, 4], [2]),
        ("integer", "[3..5)", [3, 4], [5, 2]),
        ("integer", "(3..5]", [4, 5], [3]),
        ("integer", "[3..)", [3, 99], [2]),
        ("integer", "1, > 5, [3..4]", [1, 3, 6], [2, 5]),
        ("integer", "null", [None], [0]),
        ("integer", "null, 3", [None, 3], [4]),
        ("integer", "not null", [0], [None]),
        ("integer", "not (1, [3..5])", [2, 6], [1, 4, None]),
        ("money", "-5.25", [D("-5.25")], [D("5.25")]),
        ("percent", "13%", [D("0.13")], [D(13)]),
        ("decimal", "[0.1..0.2]", [D("0.15"), D("0.10")], [D("0.201")]),
        ("choice", "A, B", ["A"], ["C", None]),
        ("choice", "not (A)", ["B"], ["A", None]),
        ("choice", "not A, B", ["C"], ["A", "B"]),
        ("text", "你好", ["你好"], ["你"]),
        ("text", '"a, b", c', ["a, b", "c"], ["a"]),
        ("text", "not (x)", ["not", "y"], ["x"]),
        ("text", "not x", ["not x"], ["y"]),  # a text may begin so: only brackets negate
        ("text", '"null"', ["null"], [None]),
        ("boolean", "true", [True], [False, None]),
        ("date", ">= 2026-02-01", [date(2026, 2, 1)], [date(2026, 1, 31)]),
        ("datetime", "< 2026-02-01T00:00+08:00", [datetime(2026, 1, 31, 15, 59, tzinfo=UTC)],
         [datetime(2026, 1, 31, 16, 0, tzinfo=UTC)]),
        ("time", "[08:30..17:00)", [time(8, 30)], [time(17)]),
    ],
)  # fmt: skip
def test_a_cell_takes(type_: TypeName, text: str, takes: list[Any], leaves: list[Any]) -> None:
    test = read_test(Cell(text, 0, len(text)), column(type_))
    axis = Axis(column(type_), [test])
    for value in [*takes, *leaves]:
        assert test.holds(value) == (value in takes), value
        assert bool(axis.pieces(test) >> axis.piece(value) & 1) == (value in takes), value


@pytest.mark.parametrize(
    ("type_", "text", "start", "words", "hint"),
    [
        ("integer", "[5..3]", 0, "upside down", "`[3..5]`"),
        ("integer", "[5..5)", 0, "empty", "`5`"),
        ("integer", "1, twelve", 3, "'twelve' is no number", "braces"),
        ("integer", "1.5", 0, "whole number", None),
        ("money", "1.005", 0, "two digits", None),
        ("choice", "A, D", 3, "'D' is no value", "one of A, B, C"),
        ("choice", "> A", 0, "not compared", None),
        ("text", "", 0, "is empty", "`-`"),
        ("integer", "{1 + 1", 0, "not closed", "`}`"),
        ("integer", "1e999999999", 0, "28 digits", None),
        ("integer", "NaN", 0, "is no number", None),
        ("integer", "１２", 0, "is no number", None),
    ],
)
def test_a_cell_that_says_nothing(type_: TypeName, text: str, start: int, words: str, hint: str | None) -> None:
    with pytest.raises(CellFault, match=words) as caught:
        read_test(Cell(text, 0, len(text)), column(type_))
    assert caught.value.start == start
    assert hint is None or hint in str(caught.value.hint)


def test_outputs() -> None:
    assert read_given(Cell("", 0, 0), column("integer")).value is None
    assert read_given(Cell("13%", 0, 3), column("percent")).value == D("0.13")
    expression = read_given(Cell("{ n + 1 }", 10, 19), column("integer")).expression
    assert expression == Cell("n + 1", 12, 17)


def test_an_interval_of_text_is_refused() -> None:
    with pytest.raises(CellFault):
        interval(Cell("[a..b]", 0, 6), column("text"))


TEXT = """\
# who does it
id | n      || out          # the heading
# for the small ones
a  | < 3    || "x | # y"    # quoted

b  | [3..5) || 好
"""


def test_a_grid_knows_where_its_cells_stand() -> None:
    grid = read_grid(TEXT)
    assert grid.heading is not None
    assert not grid.faults
    for line in (grid.heading, *grid.rows):
        for cell in (*line.inputs, *line.outputs):
            assert TEXT[cell.start : cell.end] == cell.text
    assert [cell.text for cell in grid.rows[0].outputs] == ['"x | # y"']
    assert [line.comment for line in (grid.heading, *grid.rows)] == ["# the heading", "# quoted", ""]


def test_written_again_the_cells_are_the_same_and_comments_stay_with_their_rows() -> None:
    again = written(plain(TEXT), TEXT)
    assert plain(again) == plain(TEXT)
    assert again.splitlines() == [
        "# who does it",
        "id | n      || out   # the heading",
        "# for the small ones",
        'a  | < 3    || "x | # y"   # quoted',
        "b  | [3..5) || 好",
    ]
    assert written(plain(again), again) == again
