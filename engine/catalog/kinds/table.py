"""``table``: a decision as a grid. Its rows are read, proven and tried out while the catalogue is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.kinds.table_proof import prove
from engine.catalog.kinds.table_rows import RowsReader
from engine.catalog.kinds.table_tests import run_tests
from engine.errors import Label, Span
from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    NULL,
    NUMBERS,
    TEXT,
    TIME,
    ChoiceType,
    ListType,
    Member,
    RecordType,
    SimpleShape,
    Type,
)
from engine.source.formulas import formulas
from engine.source.shape import Formula, Located, Name, option
from engine.tables.cells import Interval, interval
from engine.tables.columns import NUMERIC, Column, TypeName, show
from engine.tables.grid import Cell, CellFault
from engine.tables.rules import RANKED, SINGLE, Hit, Rules

Options = Mapping[str, Label] | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TableInput(Located):
    """What a table looks at: a value of the record that it is for, or one that it is given by name."""

    __short__ = "type"

    value: Formula | None = option(None, help="An expression over the record; absent where the value is given by name")
    type: TypeName | None = option(None, help="That of the value when absent")
    of: Options | None = option(None, help="The values there are, for a choice")
    range: str | None = option(None, help="The values that may occur: `[0..)`; others are refused")
    null: bool = option(False, help="Whether the value may be missing, so that some row has to take that")
    label: Label | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class TableOutput(Located):
    """What a table gives."""

    __short__ = "type"

    type: TypeName | None = None
    of: Options | None = option(None, help="The values it may give; under `priority` the first is the strongest")
    default: Any = option(None, help="What is given when no row holds")
    label: Label | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def column(self) -> Column:
        """The column that holds it."""
        return Column(self.name, self.type or ("choice" if self.of is not None else "text"), tuple(self.of or ()))


@dataclass(frozen=True, kw_only=True)
class Valid(Located):
    """The first and the last day on which a version of a table holds."""

    from_: str | None = option(None, key="from")
    to: str | None = None

    def link(self, linker: DefinitionLinker) -> None:
        """Reports what is no day, and an end before the beginning."""
        for key, text in (("from", self.from_), ("to", self.to)):
            if text is not None and _day(text) is None:
                linker.report("E106", f"'{text}' is no day", self, key, "write it as 2026-01-31")
        if self.last < self.first:
            linker.report("E405", "this ends before it begins", self, "to", "swap `from` and `to`")

    @property
    def first(self) -> date:
        return (_day(self.from_) if self.from_ else None) or date.min

    @property
    def last(self) -> date:
        return (_day(self.to) if self.to else None) or date.max


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Ready:
    """What a table was read to: set once by ``link``, as a formula is bound."""

    rules: Rules | None = None


@dataclass(frozen=True, kw_only=True)
class Table(Definition):
    """A decision table. Several documents of one name are its versions: each holds on other days."""

    kind: ClassVar[str] = "table"
    versioned: ClassVar[bool] = True
    link_order: ClassVar[int] = 30

    table: Name
    for_: Name | None = option(None, key="for")
    label: Label | None = None
    hit: Hit = option("unique", help="How many rows may hold, and which of them count")
    valid: Valid | None = option(None, help="The days on which this version holds: all of them when absent")
    inputs: Mapping[Name, TableInput]
    outputs: Mapping[Name, TableOutput]
    rows: str = option(help="One line a row: cells between `|`, outputs after `||`; the first line names the columns")
    tests: str | None = option(None, help="Rows of values and of what must come out of them; tried by every check")

    # What it is -----------------------------------------------------------------------------------------------------

    @property
    def first_day(self) -> date:
        """The first day on which it holds."""
        return self.valid.first if self.valid is not None else date.min

    @property
    def last_day(self) -> date:
        """The last day on which it holds."""
        return self.valid.last if self.valid is not None else date.max

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The inputs that have to be given by name."""
        return tuple(name for name, found in self.inputs.items() if found.value is None)

    def given_type(self, name: str) -> Type | None:
        """The type of an input that is given by name; None when the table does not say."""
        found = self.inputs[name]
        type_ = found.type or ("choice" if found.of is not None else None)
        return Column(name, type_, tuple(found.of or ())).expression_type if type_ is not None else None

    @cached_property
    def result_type(self) -> Type:
        """The type of what it decides."""
        if self.hit == "collect count":
            return INTEGER
        columns = [found.column for found in self.outputs.values()]
        if self.hit.startswith("collect "):
            return columns[0].expression_type if columns else NULL
        one = RecordType.of(SimpleShape(self.name, {column.name: Member(column.expression_type) for column in columns}))
        return one if self.hit in SINGLE else ListType("list", item=one)

    @cached_property
    def _ready(self) -> Ready:
        return Ready()

    @property
    def rules(self) -> Rules:
        """Its rows, ready to decide."""
        if self._ready.rules is None:
            raise RuntimeError(f"the table {self.name} is not linked")
        return self._ready.rules

    @cached_property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The paths of the record that its inputs read."""
        return frozenset(read for formula in formulas(self.inputs) for read in formula.expression.reads)

    @cached_property
    def row_spans(self) -> tuple[Span, ...]:
        """Where each of its rows stands."""
        parts = [(row.cells.start, row.cells.end) for row in self.rules.rows]
        return tuple(self.document.all_within((*self.path, "rows"), parts))

    # Linking --------------------------------------------------------------------------------------------------------

    def link(self, linker: DefinitionLinker) -> None:
        if self.valid is not None:
            self.valid.link(linker)
        if self.for_ is not None and linker.reference("model", self.for_, self, "for") is None:
            return
        inputs = [self._input(linker, found) for found in self.inputs.values()]
        ranges = [
            self._range(linker, found, column) if column is not None else None
            for found, column in zip(self.inputs.values(), inputs, strict=True)
        ]
        defaults = self._outputs(linker)
        columns = [column for column in inputs if column is not None]
        if len(columns) < len(inputs):
            return
        reader = RowsReader(linker, self, columns, [found.column for found in self.outputs.values()])
        rows = reader.rows()
        if rows is None:
            return
        outputs = reader.outputs
        rules = Rules(self.hit, tuple(columns), tuple(outputs), tuple(rows), tuple(ranges), defaults)
        self._ready.rules = prove(linker, self, rules)
        if self.tests is not None:
            run_tests(linker, self, self._ready.rules)

    def _input(self, linker: DefinitionLinker, found: TableInput) -> Column | None:
        """The column of an input; None when its type cannot be told."""
        if found.value is not None and self.for_ is None:
            linker.report("E405", "a table without `for:` is given its inputs by name", found, "value")
            return None
        expression = linker.compile(found.value, linker.scope(self.for_))
        if found.value is not None and expression is None:
            return None
        options = tuple(found.of or ())
        type_ = found.type or ("choice" if found.of is not None else None)
        if expression is not None:
            if type_ is None and isinstance(expression.type, ChoiceType):
                type_, options = "choice", expression.type.options
            type_ = type_ or _TYPES.get(expression.type)
        if type_ is None:
            linker.report("E105", f"the type of {found.name} is missing", found, None, "say `type:` or `of:`")
            return None
        if (type_ == "choice") != bool(options):
            linker.report("E110", "`type: choice` and `of:` go together", found)
            return None
        if expression is not None and not _fits(expression.type, type_):
            linker.report("E205", f"{found.name} is {type_}, and its value is {expression.type}", found, "value")
        return Column(found.name, type_, options, found.null)

    def _range(self, linker: DefinitionLinker, found: TableInput, column: Column) -> Interval | None:
        if found.range is None:
            return None
        try:
            return interval(Cell(found.range, 0, len(found.range)), column)
        except CellFault as fault:
            linker.report_within(fault.code, fault.message, found, "range", (fault.start, fault.end), fault.hint)
            return None

    def _outputs(self, linker: DefinitionLinker) -> dict[str, Any] | None:
        """Checks the outputs. What they give when no row holds; None when nothing is."""
        if not self.outputs:
            linker.report("E105", "a table gives at least one output", self, "outputs")
        for name, found in self.outputs.items():
            if name in self.inputs or name == "id":
                linker.report_key("E304", f"'{name}' is an input, or the id of the rows", found, ())
            if found.of is not None and found.type not in (None, "choice"):
                linker.report("E110", "`of` is for a choice", found, "type")
        columns = [found.column for found in self.outputs.values()]
        if self.hit in RANKED and not any(column.options for column in columns):
            message = f"`{self.hit}` goes by the sequence of an output's `of:`, and none has one"
            linker.report("E405", message, self, "hit")
        if self.hit.startswith("collect ") and len(columns) != 1:
            linker.report("E405", f"`{self.hit}` collects one output, and there are {len(columns)}", self, "hit")
        elif self.hit in ("collect sum", "collect min", "collect max"):
            summed = columns[0].type in NUMERIC
            if not (summed or (columns[0].ordered and self.hit != "collect sum")):
                linker.report("E405", f"`{self.hit}` needs a number, and this is {columns[0].type}", self, "hit")
        return self._defaults(linker)

    def _defaults(self, linker: DefinitionLinker) -> dict[str, Any] | None:
        given = {name: found for name, found in self.outputs.items() if found.default is not None}
        defaults: dict[str, Any] = dict.fromkeys(self.outputs)
        for name, found in given.items():
            text = show(found.default)
            try:
                defaults[name] = found.column.literal(Cell(text, 0, len(text)))
            except CellFault as fault:
                linker.report(fault.code, fault.message, found, "default", fault.hint)
        return defaults if given else None


_TYPES: Mapping[Type, TypeName] = {
    TEXT: "text",
    INTEGER: "integer",
    BOOLEAN: "boolean",
    DATE: "date",
    DATETIME: "datetime",
    TIME: "time",
    NUMBERS[1]: "decimal",
}


def _fits(found: Type, type_: TypeName) -> bool:
    """Whether values of the one type can stand in a column of the other."""
    if type_ in ("text", "choice"):
        return found == TEXT or isinstance(found, ChoiceType)
    if type_ == "integer":
        return found == INTEGER
    return found in NUMBERS if type_ in NUMERIC else _TYPES.get(found) == type_
