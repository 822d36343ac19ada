"""Statements about tables that may have another shape in a moment: made of names and kinds, not of metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, TableClause, and_, column, func, literal, or_, select, table

from engine.store.migrate.schema import ColumnSchema, type_of

#: Rows that are held in memory at a time.
CHUNK = 1_000


def columns_of(name: str, columns: Mapping[str, ColumnSchema]) -> TableClause:
    """The table with these columns, for queries."""
    return table(name, *(column(each, type_of(schema.kind)) for each, schema in columns.items()))


def count_rows(connection: Connection, name: str) -> int:
    """How many rows the table has."""
    return int(connection.execute(select(func.count()).select_from(table(name))).scalar_one())


def count_values(connection: Connection, name: str, which: str, but: tuple[str, Any] | None = None) -> int:
    """In how many rows the column is not null; with ``but`` (a kind and a value) has another value than that."""
    clause = select(func.count()).select_from(table(name, column(which))).where(column(which).is_not(None))
    if but is not None:
        kind, value = but
        clause = clause.where(column(which, type_of(kind)) != literal(value, type_of(kind)))
    return int(connection.execute(clause).scalar_one())


def chunks(
    connection: Connection, source: TableClause, primary: Sequence[str], where: ColumnElement[bool]
) -> Iterator[Sequence[Any]]:
    """The rows for which the condition holds, in chunks, in the order of their primary key. Rows may be changed while
    this goes on, their key excepted."""
    keys = [source.c[name] for name in primary]
    clause = select(*source.columns).where(where).order_by(*keys).limit(CHUNK)
    rows = connection.execute(clause).all()
    while rows:
        yield rows
        last = [getattr(rows[-1], name) for name in primary]
        rows = connection.execute(clause.where(_after(keys, last))).all()


def _after(keys: Sequence[ColumnElement[Any]], last: Sequence[Any]) -> ColumnElement[bool]:
    """The condition that a row comes after that key."""
    cases = [
        and_(
            *(key == value for key, value in zip(keys[:at], last[:at], strict=True)),
            keys[at] > literal(last[at], keys[at].type),
        )
        for at in range(len(keys))
    ]
    return or_(*cases)
