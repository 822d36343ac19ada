"""Tables as CSV and XLSX: nothing is lost on the way, and what cannot be read is told at its cell."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from engine.errors import DefinitionError
from engine.tables.grid import Plain, plain, written
from engine.tables.sheets import as_table, read_sheet, to_csv, to_xlsx

HEADING = ("id", "n", "kind", "out")
TABLE = Plain(
    HEADING,
    3,
    (
        ("r1", ">= 5", "-", "大额，加急"),
        ("r2", "[1..5)", '"a | b", c', '"x # y"'),
        ("r3", "-", "not (a)", "{n * 0.5}"),
        ("r4", "0050", "null", ""),
        ("r5", "-", "-", "-"),
    ),
)


def cells(content: bytes, file: str = "it") -> Plain:
    return as_table(read_sheet(file, content), ["n", "kind"], ["out"])[0]


def same(one: Plain, other: Plain) -> bool:
    return (one.heading, one.split, one.rows) == (other.heading, other.split, other.rows)


@pytest.mark.parametrize("make", [to_csv, lambda table: to_xlsx(table, "it")])
def test_out_and_in_again(make: Any) -> None:
    assert same(cells(make(TABLE)), TABLE)


TEXTS = st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters='|#"\\{}'), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=5, unique_by=lambda row: row[0]))
def test_any_text_survives(rows: list[tuple[str, str, str, str]]) -> None:
    table = plain(written(Plain(HEADING, 3, tuple(rows))))
    assert same(cells(to_csv(table)), table)
    assert same(cells(to_xlsx(table, "it")), table)


def test_what_would_end_a_cell_comes_in_quoted() -> None:
    table = cells(b'id,n,kind,out\nr1,1,a,"one | two"\nr2,2,b,"a\nb"\nr3,3,c,5 # 6\n')
    assert [row[3] for row in table.rows] == ['"one | two"', '"a\\nb"', '"5 # 6"']
    assert same(plain(written(table)), table)


def test_columns_go_by_their_names_and_an_empty_input_is_anything() -> None:
    table = cells("out;kind;n\nx;;5\n".encode("utf-8-sig"))
    assert (table.heading, table.rows) == (("kind", "n", "out"), (("-", "5", "x"),))


def test_a_file_of_a_chinese_spreadsheet_program() -> None:
    assert cells("n,kind,out\n1,-,大额\n".encode("gb18030")).rows == (("1", "-", "大额"),)


def book(*lines: tuple[Any, ...]) -> Workbook:
    made = Workbook()
    for line in lines:
        made.active.append(line)
    return made


def saved(made: Workbook) -> bytes:
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def test_numbers_and_dates_are_what_they_show() -> None:
    made = book(("n", "kind", "out"), (5, 0.1, True), (5.0, date(2026, 1, 31), None))
    assert cells(saved(made)).rows == (("5", "0.1", "true"), ("5", "2026-01-31", ""))


def test_what_is_exported_is_text_in_every_cell() -> None:
    sheet = load_workbook(io.BytesIO(to_xlsx(Plain(("n", "out"), 1, (("== 5", "=1+1"),)), "it"))).active
    assert sheet is not None
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [("== 5", "s"), ("=1+1", "s")]


def told(content: bytes) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        cells(content, "it.xlsx")
    return [str(problem) for problem in caught.value.problems]


def test_merged_cells_and_formulas_are_told_at_their_cells() -> None:
    made = book(("n", "kind", "out"), (1, "a", "=1+1"), (2, "b", "x"), (3, None, "y"))
    made.active.merge_cells("B3:B4")
    merged, formula = told(saved(made))
    assert merged.startswith("it.xlsx:3:2: E106 B3: the cells B3:B4 are merged")
    assert formula.startswith("it.xlsx:2:3: E106 C2: the cell holds a formula")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n,kind,aut\n", "C1: there is no column 'aut' in the table; did you mean 'out'?"),
        ("n,kind\n", "A1: a column is missing: out"),
        ("n,n,kind,out\n", "B1: the column 'n' stands twice"),
        ("n,kind,out\n1,a,x,more\n", "D2: the row is longer than the heading"),
        ("", "the file is empty"),
        ("n\0,kind,out\n", "none of the encodings"),
    ],
)
def test_a_bad_sheet(text: str, expected: str) -> None:
    assert any(expected in problem for problem in told(text.encode()))


@pytest.mark.parametrize("content", [b"PK", b"PK\x03\x04 no workbook at all"])
def test_no_workbook(content: bytes) -> None:
    assert "this is no workbook" in told(content)[0]
