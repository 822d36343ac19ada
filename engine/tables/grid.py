"""A table as text: one line a row, cells between ``|``, outputs after ``||``; and the way back to such a text.

id | amount  | level || route
r1 | >= 5000 | A, B  || "a | b"    # a comment
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn


class CellFault(ValueError):
    """Something wrong in a table's text, from one character to another, and the likely fix."""

    def __init__(self, message: str, start: int, end: int, hint: str | None = None, code: str = "E107") -> None:
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, and where it stands in the text of the table."""

    text: str
    start: int
    end: int

    def fail(self, message: str, hint: str | None = None, code: str = "E107") -> NoReturn:
        """Raises a CellFault about the whole cell."""
        raise CellFault(message, self.start, self.end, hint, code)

    def part(self, start: int, end: int) -> Cell:
        """The characters from start to end of it, without white space around."""
        text = self.text[start:end]
        start += len(text) - len(text.lstrip())
        text = text.strip()
        return Cell(text, self.start + start, self.start + start + len(text))


@dataclass(frozen=True, slots=True)
class Line:
    """One line with cells: those before and those after ``||``. ``start`` and ``end`` enclose them all."""

    inputs: tuple[Cell, ...]
    outputs: tuple[Cell, ...]
    start: int
    end: int
    comment: str = ""

    @property
    def whole(self) -> Cell:
        """The line as one cell, to complain about."""
        return Cell("", self.start, self.end)


@dataclass(frozen=True, slots=True)
class Grid:
    """The heading and the rows of a table's text, and what is wrong with lines that could not be read."""

    heading: Line | None
    rows: tuple[Line, ...]
    faults: tuple[CellFault, ...]


def read_grid(text: str) -> Grid:
    """The grid of a text. Lines that are empty or only a comment count for nothing."""
    lines: list[Line] = []
    faults: list[CellFault] = []
    at = 0
    for raw in text.splitlines(keepends=True):
        try:
            line = _line(raw.rstrip("\r\n"), at)
            if line is not None:
                lines.append(line)
        except CellFault as fault:
            faults.append(fault)
        at += len(raw)
    return Grid(lines[0] if lines else None, tuple(lines[1:]), tuple(faults))


def _line(text: str, at: int) -> Line | None:
    bars, end = _bars(text, at)
    body = text[:end]
    if not body.strip():
        return None
    whole = Cell(body, at, at + len(body)).part(0, len(body))
    doubles = [bar for bar, after in pairwise(bars) if after == bar + 1]
    if len(doubles) != 1:
        what = "two `||`" if doubles else "no `||`"
        whole.fail(f"a row has {what}", "write `||` once, between the inputs and the outputs", "E106")
    middle = doubles[0]
    cells = Cell(body, at, at + len(body))
    left = _between(cells, 0, middle, [bar for bar in bars if bar < middle])
    right = _between(cells, middle + 2, len(body), [bar for bar in bars if bar > middle + 1])
    return Line(left, right, whole.start, whole.end, text[end:].strip())


def _between(cells: Cell, start: int, end: int, bars: Sequence[int]) -> tuple[Cell, ...]:
    edges = [start - 1, *bars, end]
    return tuple(cells.part(left + 1, right) for left, right in pairwise(edges))


def _bars(text: str, at: int) -> tuple[list[int], int]:
    """Where the bars stand that no quotes enclose, and where a comment begins."""
    bars: list[int] = []
    quoted: int | None = None
    place = 0
    while place < len(text):
        character = text[place]
        if quoted is not None:
            if character == "\\":
                place += 1
            elif character == '"':
                quoted = None
        elif character == '"':
            quoted = place
        elif character == "|":
            bars.append(place)
        elif character == "#" and (place == 0 or text[place - 1].isspace()):
            return bars, place
        place += 1
    if quoted is not None:
        raise CellFault("a quote is not closed", at + quoted, at + len(text), 'write a quote inside a text as `\\"`')
    return bars, len(text)


# Back to text -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plain:
    """A table as bare texts: how it is exchanged with spreadsheets. ``split`` is the number of columns before ``||``.

    ``places`` names each row for people (``B3``, ``line 7``)."""

    heading: tuple[str, ...]
    split: int
    rows: tuple[tuple[str, ...], ...]
    places: tuple[str, ...] = ()


def plain(text: str) -> Plain:
    """The cells of a table's text. Raises the first fault."""
    grid = read_grid(text)
    if grid.faults:
        raise grid.faults[0]
    if grid.heading is None:
        raise CellFault("the table is empty", 0, len(text), code="E106")
    lines = [grid.heading, *grid.rows]
    rows = [tuple(cell.text for cell in (*line.inputs, *line.outputs)) for line in lines]
    return Plain(rows[0], len(grid.heading.inputs), tuple(rows[1:]))


def written(table: Plain, old: str = "") -> str:
    """The text of a table, its columns aligned. Comments of ``old`` stay with rows that have kept their first cell."""
    lines = [table.heading, *table.rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(table.heading))]
    before, beside = _comments(old)
    made: list[str] = list(before.pop("", []))
    for number, line in enumerate(lines):
        key = line[0]
        made += before.pop(key, [])
        comment = beside.pop(key, "")
        text = _joined(line, table.split, widths)
        made.append(f"{text}   {comment}" if comment else text)
        if number == 0:
            before.pop("", None)
    return "".join(f"{line}\n" for line in made)


def _joined(line: Sequence[str], split: int, widths: Sequence[int]) -> str:
    cells = [text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)]
    return f"{' | '.join(cells[:split])} || {' | '.join(cells[split:])}".rstrip()


def _comments(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Comments by the first cell of the row that they stand above, and of the row that they stand beside."""
    above: dict[str, list[str]] = {}
    beside: dict[str, str] = {}
    waiting: list[str] = []
    for raw in text.splitlines():
        if raw.lstrip().startswith("#"):
            waiting.append(raw.strip())
            continue
        line = _line(raw, 0)
        if line is not None:
            key = line.inputs[0].text
            above[key], waiting = waiting, []
            if line.comment:
                beside[key] = line.comment
    return above, beside


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
