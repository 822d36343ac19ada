"""Tables for any shape, filled from plain records: what the store does for models, as small as tests of SQL need it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    FromClause,
    MetaData,
    Numeric,
    Table,
    Text,
    Time,
    and_,
)
from sqlalchemy import Column as TableColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from engine.expressions.dialects import utc_text
from engine.expressions.relations import Column, Link, Rows
from engine.expressions.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, TIME, ListType, RecordType, Shape, Type

SQLITE: Mapping[Type, TypeEngine[Any]] = {INTEGER: BigInteger(), DECIMAL: BigInteger(), BOOLEAN: Boolean()}
POSTGRES: Mapping[Type, TypeEngine[Any]] = {
    INTEGER: BigInteger(), DECIMAL: Numeric(), BOOLEAN: Boolean(),
    DATE: Date(), DATETIME: DateTime(timezone=True), TIME: Time(),
}  # fmt: skip


def stored(value: Any, type_: Type, dialect: str, digits: int) -> Any:
    """The value as the column takes it."""
    if isinstance(type_, ListType) and value is not None:
        return json.dumps(value) if dialect == "sqlite" else value
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
    """The tables of a shape and of all that it leads to. ``digits`` says how many each decimal of a shape has."""

    def __init__(self, shape: Shape, dialect: str, digits: Callable[[Shape], Mapping[str, int]]) -> None:
        self.dialect = dialect
        self.metadata = MetaData()
        self._digits = digits
        self._made: dict[str, StoredShape] = {}
        self.root = self.relation(shape)

    def relation(self, shape: Shape) -> StoredShape:
        """The shape's table, made on the first asking."""
        known = self._made.get(shape.name)
        if known is not None:
            return known
        types = SQLITE if self.dialect == "sqlite" else POSTGRES
        listed: TypeEngine[Any] = Text() if self.dialect == "sqlite" else JSONB()
        technical = [
            TableColumn("id", Text(), primary_key=True),
            TableColumn("_owner", Text()),
            TableColumn("_member", Text()),
        ]
        table = Table(shape.name, self.metadata, *technical)
        made = self._made[shape.name] = StoredShape(table, {"id": Column("id")})
        digits = self._digits(shape)
        for name in shape.names():
            member = shape.member(name)
            assert member is not None
            made.types[name] = member.type
            if name == "id":
                continue
            if isinstance(member.type, ListType) and isinstance(member.type.item, RecordType):
                made.members[name] = Rows(self.relation(member.type.item.shape), _owned_by(name))
            elif isinstance(member.type, RecordType):
                table.append_column(TableColumn(name, Text()))
                made.members[name] = Link(name, self.relation(member.type.shape))
            else:
                column = listed if isinstance(member.type, ListType) else types.get(member.type, Text())
                table.append_column(TableColumn(name, column))
                made.members[name] = Column(name, digits.get(name, 0))
        return made

    def insert(self, connection: Connection, shape: Shape, record: Mapping[str, Any]) -> None:
        """Writes the record and all that it holds or leads to. One of several with the same id is written."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._collect(rows, shape, record, None, None)
        for (name, _), row in rows.items():
            connection.execute(self._made[name].table.insert().values(row))

    def _collect(
        self,
        rows: dict[tuple[str, str], dict[str, Any]],
        shape: Shape,
        record: Mapping[str, Any],
        owner: str | None,
        member: str | None,
    ) -> str:
        key: str = record["id"]
        if (shape.name, key) in rows:
            return key
        made = self._made[shape.name]
        row = rows[shape.name, key] = {"id": key, "_owner": owner, "_member": member}
        for name, type_ in made.types.items():
            value = record.get(name)
            match type_, made.members[name]:
                case ListType(item=RecordType(shape=child)), _:
                    for part in value or []:
                        self._collect(rows, child, part, key, name)
                case RecordType(shape=target), _:
                    row[name] = None if value is None else self._collect(rows, target, value, None, None)
                case _, Column(digits=digits) if name != "id":
                    row[name] = stored(value, type_, self.dialect, digits)
        return key


def _owned_by(name: str) -> Callable[[FromClause, FromClause], ColumnElement[bool]]:
    def on(owner: FromClause, child: FromClause) -> ColumnElement[bool]:
        return and_(child.c["_owner"] == owner.c["id"], child.c["_member"] == name)

    return on
