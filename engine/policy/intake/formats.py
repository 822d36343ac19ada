"""The formats of what arrives: JSON, CSV and XLSX to raw records, one at a time, so that a large file needs little
memory.

A raw record is plain data with its place: the row of the file, or the position in the message. Rows of a table that
share the ``group`` columns are one record: its columns are those of the first row, and ``rows`` holds all of them.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from engine.catalog.kinds.channel import Intake
from engine.catalog.paths import every
from engine.errors import BadRequest

#: A cell longer than this is no cell of a table; neither is a row with more columns.
LONGEST_CELL = 32_767
MOST_COLUMNS = 1_000
#: A sheet that unpacks to more bytes than this was made to fill the memory.
LARGEST_SHEET = 1024 * 1024 * 1024
#: What a spreadsheet program would run when a person opens the file that we export it to.
FORMULA_STARTS = ("=", "@", "\t", "\r")

ROWS = "rows"


@dataclass(slots=True)
class Raw:
    """One record as it arrived. ``rows`` are the numbers of its rows in the file (1 is the first line), or its position
    in the message. ``fault`` is set when it could not even be read."""

    data: Any
    rows: list[int]
    fault: str | None = None
    code: str = "UNREADABLE"


@dataclass(slots=True)
class Table:
    """The rows of a table under their column names, read as they are asked for."""

    columns: list[str]
    rows: Iterator[tuple[int, list[Any]]]


def sniff(intake: Intake, media_type: str, filename: str, head: bytes) -> str:
    """Which of the channel's formats this is: by content type, then file name, then first bytes.
    BadRequest when none."""
    known = (intake.format,) if isinstance(intake.format, str) else intake.format
    said = {
        "application/json": "json",
        "text/csv": "csv",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    }.get(media_type.partition(";")[0].strip().lower())
    ending = filename.lower().removesuffix(".gz").rpartition(".")[2]
    by_bytes = "xlsx" if head.startswith(b"PK\x03\x04") else "json" if head.lstrip()[:1] in (b"{", b"[") else "csv"
    for guess in (said, ending, by_bytes):
        if guess in known:
            return guess
    if len(known) == 1 and said is None and by_bytes == "csv":
        return known[0]  # nothing else announced itself: reading it says best what is wrong with it
    raise BadRequest(f"this channel takes {', '.join(known)}", code="WRONG_FORMAT")


def json_records(intake: Intake, value: Any) -> Iterator[Raw]:
    """The records of a JSON value: those that ``each`` leads to, or the value itself."""
    found = every(intake.each)(value) if intake.each else [value]
    if not found:
        raise BadRequest(f"nothing stands at {intake.each}", code="NO_RECORDS")
    for position, data in enumerate(found, 1):
        yield (
            Raw(data, [position])
            if isinstance(data, dict)
            else Raw(data, [position], "expected an object", "VALUE_TYPE")
        )


def decode(intake: Intake, data: bytes) -> str:
    """The text of a CSV file in the first of the declared encodings that fits. BadRequest when none does: a guess would
    turn names into other names."""
    for encoding in intake.encoding:
        try:
            text = data.decode("utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    names = ", ".join(intake.encoding)
    raise BadRequest(f"the file is not in {names}: save it in one of these, or add its encoding", code="WRONG_ENCODING")


def csv_table(intake: Intake, lines: Iterable[str]) -> Table:
    """The table of a CSV text. Rows with too many or too few cells are kept as faults, not cut or filled."""
    reader = csv.reader(lines, delimiter=intake.delimiter, strict=True)

    def rows() -> Iterator[tuple[int, list[Any]]]:
        while True:
            first = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield first, [_Unreadable(str(error))]
                continue
            if cells:
                yield first, cells

    following = rows()
    _, header = next(following, (0, []))
    if header and isinstance(header[0], _Unreadable):
        raise BadRequest(f"the line of column names cannot be read: {header[0].message}", code="WRONG_FORMAT")
    return Table([str(name).strip() for name in header], following)


def xlsx_table(intake: Intake, data: bytes) -> Table:
    """The table of a sheet. Values are taken as stored: what a formula last came to, numbers exactly as they are shown
    in full, dates as dates."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST_SHEET:
                raise BadRequest("this sheet unpacks to more than can be read", code="TOO_LARGE")
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        name = intake.sheet or book.sheet_names[0]
        if name not in book.sheet_names:
            raise BadRequest(f"there is no sheet {name!r}; there are {', '.join(book.sheet_names)}", code="NO_SHEET")
        sheet = book.get_sheet_by_name(name)
        if sheet.total_width > MOST_COLUMNS:
            raise BadRequest(f"a sheet of {sheet.total_width} columns; {MOST_COLUMNS} are the most", code="TOO_LARGE")
        cells = sheet.to_python(skip_empty_area=False)
    except (CalamineError, IndexError, zipfile.BadZipFile) as error:
        raise BadRequest(f"this is no XLSX file that can be read: {error}", code="WRONG_FORMAT") from None
    header, body = (cells[0], cells[1:]) if cells else ([], [])
    rows = (
        (number, [_cell(cell) for cell in row]) for number, row in enumerate(body, 2) if any(cell != "" for cell in row)
    )
    return Table([str(name).strip() for name in header], rows)


