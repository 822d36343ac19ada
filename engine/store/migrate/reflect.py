"""The tables that a database has, read from the database itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.types import TypeEngine

from engine.store.migrate.schema import ColumnSchema, IndexSchema, Schema, TableSchema

#: The names under which SQLite keeps columns.
_SQLITE_KINDS = {
    "BIGINT": "integer",
    "INTEGER": "small_integer",
    "DATETIME TEXT": "datetime",
    "DATE TEXT": "date",
    "TIME TEXT": "time",
    "UUID TEXT": "key",
    "JSON TEXT": "json",
    "BLOB": "bytes",
    "TEXT": "text",
    "BOOLEAN": "boolean",
}
_SCALED = re.compile(r"SCALED INTEGER\(([0-9]+), *([0-9]+)\)")
_POSTGRES_KINDS = {
    "BIGINT": "integer",
    "INTEGER": "small_integer",
    "TIMESTAMP": "datetime",
    "DATE": "date",
    "TIME": "time",
    "UUID": "key",
    "JSONB": "json",
    "TEXT": "text",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "BYTEA": "bytes",
}

_COLUMNS = """
SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid
"""
_INDEXES = """
SELECT m.name, i.name, i."unique", i.origin, i.partial, c.name
FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
WHERE m.type = 'table' ORDER BY m.name, i.name, c.seqno
"""
_PARENTS = """
SELECT m.name, f."table" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
"""
_WITHOUT_ROWID = "SELECT name FROM pragma_table_list WHERE wr = 1"


def reflect(connection: Connection) -> Schema:
    """All tables of the database by name, also those that are nothing of ours: a column that we could not have made has
    a kind of its own, which is none of ``KINDS``."""
    return _sqlite(connection) if connection.dialect.name == "sqlite" else _postgres(connection)


def _sqlite(connection: Connection) -> Schema:
    columns: dict[str, dict[str, ColumnSchema]] = defaultdict(dict)
    primary: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for table, name, type_, not_null, place in connection.execute(text(_COLUMNS)):
        columns[table][name] = ColumnSchema(_sqlite_kind(type_), not not_null)
        if place:
            primary[table].append((place, name))
    parents = {row[0]: row[1] for row in connection.execute(text(_PARENTS))}
    indexes: dict[str, dict[str, IndexSchema]] = defaultdict(dict)
    unique: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for table, name, is_unique, origin, partial, column in connection.execute(text(_INDEXES)):
        if origin == "u":
            unique[table][name].append(column)
        elif origin == "c":
            before = indexes[table][name].columns if name in indexes[table] else ()
            indexes[table][name] = IndexSchema((*before, column), bool(is_unique), bool(partial))
    without_rowid = set(connection.scalars(text(_WITHOUT_ROWID)))
    return {
        table: TableSchema(
            columns=found,
            primary=tuple(name for _, name in sorted(primary[table])),
            indexes=indexes[table],
            parent=parents.get(table),
            unique=_sorted(unique[table].values()),
            rowid=table not in without_rowid,
        )
        for table, found in columns.items()
    }


def _sqlite_kind(declared: str) -> str:
    scaled = _SCALED.fullmatch(declared)
    return f"decimal({scaled[1]}, {scaled[2]})" if scaled else _SQLITE_KINDS.get(declared, declared)


def _postgres(connection: Connection) -> Schema:
    inspector = inspect(connection)
    columns, keys = inspector.get_multi_columns(), inspector.get_multi_pk_constraint()
    indexes, foreign = inspector.get_multi_indexes(), inspector.get_multi_foreign_keys()
    constraints = inspector.get_multi_unique_constraints()
    return {
        str(at[1]): TableSchema(
            columns={
                str(column["name"]): ColumnSchema(_postgres_kind(column["type"]), column["nullable"])
                for column in found
            },
            primary=tuple(map(str, keys[at]["constrained_columns"])),
            indexes={
                str(index["name"]): IndexSchema(
                    tuple(str(name) for name in index["column_names"]),
                    bool(index["unique"]),
                    "postgresql_where" in index.get("dialect_options", {}),
                )
                for index in indexes[at]
                if "duplicates_constraint" not in index  # that of a constraint
            },
            parent=next((str(key["referred_table"]) for key in foreign[at]), None),
            unique=_sorted(constraint["column_names"] for constraint in constraints[at]),
        )
        for at, found in columns.items()
    }


def _postgres_kind(type_: TypeEngine[Any]) -> str:
    precision, scale = getattr(type_, "precision", None), getattr(type_, "scale", None)
    if type_.__visit_name__.upper() == "NUMERIC" and precision is not None:
        return f"decimal({precision}, {scale})"
    return _POSTGRES_KINDS.get(type_.__visit_name__.upper(), str(type_))


def _sorted(groups: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(map(str, group)) for group in groups))
