"""What the columns that a table gets hold for the rows that are there already: their default, where it is always the
same, or what is worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, select, update

from engine.catalog.catalog import Catalog
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.store.migrate.compare import Renames
from engine.store.migrate.convert import converter, text_of
from engine.store.migrate.operations import AddColumn, Doing, Operation, Progress
from engine.store.migrate.schema import ColumnSchema, Schema
from engine.store.migrate.selecting import columns_of
from engine.store.tables import Level, Path, Tables
from engine.store.transaction import Transaction


class WorkOut(Protocol):
    """Works out computed fields of all records of a model. Given by the floor that knows how records are worked out."""

    def __call__(
        self, tx: Transaction, catalog: Catalog, model: str, fields: Sequence[tuple[Path, str]], progress: Progress
    ) -> None:
        """Writes the fields (each the path of its rows and its name) of all records, a chunk at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Fill:
    """A new column gets the same value in all rows that are there. ``missing`` is the key of a record that the default
    names and that there is not: then the column stays empty."""

    table: str
    column: str
    kind: str
    value: Any
    missing: str | None = None

    def run(self, doing: Doing) -> None:
        """Does it."""
        if self.missing is None:
            there = columns_of(self.table, {self.column: ColumnSchema(self.kind)})
            doing.connection.execute(update(there).values({self.column: self.value}))

    def __str__(self) -> str:
        if self.missing is not None:
            return f"leave {self.table}.{self.column} empty: there is no {self.missing}"
        return f"fill {self.table}.{self.column} with {text_of(self.value, self.kind)}"

    def as_data(self) -> dict[str, Any]:
        """What was filled in, as JSON: taking the column away again loses nothing that somebody has put in."""
        names = {"table": self.table, "column": self.column, "kind": self.kind}
        return {**names, "text": text_of(self.value, self.kind)}


#: What was filled in (a kind and a value), by table and column.
Filled = Mapping[tuple[str, str], tuple[str, Any]]


def filled_from_data(data: Sequence[Mapping[str, str]]) -> Filled:
    """What ``as_data`` of fills wrote down."""
    return {
        (each["table"], each["column"]): (each["kind"], converter("text", each["kind"])(each["text"])[0])
        for each in data
    }


def added_fields(tables: Tables, operations: Sequence[Operation]) -> Iterator[tuple[Level, str, Field, str]]:
    """The fields that tables with rows get, each with its level, its name and the kind of its column."""
    levels = {level.table.name: level for level in tables.levels()}
    for step in operations:
        if isinstance(step, AddColumn) and step.table in levels:
            level = levels[step.table]
            yield level, step.column, level.fields[step.column], step.schema.kind


def constant_default(field: Field) -> Any:
    """The field's default where it is the same for all records, else None."""
    formula = field.default
    if formula is None or formula.expression is None:
        return None
    expression = formula.expression
    if not expression.constant or expression.scope_reads:
        return None
    value = expression({}, {})
    return field.settle(value) if value is not None and not isinstance(field, LinkField) else value


def find_fills(
    connection: Connection,
    catalog: Catalog,
    tables: Tables,
    have: Schema,
    renames: Renames,
    operations: Sequence[Operation],
) -> tuple[Fill, ...]:
    """The constant defaults of all new columns."""
    found = []
    for level, name, field, kind in added_fields(tables, operations):
        value = constant_default(field)
        if value is None:
            continue
        if isinstance(field, LinkField):
            key = _linked(connection, catalog, field.target, str(value), have, renames)
            missing = f"{field.target} {value!r}" if key is None else None
            found.append(Fill(level.table.name, name, kind, key, missing))
        else:
            found.append(Fill(level.table.name, name, kind, value))
    return tuple(found)


def _linked(
    connection: Connection, catalog: Catalog, model: str, text: str, have: Schema, renames: Renames
) -> str | None:
    """The id of the record whose key is that text."""
    key, table = catalog.models[model].key, renames.table(model)
    column = renames.column(model, key) if key is not None else None
    if column is None or table not in have or column not in have[table].columns:
        return None
    there = columns_of(table, have[table].columns)
    found = connection.execute(select(there.c["id"]).where(there.c[column] == text, there.c["deleted_at"].is_(None)))
    first = found.first()
    return str(first[0]) if first is not None else None


def worked_out(
    catalog: Catalog, tables: Tables, operations: Sequence[Operation]
) -> Mapping[str, tuple[tuple[Path, str], ...]]:
    """The new columns that hold what is worked out, by model."""
    found: dict[str, list[tuple[Path, str]]] = {}
    for level, name, _, _ in added_fields(tables, operations):
        if any(made.path == level.path and made.name == name for made in catalog.computations(level.model)):
            found.setdefault(level.model, []).append((level.path, name))
    return {model: tuple(places) for model, places in found.items()}