def _cell(value: Any) -> Any:
    """A cell of a sheet as text: 34.0 is 34, a date is ISO 8601."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    message: str


def table_records(intake: Intake, table: Table, needed: Sequence[str]) -> Iterator[Raw]:
    """The records of a table. ``needed`` are the columns that the channel's map reads: BadRequest names those missing.

    Rows of one record need not follow each other; a record comes when the file is at its end, unless no ``group`` is
    declared: then every row is one.
    """
    if len(table.columns) > MOST_COLUMNS:
        raise BadRequest(f"a table of {len(table.columns)} columns; {MOST_COLUMNS} are the most", code="TOO_LARGE")
    missing = [name for name in dict.fromkeys((*intake.group, *needed)) if name not in table.columns]
    if missing:
        found = ", ".join(table.columns[:40]) or "none"
        raise BadRequest(f"the columns {', '.join(missing)} are missing; found: {found}", code="MISSING_COLUMNS")
    twice = sorted({name for name in table.columns if name and table.columns.count(name) > 1})
    if twice:
        raise BadRequest(f"the columns {', '.join(twice)} stand twice", code="COLUMN_TWICE")
    rows = (_row(table.columns, number, cells) for number, cells in table.rows)
    yield from _grouped(intake.group, rows) if intake.group else rows


def _row(columns: Sequence[str], number: int, cells: Sequence[Any]) -> Raw:
    if cells and isinstance(cells[0], _Unreadable):
        return Raw({}, [number], cells[0].message)
    if len(cells) != len(columns):
        return Raw(
            dict(zip(columns, cells, strict=False)),
            [number],
            f"{len(cells)} cells under {len(columns)} columns",
            "WRONG_CELLS",
        )
    data = {name: cell for name, cell in zip(columns, cells, strict=True) if name}
    for name, cell in data.items():
        if isinstance(cell, str):
            if len(cell) > LONGEST_CELL:
                return Raw(data, [number], f"{name}: a cell of {len(cell)} characters", "CELL_TOO_LONG")
            if cell.startswith(FORMULA_STARTS):
                return Raw(data, [number], f"{name}: a formula where a value is expected: {cell[:60]!r}", "FORMULA")
    return Raw(data, [number])


def _grouped(group: Sequence[str], rows: Iterator[Raw]) -> Iterator[Raw]:
    """A record for each value of the group columns, in the order of their first rows. A row that cannot be read stands
    alone, and spoils the record that its group columns name, if they can be read: half a record would be a wrong one.
    """
    records: dict[tuple[Any, ...], Raw] = {}
    for row in rows:
        key = tuple(row.data.get(name) for name in group)
        if row.fault is not None and None in key:
            yield row
            continue
        record = records.get(key)
        if record is None:
            record = records[key] = Raw({**row.data, ROWS: []}, [])
        record.data[ROWS].append(row.data)
        record.rows.extend(row.rows)
        if row.fault is not None and record.fault is None:
            record.fault, record.code = f"row {row.rows[0]}: {row.fault}", row.code
    yield from records.values()
