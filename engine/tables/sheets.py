"""Tables as CSV and XLSX, out and in again: every cell is the very text that stands in the definition.

The columns go by their names, in any sequence. What a spreadsheet program makes of a cell on the way (numbers, dates)
is read as what it shows; what no longer says anything here (formulas, merged cells) is a problem at its cell.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from engine.errors import DefinitionError, Problem, Span
from engine.registry import did_you_mean
from engine.tables.grid import CellFault, Plain, read_grid

#: A workbook that unpacks to more bytes than this was made to fill the memory.
LARGEST_SHEET = 100 * 1024 * 1024
#: Widths of columns in a sheet, in characters.
NARROWEST, WIDEST = 8, 60
#: In which encodings a CSV file may be: ours, and what spreadsheet programs in China write.
ENCODINGS = ("utf-8-sig", "gb18030")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read of a file: its lines as texts, and its name for problems."""

    file: str
    lines: tuple[tuple[str, ...], ...]

    def span(self, line: int, column: int) -> Span:
        """The place of a cell, both numbers from 0."""
        return Span(self.file, line + 1, column + 1, line + 1, column + 2)

    def problem(self, code: str, message: str, line: int, column: int, hint: str | None = None) -> Problem:
        """A problem at a cell, which is named as people see it (``B3``)."""
        return Problem(code, f"{cell_name(line, column)}: {message}", self.span(line, column), hint)


def cell_name(line: int, column: int) -> str:
    """How spreadsheet programs call the cell; both numbers from 0."""
    return f"{get_column_letter(column + 1)}{line + 1}"


# Out ----------------------------------------------------------------------------------------------------------------


def to_csv(table: Plain) -> bytes:
    """The table as CSV in UTF-8, with the mark by which spreadsheet programs know that."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([table.heading, *table.rows])
    return text.getvalue().encode("utf-8-sig")


def to_xlsx(table: Plain, title: str) -> bytes:
    """The table as a workbook in which all cells are texts, so that nothing is taken for a formula or a date."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # a new workbook has one
    sheet.title = title[:31]
    for number, line in enumerate([table.heading, *table.rows], 1):
        for column, text in enumerate(line, 1):
            cell = sheet.cell(number, column, text)
            cell.data_type = "s"
            cell.number_format = "@"
            if number == 1:
                cell.font = Font(bold=True)
    for column, texts in enumerate(zip(table.heading, *table.rows, strict=True), 1):
        widest = max(len(text.encode("gb18030")) for text in texts)
        sheet.column_dimensions[get_column_letter(column)].width = min(max(widest + 2, NARROWEST), WIDEST)
    sheet.freeze_panes = "A2"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


# In -----------------------------------------------------------------------------------------------------------------


def read_sheet(file: str, content: bytes) -> Sheet:
    """The lines of a CSV or XLSX file. Raises DefinitionError for what cannot be read."""
    lines = _xlsx(file, content) if content[:2] == b"PK" else _csv(file, content)
    while lines and not any(lines[-1]):
        lines.pop()
    return Sheet(file, tuple(map(tuple, lines)))


def _whole(file: str, message: str) -> DefinitionError:
    return DefinitionError([Problem("E100", message, Span(file, 1, 1, 1, 1))])


def _csv(file: str, content: bytes) -> list[list[str]]:
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        heading = text.partition("\n")[0]
        delimiter = ";" if heading.count(";") > heading.count(",") else ","
        try:
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            return [[cell.strip() for cell in line] for line in lines]
        except csv.Error as error:
            raise _whole(file, f"this is no CSV: {error}") from error
    raise _whole(file, f"the text is in none of the encodings {', '.join(ENCODINGS)}")


def _xlsx(file: str, content: bytes) -> list[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_SHEET:
                raise _whole(file, "the workbook unpacks to more than a table can be")
        sheet = load_workbook(io.BytesIO(content)).active
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, ParseError) as error:
        raise _whole(file, f"this is no workbook: {error}") from error
    if sheet is None or not hasattr(sheet, "merged_cells"):
        raise _whole(file, "the workbook has no sheet with cells in front")
    here = Sheet(file, ())
    problems: list[Problem] = []
    for part in sheet.merged_cells.ranges:
        message, hint = f"the cells {part.coord} are merged", "take them apart, and fill each"
        problems.append(here.problem("E106", message, part.min_row - 1, part.min_col - 1, hint))
    lines: list[list[str]] = []
    for number, line in enumerate(sheet.iter_rows()):
        lines.append([])
        for column, cell in enumerate(line):
            if cell.data_type in ("f", "e"):
                what = "a formula" if cell.data_type == "f" else f"the error {cell.value}"
                hint = "put its value there; an expression is written in braces: `{amount * 2}`"
                problems.append(here.problem("E106", f"the cell holds {what}", number, column, hint))
            lines[-1].append(_shown(cell.value))
    if problems:
        raise DefinitionError(problems)
    return lines


def _shown(value: Any) -> str:
    """What a cell of a sheet says, as a definition writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        plain = Decimal(repr(value))
        return f"{plain.to_integral_value() if plain == plain.to_integral_value() else plain:f}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value).strip()


def as_table(sheet: Sheet, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[Plain, tuple[int, ...]]:
    """The table on a sheet, and for each of its columns that of the sheet. Raises DefinitionError.

    An empty cell of an input is ``-``.
    """
    if not sheet.lines:
        raise _whole(sheet.file, "the file is empty")
    heading = sheet.lines[0]
    width = max(index for index, name in enumerate(heading) if name) + 1 if any(heading) else 0
    problems = list(_heading_problems(sheet, heading[:width], [*inputs, *outputs]))
    ids = ["id"] if "id" in heading else []
    left = [place for place, name in enumerate(heading) if name in inputs]
    columns = tuple([heading.index(name) for name in ids] + left + [heading.index(n) for n in outputs if n in heading])
    rows: list[tuple[str, ...]] = []
    places: list[str] = []
    for number, line in enumerate(sheet.lines[1:], 1):
        if not any(line):
            continue
        if any(line[width:]):
            problems.append(sheet.problem("E410", "the row is longer than the heading", number, width))
        cells = [line[column] if column < len(line) else "" for column in columns]
        split = len(ids) + len(left)
        rows.append(tuple("-" if not text and n < split else _safe(text) for n, text in enumerate(cells)))
        places.append(str(number))
    if problems:
        raise DefinitionError(problems)
    names = tuple(heading[column] for column in columns)
    return Plain(names, len(ids) + len(left), tuple(rows), tuple(places)), columns


def _heading_problems(sheet: Sheet, heading: Sequence[str], known: Sequence[str]) -> Iterable[Problem]:
    for column, name in enumerate(heading):
        if name != "id" and name not in known:
            hint = did_you_mean(name, known) or f"columns are {', '.join(known)}"
            yield sheet.problem("E107", f"there is no column '{name}' in the table", 0, column, hint)
        elif name in heading[:column]:
            yield sheet.problem("E301", f"the column '{name}' stands twice", 0, column)
    missing = [name for name in known if name not in heading]
    if missing:
        yield sheet.problem("E105", f"a column is missing: {', '.join(missing)}", 0, 0)


def _safe(text: str) -> str:
    """The text of a cell so that it stays one cell: what would end it is put in quotes."""
    try:
        grid = read_grid(f"{text} || x")
    except CellFault:
        grid = None
    if len(text.splitlines()) <= 1 and grid is not None and not grid.faults and grid.heading is not None:
        cells = grid.heading.inputs
        if len(cells) == 1 and cells[0].text == text and not grid.heading.comment:
            return text
    return json.dumps(text, ensure_ascii=False)
