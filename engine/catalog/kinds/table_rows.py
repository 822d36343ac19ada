"""Reads the grid of a table into rows, and reports every cell that says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker
from engine.errors import Severity, Span
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, Member, Scope, SimpleShape, Type
from engine.registry import did_you_mean
from engine.source.shape import Formula, Located
from engine.tables.cells import Given, Test, read_given, read_test
from engine.tables.columns import Column
from engine.tables.grid import Cell, CellFault, Line, read_grid
from engine.tables.rules import Output, Row

if TYPE_CHECKING:
    from engine.catalog.kinds.table import Table

#: Rows of one table: beyond, it is data, and belongs into a model.
MOST_ROWS = 5_000
#: Problems of one table that are told; the rest is counted.
MOST_PROBLEMS = 50
#: The column that names the rows.
ID = "id"


class CellFormula(Formula):
    """An expression in a cell of a grid: it stands somewhere inside the text of a key."""

    __slots__ = ("_offset",)

    def __init__(self, at: Located, key: str, cell: Cell) -> None:
        super().__init__(cell.text, at.document, (*at.path, key))
        self._offset = cell.start

    @property
    def span(self) -> Span:
        return self.within(0, len(self.text))

    def within(self, start: int, end: int) -> Span:
        return self.document.within(self.path, self._offset + start, self._offset + end)


class GridReport:
    """Reports problems inside the text of one key of a table, up to a number."""

    def __init__(self, linker: DefinitionLinker, at: Located, key: str) -> None:
        self._linker = linker
        self._at = at
        self._key = key
        self.count = 0

    def fault(self, fault: CellFault) -> None:
        """Adds what a reader has raised."""
        self.problem(fault.code, fault.message, (fault.start, fault.end), fault.hint)

    def problem(
        self, code: str, message: str, where: tuple[int, int], hint: str | None = None, *, warning: bool = False
    ) -> None:
        """Adds a problem at some characters of the text."""
        self.count += 1
        if self.count == MOST_PROBLEMS + 1:
            self._linker.report("E406", "there is more wrong with this table; mend what is told first", self._at)
        if self.count <= MOST_PROBLEMS:
            severity: Severity = "warning" if warning else "error"
            self._linker.report_within(code, message, self._at, self._key, where, hint, severity=severity)


class RowsReader:
    """Reads the rows of one table."""

    def __init__(
        self, linker: DefinitionLinker, table: Table, inputs: Sequence[Column], outputs: Sequence[Column]
    ) -> None:
        self._linker = linker
        self._table = table
        self.inputs = inputs
        self.outputs = outputs
        self._report = GridReport(linker, table, "rows")
        members = {column.name: Member(column.expression_type) for column in inputs}
        self._scope = Scope(SimpleShape(f"{table.name} inputs", members))

    def rows(self) -> list[Row] | None:
        """The rows; None when there is any problem."""
        grid = read_grid(self._table.rows)
        for fault in grid.faults:
            self._report.fault(fault)
        if grid.heading is None:
            self._linker.report("E105", "the table is empty", self._table, "rows", "its first line names the columns")
            return None
        has_id = bool(grid.heading.inputs) and grid.heading.inputs[0].text == ID
        left = columns_of(self._report, grid.heading.inputs[1 if has_id else 0 :], self.inputs, grid.heading)
        right = columns_of(self._report, grid.heading.outputs, self.outputs, grid.heading)
        if left is None or right is None:
            return None
        if len(grid.rows) > MOST_ROWS:
            self._linker.report("E107", f"a table has at most {MOST_ROWS:,} rows", self._table, "rows")
            return None
        rows: list[Row] = []
        ids: set[str] = set()
        for number, line in enumerate(grid.rows, 1):
            if not fits(self._report, line, len(left) + has_id, len(right)):
                continue
            id_ = line.inputs[0] if has_id else Cell(str(number), line.start, line.start)
            if not id_.text or id_.text in ids:
                said = f"another row is '{id_.text}'" if id_.text else "the row has no id"
                self._report.problem("E301", said, (id_.start, max(id_.end, id_.start + 1)))
            ids.add(id_.text)
            rows.append(self._row(id_.text, line, line.inputs[has_id:], left, right))
        return None if self._report.count else rows

    def _row(self, id_: str, line: Line, cells: Sequence[Cell], left: Sequence[int], right: Sequence[int]) -> Row:
        tests = [Test(anything=True)] * len(self.inputs)
        conditions: list[Expression] = []
        for cell, place in zip(cells, left, strict=True):
            try:
                tests[place] = test = read_test(cell, self.inputs[place])
            except CellFault as fault:
                self._report.fault(fault)
                continue
            if test.expression is not None:
                condition = self._compiled(test.expression, BOOLEAN)
                conditions += [condition] if condition is not None else []
        gives = [Output()] * len(self.outputs)
        for cell, place in zip(line.outputs, right, strict=True):
            try:
                gives[place] = self._output(read_given(cell, self.outputs[place]), self.outputs[place])
            except CellFault as fault:
                self._report.fault(fault)
        return Row(id_, tuple(tests), tuple(gives), line.whole, tuple(conditions))

    def _output(self, given: Given, column: Column) -> Output:
        if given.expression is None:
            return Output(given.value)
        return Output(None, self._compiled(given.expression, column.expression_type))

    def _compiled(self, cell: Cell, expects: Type) -> Expression | None:
        expression = self._linker.compile(CellFormula(self._table, "rows", cell), self._scope, expects)
        if expression is None:
            self._report.count += 1  # told by the linker
        return expression


def columns_of(
    report: GridReport, names: Sequence[Cell], columns: Sequence[Column], heading: Line, *, some: bool = False
) -> list[int] | None:
    """For each cell of a heading the place of its column; None when one is wrong. ``some``: not all are needed."""
    known = {column.name: place for place, column in enumerate(columns)}
    before = report.count
    places: list[int] = []
    for cell in names:
        place = known.get(cell.text)
        if place is None:
            hint = did_you_mean(cell.text, known) or f"columns are {', '.join(known)}"
            report.problem("E107", f"there is no column '{cell.text}' here", _seen(cell), hint)
        elif place in places:
            report.problem("E301", f"the column '{cell.text}' stands twice", _seen(cell))
        else:
            places.append(place)
    missing = [name for name, place in known.items() if place not in places]
    if missing and report.count == before and not some:
        where = heading.whole
        report.problem("E105", f"a column is missing: {', '.join(missing)}", (where.start, where.end))
    return places if report.count == before else None


def fits(report: GridReport, line: Line, left: int, right: int) -> bool:
    """Whether a row has as many cells as the heading; if not, that is reported."""
    for cells, wanted, side in ((line.inputs, left, "before"), (line.outputs, right, "after")):
        if len(cells) != wanted:
            few = "few" if len(cells) < wanted else "many"
            hint = "write `-` where any value will do" if few == "few" and side == "before" else None
            message = f"too {few} cells {side} `||`: {len(cells)}, and the heading has {wanted}"
            report.problem("E410", message, (line.start, line.end), hint)
            return False
    return True


def _seen(cell: Cell) -> tuple[int, int]:
    return cell.start, max(cell.end, cell.start + 1)
