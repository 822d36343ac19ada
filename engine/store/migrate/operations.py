"""The single steps of a migration: each says what it does, does it through Alembic, and knows what undoes it.

Each is plain data, so that what undoes an application can be kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection, insert, select, update

from engine.store.migrate.convert import convert_column
from engine.store.migrate.schema import (
    ColumnSchema,
    IndexSchema,
    TableSchema,
    as_data,
    index_from_data,
    index_options,
    new_column,
    table_items,
)
from engine.store.migrate.selecting import columns_of

if TYPE_CHECKING:
    from alembic.operations import Operations

#: Called with what is being done, how many rows of it are done, and how many there are (0: not known).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Doing:
    """What the steps work with: Alembic's operations, on a connection inside the one transaction."""

    operations: Operations
    connection: Connection
    progress: Progress


@dataclass(frozen=True, slots=True)
class Operation:
    """A step. ``additive``: nothing that was there is another thing afterwards."""

    name: ClassVar[str]
    additive: ClassVar[bool] = False

    table: str

    def run(self, doing: Doing) -> None:
        """Does it."""
        raise NotImplementedError

    def inverse(self) -> Operation:
        """What undoes it. Values that it removed do not come back."""
        raise NotImplementedError

    def as_data(self) -> dict[str, Any]:
        """The step as JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        parts = (TableSchema, ColumnSchema, IndexSchema)
        return {"do": self.name} | {n: as_data(v) if isinstance(v, parts) else v for n, v in values.items()}


@dataclass(frozen=True, slots=True)
class CreateTable(Operation):
    """A new table, its indexes apart."""

    name = "create_table"
    additive = True

    schema: TableSchema

    def run(self, doing: Doing) -> None:
        doing.operations.create_table(self.table, *table_items(self.schema), sqlite_with_rowid=self.schema.rowid)

    def inverse(self) -> Operation:
        return DropTable(self.table, self.schema)

    def __str__(self) -> str:
        return f"create table {self.table} ({len(self.schema.columns)} columns)"


@dataclass(frozen=True, slots=True)
class DropTable(Operation):
    """A table goes, with its indexes and all its rows."""

    name = "drop_table"

    schema: TableSchema

    def run(self, doing: Doing) -> None:
        doing.operations.drop_table(self.table)

    def inverse(self) -> Operation:
        return CreateTable(self.table, self.schema)

    def __str__(self) -> str:
        return f"drop table {self.table}"


@dataclass(frozen=True, slots=True)
class RenameTable(Operation):
    """A table under another name."""

    name = "rename_table"

    to: str

    def run(self, doing: Doing) -> None:
        doing.operations.rename_table(self.table, self.to)

    def inverse(self) -> Operation:
        return RenameTable(self.to, self.table)

    def __str__(self) -> str:
        return f"rename table {self.table} to {self.to}"


@dataclass(frozen=True, slots=True)
class RenameColumn(Operation):
    """A column under another name."""

    name = "rename_column"

    column: str
    to: str

    def run(self, doing: Doing) -> None:
        doing.operations.alter_column(self.table, self.column, new_column_name=self.to)

    def inverse(self) -> Operation:
        return RenameColumn(self.table, self.to, self.column)

    def __str__(self) -> str:
        return f"rename column {self.table}.{self.column} to {self.to}"


@dataclass(frozen=True, slots=True)
class AddColumn(Operation):
    """A new column that may be null."""

    name = "add_column"
    additive = True

    column: str
    schema: ColumnSchema

    def run(self, doing: Doing) -> None:
        doing.operations.add_column(self.table, new_column(self.column, self.schema))

    def inverse(self) -> Operation:
        return DropColumn(self.table, self.column, self.schema)

    def __str__(self) -> str:
        return f"add column {self.table}.{self.column} ({self.schema.kind})"


@dataclass(frozen=True, slots=True)
class DropColumn(Operation):
    """A column goes, with its values."""

    name = "drop_column"

    column: str
    schema: ColumnSchema

    def run(self, doing: Doing) -> None:
        doing.operations.drop_column(self.table, self.column)

    def inverse(self) -> Operation:
        return AddColumn(self.table, self.column, self.schema)

    def __str__(self) -> str:
        return f"drop column {self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class ConvertColumn(Operation):
    """A column holds something else from now on; its values are converted.

    Made of adding, filling, dropping and renaming. To rebuild the table, as is usual in SQLite, would delete the rows
    of all tables below it: dropping the old table counts as deleting its records there, and foreign keys cannot be
    switched off inside a transaction.
    """

    name = "convert_column"

    column: str
    before: str
    after: str
    primary: tuple[str, ...]

    def run(self, doing: Doing) -> None:
        between = "_converted"  # no field's name begins like this
        doing.operations.add_column(self.table, new_column(between, ColumnSchema(self.after)))
        convert_column(
            doing.connection,
            self.table,
            self.primary,
            (self.column, self.before),
            (between, self.after),
            lambda done: doing.progress(str(self), done, 0),
        )
        doing.operations.drop_column(self.table, self.column)
        doing.operations.alter_column(self.table, between, new_column_name=self.column)

    def inverse(self) -> Operation:
        return ConvertColumn(self.table, self.column, self.after, self.before, self.primary)

    def __str__(self) -> str:
        return f"convert column {self.table}.{self.column} from {self.before} to {self.after}"


@dataclass(frozen=True, slots=True)
class RebuildTable(Operation):
    """A table is written anew where its constraints change: another primary key, a column that must not be null.

    Only for tables without rows tables below them, for the reason given at ``ConvertColumn``; so only tables of the
    engine's own come here.
    """

    name = "rebuild_table"

    before: TableSchema
    after: TableSchema

    def run(self, doing: Doing) -> None:
        between = "_rebuilt"
        doing.operations.create_table(between, *table_items(self.after), sqlite_with_rowid=self.after.rowid)
        kept = {name: column for name, column in self.after.columns.items() if name in self.before.columns}
        old, new = columns_of(self.table, kept), columns_of(between, kept)
        doing.connection.execute(insert(new).from_select(list(kept), select(*old.columns)))
        doing.operations.drop_table(self.table)
        doing.operations.rename_table(between, self.table)

    def inverse(self) -> Operation:
        return RebuildTable(self.table, self.after, self.before)

    def __str__(self) -> str:
        return f"rebuild table {self.table}"


@dataclass(frozen=True, slots=True)
class RenameValues(Operation):
    """Rows that name something that has another name from now on."""

    name = "rename_values"

    column: str
    before: str
    after: str

    def run(self, doing: Doing) -> None:
        there = columns_of(self.table, {self.column: ColumnSchema("text")})
        clause = update(there).where(there.c[self.column] == self.before).values({self.column: self.after})
        doing.connection.execute(clause)

    def inverse(self) -> Operation:
        return RenameValues(self.table, self.column, self.after, self.before)

    def __str__(self) -> str:
        return f"rename {self.before} to {self.after} in {self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class CreateIndex(Operation):
    """A new index."""

    name = "create_index"
    additive = True

    index: str
    schema: IndexSchema

    def run(self, doing: Doing) -> None:
        doing.operations.create_index(
            self.index,
            self.table,
            list(self.schema.columns),
            unique=self.schema.unique,
            **index_options(self.schema),
        )

    def inverse(self) -> Operation:
        return DropIndex(self.table, self.index, self.schema)

    def __str__(self) -> str:
        unique = "unique index" if self.schema.unique else "index"
        return f"create {unique} over {self.table} ({', '.join(self.schema.columns)})"


@dataclass(frozen=True, slots=True)
class DropIndex(Operation):
    """An index goes."""

    name = "drop_index"

    index: str
    schema: IndexSchema

    def run(self, doing: Doing) -> None:
        doing.operations.drop_index(self.index, table_name=self.table)

    def inverse(self) -> Operation:
        return CreateIndex(self.table, self.index, self.schema)

    def __str__(self) -> str:
        unique = "unique index" if self.schema.unique else "index"
        return f"drop {unique} over {self.table} ({', '.join(self.schema.columns)})"


OPERATIONS: Mapping[str, type[Operation]] = {
    kind.name: kind
    for kind in (
        CreateTable,
        DropTable,
        RenameTable,
        RenameColumn,
        AddColumn,
        DropColumn,
        ConvertColumn,
        RebuildTable,
        RenameValues,
        CreateIndex,
        DropIndex,
    )
}


def from_data(data: Mapping[str, Any]) -> Operation:
    """The step that ``as_data`` wrote down."""
    kind = OPERATIONS[data["do"]]
    values = {name: value for name, value in data.items() if name != "do"}
    if kind in (CreateTable, DropTable):
        values["schema"] = TableSchema.from_data(values["schema"])
    elif kind in (AddColumn, DropColumn):
        values["schema"] = ColumnSchema(**values["schema"])
    elif kind in (CreateIndex, DropIndex):
        values["schema"] = index_from_data(values["schema"])
    elif kind is RebuildTable:
        values |= {side: TableSchema.from_data(values[side]) for side in ("before", "after")}
    elif kind is ConvertColumn:
        values["primary"] = tuple(values["primary"])
    return kind(**values)
