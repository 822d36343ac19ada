"""What tables are, as plain values: those that a catalogue wants, and those that a database has, in the same words.

Two equal schemas are the same tables. The order of columns is no part of it, since every statement names its columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem, Table
from sqlalchemy.types import TypeEngine

from engine.fields.columns import (
    Bytes,
    Flag,
    IsoDate,
    IsoTime,
    JsonText,
    Key,
    PlainText,
    ScaledDecimal,
    UtcDateTime,
    WholeNumber,
)
from engine.store.tables import KEPT, PARENT

#: What columns hold, by the column type. Decimals are written with their digits: ``decimal(18, 2)``.
KINDS: Mapping[str, TypeEngine[Any]] = {
    "integer": WholeNumber(),
    "small_integer": Integer(),
    "datetime": UtcDateTime(),
    "date": IsoDate(),
    "time": IsoTime(),
    "key": Key(),
    "json": JsonText(),
    "text": PlainText(),
    "boolean": Flag(),
    "bytes": Bytes(),
}
_DECIMAL = re.compile(r"decimal\(([0-9]+), ([0-9]+)\)")


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A column: what it holds (see ``KINDS``), and whether it may be null."""

    kind: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class IndexSchema:
    """An index. ``kept``: only over records that are not in the trash."""

    columns: tuple[str, ...]
    unique: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table. ``parent`` is the table that its rows live and die with; ``unique`` are constraints without an index of
    their own name; ``rowid`` is false where SQLite keeps the rows in the tree of their primary key."""

    columns: Mapping[str, ColumnSchema]
    primary: tuple[str, ...]
    indexes: Mapping[str, IndexSchema]
    parent: str | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    rowid: bool = True

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> TableSchema:
        """The table that ``as_data`` wrote down."""
        return cls(
            {name: ColumnSchema(**column) for name, column in data["columns"].items()},
            tuple(data["primary"]),
            {name: index_from_data(index) for name, index in data["indexes"].items()},
            data["parent"],
            tuple(map(tuple, data["unique"])),
            data["rowid"],
        )


Schema = Mapping[str, TableSchema]


def as_data(part: TableSchema | ColumnSchema | IndexSchema) -> dict[str, Any]:
    """The part as JSON."""
    return asdict(part)


def index_from_data(data: Mapping[str, Any]) -> IndexSchema:
    """The index that ``as_data`` wrote down."""
    return IndexSchema(tuple(data["columns"]), data["unique"], data["kept"])


def kind_of(type_: TypeEngine[Any]) -> str:
    """What a column of that type holds."""
    if isinstance(type_, ScaledDecimal):
        return f"decimal({type_.precision}, {type_.digits})"
    for kind, known in KINDS.items():
        if type(type_) is type(known):
            return kind
    if isinstance(type_, BigInteger):
        return "integer"
    raise ValueError(f"no kind of column is known for {type_!r}")


def type_of(kind: str) -> TypeEngine[Any]:
    """The column type of a kind."""
    decimal = _DECIMAL.fullmatch(kind)
    return ScaledDecimal(int(decimal[1]), int(decimal[2])) if decimal else KINDS[kind]


def decimal_digits(kind: str) -> tuple[int, int] | None:
    """The digits in all and those behind the point, None for what is no decimal."""
    decimal = _DECIMAL.fullmatch(kind)
    return (int(decimal[1]), int(decimal[2])) if decimal else None


def table_schema(table: Table, *, with_rowid: bool) -> TableSchema:
    """The schema of a table. ``with_rowid``: all tables of this database have row ids (only SQLite has others)."""
    # str: SQLAlchemy's names are texts of a class of its own, which JSON does not take as keys.
    return TableSchema(
        columns={
            str(column.name): ColumnSchema(kind_of(column.type), bool(column.nullable)) for column in table.columns
        },
        primary=tuple(str(column.name) for column in table.primary_key.columns),
        indexes={str(index.name): _index_schema(index) for index in table.indexes},
        parent=next((str(key.column.table.name) for key in table.foreign_keys), None),
        unique=tuple(
            sorted(
                tuple(str(column.name) for column in constraint.columns)
                for constraint in table.constraints
                if isinstance(constraint, UniqueConstraint)
            )
        ),
        rowid=with_rowid or table.dialect_options["sqlite"]["with_rowid"],
    )


def _index_schema(index: Index) -> IndexSchema:
    kept = index.dialect_options["sqlite"]["where"] is not None
    return IndexSchema(tuple(str(column.name) for column in index.columns), bool(index.unique), kept)


def table_items(table: TableSchema) -> list[SchemaItem]:
    """The columns and constraints of a table that is to be created."""
    items: list[SchemaItem] = [new_column(name, column) for name, column in table.columns.items()]
    items.append(PrimaryKeyConstraint(*table.primary))
    if table.parent is not None:
        items.append(ForeignKeyConstraint([PARENT], [f"{table.parent}.id"], ondelete="CASCADE"))
    return [*items, *(UniqueConstraint(*columns) for columns in table.unique)]


def new_column(name: str, column: ColumnSchema) -> Column[Any]:
    """The column for a table that is to be created, or to have one more."""
    return Column(name, type_of(column.kind), nullable=column.nullable)


def index_options(index: IndexSchema) -> dict[str, Any]:
    """What else there is to say when the index is created."""
    return {"sqlite_where": KEPT, "postgresql_where": KEPT} if index.kept else {}
