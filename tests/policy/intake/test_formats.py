"""Files and messages become raw records; what is wrong with one is told with its place, or refuses it whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from engine.catalog.kinds.channel import Intake
from engine.errors import BadRequest
from engine.policy.intake.formats import (
    LONGEST_CELL,
    MOST_COLUMNS,
    ROWS,
    Raw,
    csv_table,
    decode,
    json_records,
    sniff,
    table_records,
    xlsx_table,
)


def intake(**given_: Any) -> Intake:
    """The form of what arrives, as a channel says it."""
    from_yaml: dict[str, Any] = {"document": None, "path": (), **given_}
    return Intake(**from_yaml)


def read(text: str, *needed: str, **how: Any) -> list[Raw]:
    form = intake(format="csv", **how)
    return list(table_records(form, csv_table(form, io.StringIO(text, newline="")), needed))


def sheet(fill: Callable[[Any], None], name: str = "Sheet") -> bytes:
    book = Workbook()
    book.active.title = name
    fill(book.active)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read_sheet(data: bytes, *needed: str, **how: Any) -> list[Raw]:
    form = intake(format="xlsx", **how)
    return list(table_records(form, xlsx_table(form, data), needed))


def refused(work: Callable[[], Any]) -> tuple[str | None, str]:
    with pytest.raises(BadRequest) as caught:
        work()
    return caught.value.code, str(caught.value)


def faults(raws: list[Raw]) -> list[tuple[list[int], str]]:
    return [(raw.rows, raw.code) for raw in raws if raw.fault is not None]


# Encodings ------------------------------------------------------------------------------------------------------------

CHINESE = "编码,备注\n1,茶杯\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_declared_encodings_are_read(encoding: str) -> None:
    assert decode(intake(encoding=("UTF_8", "gbk")), CHINESE.encode(encoding)) == CHINESE


@pytest.mark.parametrize("data", [CHINESE.encode("gbk"), CHINESE.encode("utf-16"), b"a,b\n1,\0\n"])
def test_what_is_in_no_declared_encoding_is_refused_and_says_what_to_do(data: bytes) -> None:
    code, message = refused(lambda: decode(intake(), data))
    assert code == "WRONG_ENCODING"
    assert "utf-8" in message


# Tables ---------------------------------------------------------------------------------------------------------------


def test_missing_columns_are_named_with_what_was_found() -> None:
    code, message = refused(lambda: read("编码,备注\n1,x\n", "编码", "数量", "单价"))
    assert code == "MISSING_COLUMNS"
    assert "数量, 单价" in message
    assert "编码, 备注" in message


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_an_empty_file_has_no_columns(text: str) -> None:
    code, message = refused(lambda: read(text, "a"))
    assert code == "MISSING_COLUMNS"
    assert "found: none" in message


def test_a_file_with_nothing_but_its_columns_brings_nothing() -> None:
    assert read("a,b\n", "a") == []


def test_columns_that_stand_twice_are_refused() -> None:
    assert refused(lambda: read("a,b,a\n1,2,3\n", "a"))[0] == "COLUMN_TWICE"


def test_too_many_columns_are_refused() -> None:
    header = ",".join(f"c{at}" for at in range(MOST_COLUMNS + 1))
    assert refused(lambda: read(header + "\n"))[0] == "TOO_LARGE"


def test_names_of_columns_are_trimmed_and_columns_without_one_left_out() -> None:
    assert [raw.data for raw in read(" a ,b,\n1,2,x\n", "a")] == [{"a": "1", "b": "2"}]


def test_rows_with_too_few_or_too_many_cells_are_faults() -> None:
    assert faults(read("a,b\n1\n1,2\n1,2,3\n", "a")) == [([2], "WRONG_CELLS"), ([4], "WRONG_CELLS")]


@pytest.mark.parametrize("cell", ["=1+1", '"=HYPERLINK(""http://x"")"', "@SUM(A1)", '"\t=1"'])
def test_a_formula_in_a_cell_is_a_fault(cell: str) -> None:
    assert faults(read(f"a,b\n{cell},2\n1,2\n", "a")) == [([2], "FORMULA")]


@pytest.mark.parametrize("cell", ["-3", "+86 138", "a=b", " x"])
def test_what_only_looks_a_little_like_a_formula_is_none(cell: str) -> None:
    assert [raw.data["a"] for raw in read(f"a\n{cell}\n", "a")] == [cell]


def test_a_cell_may_be_too_long() -> None:
    assert faults(read(f"a\n{'x' * (LONGEST_CELL + 1)}\n{'x' * LONGEST_CELL}\n", "a")) == [([2], "CELL_TOO_LONG")]


def test_a_quote_that_never_ends_is_a_fault_of_its_row() -> None:
    raws = read('a,b\n1,2\n3,"4\n5,6\n', "a")
    assert [raw.data for raw in raws if raw.fault is None] == [{"a": "1", "b": "2"}]
    assert faults(raws) == [([3], "UNREADABLE")]


def test_text_after_a_quote_is_a_fault() -> None:
    assert faults(read('a,b\n1,"2"x\n3,4\n', "a")) == [([2], "UNREADABLE")]


def test_column_names_that_cannot_be_read_refuse_the_file() -> None:
    assert refused(lambda: read('a,"b\n1,2\n', "a"))[0] == "WRONG_FORMAT"


def test_rows_of_a_group_are_one_record_wherever_they_stand() -> None:
    first, second = read("no,x\n1,a\n2,b\n\n1,c\n", "x", group=("no",))
    assert (first.rows, [row["x"] for row in first.data[ROWS]]) == ([2, 5], ["a", "c"])
    assert (second.rows, second.data["no"]) == ([3], "2")


def test_a_bad_row_spoils_its_whole_group_and_no_other() -> None:
    raws = read("no,x\n1,a\n2,b\n1,c,d\n1,=e\n", "x", group=("no",))
    assert faults(raws) == [([2, 4, 5], "WRONG_CELLS")]
    assert "row 4" in (raws[0].fault or "")


def test_another_delimiter() -> None:
    assert read("a;b\n1,5;2\n", "a", delimiter=";")[0].data == {"a": "1,5", "b": "2"}


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_what_is_written_is_read_or_told_of(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("a", "b"), *rows])
    raws = read(out.getvalue(), "a")
    assert len(raws) == len(rows)
    for raw, (a, b) in zip(raws, rows, strict=True):
        is_formula = a.startswith(("=", "@", "\t", "\r")) or b.startswith(("=", "@", "\t", "\r"))
        assert (raw.code == "FORMULA") is is_formula
        assert raw.data == {"a": a, "b": b}


# Sheets ---------------------------------------------------------------------------------------------------------------


def test_numbers_and_dates_of_a_sheet_become_texts() -> None:
    def fill(found: Any) -> None:
        found.append(["a", "b", "c", "d", "e", "f"])
        found.append([34, 2.5, date(2026, 5, 1), datetime(2026, 5, 1, 8, 30), True, "007"])  # noqa: DTZ001  as stored
        found.append([])
        found.append([0.1 + 0.2, 1e15, None, "2", False, " x "])

    first, second = read_sheet(sheet(fill), "a")
    assert list(first.data.values()) == ["34", "2.5", "2026-05-01", "2026-05-01 08:30:00", "true", "007"]
    assert list(second.data.values()) == ["0.3", "1000000000000000", "", "2", "false", " x "]
    assert (first.rows, second.rows) == ([2], [4])


def test_a_formula_counts_by_what_it_last_came_to() -> None:
    # Written by a program that works nothing out: there is no last value, and nothing is guessed.
    [raw] = read_sheet(sheet(lambda found: (found.append(["a", "b"]), found.append([1, "=1+1"]))), "a")
    assert raw.data == {"a": "1", "b": ""}


def test_a_text_that_is_a_formula_is_a_fault() -> None:
    def fill(found: Any) -> None:
        found.append(["a"])
        found.append(["x"])
        found["A2"].value = "=1+1"
        found["A2"].data_type = "s"

    assert faults(read_sheet(sheet(fill), "a")) == [([2], "FORMULA")]


def test_a_sheet_that_is_not_there_is_named_with_those_that_are() -> None:
    data = sheet(lambda found: found.append(["a"]), "订单")
    code, message = refused(lambda: read_sheet(data, "a", sheet="orders"))
    assert code == "NO_SHEET"
    assert "订单" in message


def test_an_empty_sheet_has_no_columns() -> None:
    assert refused(lambda: read_sheet(sheet(lambda _: None), "a"))[0] == "MISSING_COLUMNS"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"PK\x03\x04" + b"\0" * 500])
def test_what_is_no_sheet_is_refused(data: bytes) -> None:
    assert refused(lambda: read_sheet(data, "a"))[0] == "WRONG_FORMAT"


def test_a_cut_off_sheet_is_refused() -> None:
    data = sheet(lambda found: found.append(["a"]))
    assert refused(lambda: read_sheet(data[: len(data) // 2], "a"))[0] == "WRONG_FORMAT"


# Messages -------------------------------------------------------------------------------------------------------------


def test_records_stand_where_each_says() -> None:
    raws = list(json_records(intake(each="$.a[*]"), {"a": [{"x": 1}, 2]}))
    assert [(raw.data, raw.rows, raw.fault is None) for raw in raws] == [({"x": 1}, [1], True), (2, [2], False)]


@pytest.mark.parametrize("value", [{}, {"a": []}, {"a": {}}, [], None, 1])
def test_nothing_there_is_said_so(value: Any) -> None:
    assert refused(lambda: list(json_records(intake(each="$.a[*]"), value)))[0] == "NO_RECORDS"


@pytest.mark.parametrize(
    ("formats", "media_type", "name", "head", "found"),
    [
        (("csv", "xlsx"), "text/csv; charset=utf-8", "", b"", "csv"),
        (("csv", "xlsx"), "application/octet-stream", "orders.XLSX", b"", "xlsx"),
        (("csv", "json"), "", "orders.csv.gz", b"", "csv"),
        (("csv", "xlsx"), "", "", b"PK\x03\x04", "xlsx"),
        (("csv", "json"), "", "", b' {"a"', "json"),
        ("json", "", "", b"nonsense", "json"),
        ("csv", "application/json", "", b"a,b", "csv"),
    ],
)
def test_the_format_is_told_by_type_then_name_then_first_bytes(
    formats: Any, media_type: str, name: str, head: bytes, found: str
) -> None:
    assert sniff(intake(format=formats), media_type, name, head) == found


def test_a_format_that_the_channel_does_not_take_is_refused() -> None:
    code, message = refused(lambda: sniff(intake(format="json"), "text/csv", "a.csv", b"a,b"))
    assert code == "WRONG_FORMAT"
    assert "json" in message


def test_the_sample_reads_whole() -> None:
    text = (Path(__file__).parents[2] / "data/online-retail-sample.csv").read_text("utf-8")
    assert len(read(text, "InvoiceNo")) == text.count("\n") - 1
