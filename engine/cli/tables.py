"""``orderloom table``: a decision table to a spreadsheet, and back into its definition."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from engine.catalog.builder import FOLDERS, build, load
from engine.catalog.catalog import Catalog
from engine.catalog.kinds.table import Table
from engine.cli.place import Place, pass_place
from engine.errors import DefinitionError, EngineError, Problem
from engine.registry import did_you_mean
from engine.source.problems import Problems
from engine.source.reader import Sources, read_documents, read_texts
from engine.source.rewriting import Rewritten, with_block
from engine.source.text import SourceText
from engine.tables.grid import Plain, plain, read_grid, written
from engine.tables.sheets import Sheet, as_table, read_sheet, to_csv, to_xlsx


@click.group("table", help="Take a decision table to a spreadsheet, and back.")
def command() -> None:
    pass


_day = click.option("--on", "day", help="The version that holds on this day (2026-01-31); today when absent.")


@command.command("export", help="Write a table to a .csv or .xlsx file.")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@_day
@pass_place
def export(place: Place, name: str, file: Path, day: str | None) -> None:
    table = _table(load(place.root), name, day)
    cells = plain(table.rows)
    made = to_xlsx(cells, name) if _suffix(file) == ".xlsx" else to_csv(cells)
    file.write_bytes(made)
    click.echo(f"{len(cells.rows):,} rows in {file}")


@command.command("import", help="Put the rows of a .csv or .xlsx file into a table's definition, if they are sound.")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_day
@pass_place
def import_(place: Place, name: str, file: Path, day: str | None) -> None:
    _suffix(file)
    table = _table(load(place.root), name, day)
    sheet = read_sheet(str(file), file.read_bytes())
    cells, columns = as_table(sheet, list(table.inputs), list(table.outputs))
    rows = written(cells, table.rows)
    new = with_block(table.document, ("rows",), rows)
    if new is None:
        raise EngineError(f"{table.span_of('rows')}: write the rows as a block, after `rows: |`")
    if new.text == table.document.source.text:
        click.echo(f"{name} has these rows already")
        return
    _prove(place, table, new, sheet, cells, columns)
    (place.root / table.document.file).write_text(new.text, encoding="utf-8", newline="")
    click.echo(f"{len(cells.rows):,} rows in {table.document.file}")


def _suffix(file: Path) -> str:
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise click.UsageError(f"{file.name} is neither .csv nor .xlsx")
    return file.suffix.lower()


def _table(catalog: Catalog, name: str, day: str | None) -> Table:
    """The version of the table that holds on the day."""
    if name not in catalog.tables:
        hint = did_you_mean(name, catalog.tables)
        raise EngineError(f"there is no table '{name}'" + (f"; {hint}" if hint else ""))
    try:
        on = date.fromisoformat(day) if day else datetime.now(ZoneInfo(catalog.app.timezone)).date()
    except ValueError:
        raise click.UsageError(f"--on {day} is no day: write it as 2026-01-31") from None
    table = catalog.table_on(name, on)
    if table is None:
        raise EngineError(f"no version of {name} holds on {on}; name a day with --on")
    return table


def _prove(place: Place, table: Table, new: Rewritten, sheet: Sheet, cells: Plain, columns: tuple[int, ...]) -> None:
    """Checks the whole application with the new text. Raises DefinitionError, its places those of the sheet."""
    problems = Problems()
    file = table.document.file
    texts = {**read_texts(place.root, FOLDERS, problems), file: SourceText(file, new.text)}
    documents = tuple(document for text in texts.values() for document in read_documents(text, problems))
    try:
        build(Sources(documents, texts), problems=problems)
    except DefinitionError as error:
        moved = SheetPlaces(file, new, sheet, cells, columns)
        raise DefinitionError(map(moved.of, error.problems)) from error


class SheetPlaces:
    """Says of a problem in the rewritten definition in which cell of the sheet it stands."""

    def __init__(self, file: str, new: Rewritten, sheet: Sheet, cells: Plain, columns: tuple[int, ...]) -> None:
        self._file = file
        self._new = new
        self._sheet = sheet
        self._columns = columns
        #: Lines of the sheet, by lines of the file.
        self._lines: dict[int, int] = {}
        numbers = iter([0, *map(int, cells.places)])
        for number, text in enumerate(new.text.splitlines()[new.line - 1 :], new.line):
            body = text[new.indent :]
            if body.strip() and not body.startswith("#"):
                line = next(numbers, None)
                if line is None:
                    break
                self._lines[number] = line

    def of(self, problem: Problem) -> Problem:
        """The problem at its cell; as it is when it does not come from the sheet."""
        span = problem.span
        if span is None or span.file != self._file or span.line not in self._lines:
            return problem
        text = self._new.text.splitlines()[span.line - 1][self._new.indent :]
        line, column = self._lines[span.line], self._column(text, span.column - 1 - self._new.indent)
        return self._sheet.problem(problem.code, problem.message, line, column, problem.hint)

    def _column(self, text: str, at: int) -> int:
        """The column of the sheet whose cell stands at a character of a row."""
        heading = read_grid(text).heading
        if heading is None:
            return 0
        found = [n for n, cell in enumerate((*heading.inputs, *heading.outputs)) if cell.start <= at]
        return self._columns[found[-1]] if found else 0
