"""Tries the tests that stand in a table: rows of inputs, and what must come out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.table_rows import GridReport, columns_of, fits
from engine.errors import ExpressionError
from engine.tables.cells import read_given
from engine.tables.columns import Column, show
from engine.tables.grid import Cell, CellFault, read_grid
from engine.tables.rules import SINGLE, Rules, Undecided

if TYPE_CHECKING:
    from engine.catalog.kinds.table import Table


def run_tests(linker: DefinitionLinker, table: Table, rules: Rules) -> None:
    """Reports every line that does not come out."""
    report = GridReport(linker, table, "tests")
    grid = read_grid(table.tests or "")
    for fault in grid.faults:
        report.fault(fault)
    if grid.heading is None:
        linker.report("E105", "there are no tests here", table, "tests", "the first line names the columns")
        return
    left = columns_of(report, grid.heading.inputs, rules.inputs, grid.heading, some=True)
    right = columns_of(report, grid.heading.outputs, rules.outputs, grid.heading, some=True)
    if left is None or right is None:
        return
    for line in grid.rows:
        if not fits(report, line, len(left), len(right)):
            continue
        values: list[Any] = [None] * len(rules.inputs)
        try:
            for cell, place in zip(line.inputs, left, strict=True):
                values[place] = read_given(cell, rules.inputs[place]).value
            wanted = [
                _wanted(cell, rules.outputs[place], rules) for cell, place in zip(line.outputs, right, strict=True)
            ]
        except CellFault as fault:
            report.fault(fault)
            continue
        for cell, place, expected in zip(line.outputs, right, wanted, strict=True):
            found = _found(rules, values, rules.outputs[place].name)
            if cell.text != "-" and found != expected:
                where = (cell.start, cell.end) if cell.text else (line.start, line.end)
                said = found if isinstance(found, str) and found.startswith("nothing: ") else _said(found)
                report.problem(
                    "E409", f"{rules.outputs[place].name} comes out as {said}, and not as {_said(expected)}", where
                )


def _wanted(cell: Cell, column: Column, rules: Rules) -> Any:
    """What a cell says has to come out: a list of values where several rows decide."""
    if rules.hit == "collect count":
        column = Column(column.name, "integer")
    if rules.hit in SINGLE or rules.hit.startswith("collect "):
        return read_given(cell, column).value
    if not cell.text:
        return []
    parts, start = [], 0
    for text in cell.text.split(","):
        parts.append(read_given(cell.part(start, start + len(text)), column).value)
        start += len(text) + 1
    return parts


def _found(rules: Rules, values: Sequence[Any], name: str) -> Any:
    """What comes out; a text that begins with ``nothing:`` when the table does not decide."""
    try:
        found = rules.decide(values).value
    except Undecided as undecided:
        return f"nothing: {undecided.message}" + (f" for {undecided.case}" if undecided.case else "")
    except ExpressionError as error:
        return f"nothing: {error.message}"
    if isinstance(found, list):
        return [each[name] for each in found]
    return found[name] if isinstance(found, dict) else found


def _said(value: Any) -> str:
    return ", ".join(map(show, value)) or "no row" if isinstance(value, list) else show(value)
