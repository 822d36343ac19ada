"""Tables for any shape, filled from plain records: what the store does for models, as small as tests of SQL need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    DateTime,
    FromClause,
    MetaData,
    Numeric,
    String,
    Table,
    Time,
    and_,
)
from sqlalchemy import (
    Column as TableColumn,
)
from sqlalchemy.types import TypeEngine

from engine.expressions.dialects import utc_text
from engine.expressions.relations import Column, Link, Relation, Rows
from engine.expressions.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, TIME, ListType, RecordType, Shape, Type

SQLITE: Mapping[Type, TypeEngine[Any]] = {INTEGER: BigInteger(), DECIMAL: BigInteger(), BOOLEAN: Boolean()}
POSTGRES: Mapping[Type, TypeEngine[Any]] = {
    INTEGER: BigInteger(), DECIMAL: Numeric(), BOOLEAN: Boolean(),
    DATE: Date(), DATETIME: DateTime(timezone=True), TIME: Time(),
}  # fmt: skip
DIGITS = 6


def stored(value: Any, type_: Type, dialect: str, digits: int) -> Any:
    """The value as the column takes it."""
    if dialect == "postgresql" or value is None:
        return value
    if type_ == DECIMAL:
        return int(Decimal(value).scaleb(digits))
    if isinstance(value, datetime):
        return utc_text(value)
    return value.isoformat() if isinstance(value, date | time) else value


@dataclass
class StoredShape:
    """The table of a shape, and what each of its members is there."""

    table: Table
    members: dict[str, Column | Link | Rows] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)

    def find(self, member: str) -> Column | Link | Rows | None:
        return self.members.get(member)


class Tables:
    """Makes and fills tables. ``digits`` gives decimals of some names their own number of places."""

    def __init__(self, dialect: str, digits: Mapping[str, int] | None = None) -> None:
        self.dialect = dialect
        self.metadata = MetaData()
        self.shapes: dict[str, StoredShape] = {}
        self._digits = digits or {}
        self._rows: list[tuple[Table, dict[str, Any]]] = []
        self._ids: dict[int, str] = {}

    def relation(self, shape: Shape) -> Relation:
        """The shape's table, made on the first asking, with those of all shapes that it leads to."""
        known = self.shapes.get(shape.name)
        if known is not None:
            return known
        types = SQLITE if self.dialect == "sqlite" else POSTGRES
        table = Table(
            shape.name.replace(".", "_"), self.metadata, TableColumn("id", String(), primary_key=True),
            TableColumn("_owner", String()), TableColumn("_member", String()),
        )  # fmt: skip
        made = self.shapes[shape.name] = StoredShape(table, {"id": Column("id")})
        for name in shape.names():
            member = shape.member(name)
            assert member is not None
            made.types[name] = member.type
            if name == "id":
                continue
            if isinstance(member.type, ListType) and isinstance(member.type.item, RecordType):
                made.members[name] = Rows(self.relation(member.type.item.shape), _owned_by(name))
            elif isinstance(member.type, RecordType):
                table.append_column(TableColumn(name, String()))
                made.members[name] = Link(name, self.relation(member.type.shape))
            else:
                table.append_column(TableColumn(name, types.get(member.type, String())))
                made.members[name] = Column(name, self._digits.get(name, DIGITS) if member.type == DECIMAL else 0)
        return made

    def add(self, shape: Shape, record: dict[str, Any], owner: str | None = None, member: str | None = None) -> str:
        """Keeps the record, and all that it holds, for the tables; gives each an ``id`` that lacks one. The id."""
        if id(record) in self._ids:
            return self._ids[id(record)]
        key = str(record.setdefault("id", f"{shape.name}-{len(self._ids)}"))
        self._ids[id(record)] = key
        self.relation(shape)
        made = self.shapes[shape.name]
        row: dict[str, Any] = {"id": key, "_owner": owner, "_member": member}
        for name, kind in made.members.items():
            value = record.get(name)
            type_ = made.types.get(name)
            if isinstance(kind, Rows) and isinstance(type_, ListType) and isinstance(type_.item, RecordType):
                for child in value or []:
                    self.add(type_.item.shape, child, key, name)
            elif isinstance(kind, Link) and isinstance(type_, RecordType):
                row[kind.name] = None if value is None else self.add(type_.shape, value)
            elif isinstance(kind, Column) and type_ is not None and name != "id":
                row[kind.name] = stored(value, type_, self.dialect, kind.digits)
        self._rows.append((made.table, row))
        return key

    def write(self, connection: Connection) -> None:
        """Creates the tables and inserts what was added."""
        self.metadata.create_all(connection)
        for table, row in self._rows:
            connection.execute(table.insert().values(row))


def _owned_by(name: str) -> Any:
    def on(owner: FromClause, child: FromClause) -> Any:
        return and_(child.c["_owner"] == owner.c["id"], child.c["_member"] == name)

    return on
