"""Conditions over a list of values whose SQL text is the same for lists of any length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from engine.fields.columns import Key, WholeNumber, dump_json
from engine.store.statement import binder

#: The bind parameter that takes what :func:`array` makes.
VALUES = "values"


def among(column: ColumnElement[Any], dialect: Dialect) -> ColumnElement[bool]:
    """The condition that the column has one of the values of the parameter ``values``."""
    if dialect.name == "sqlite":
        return column.in_(select(func.json_each(bindparam(VALUES)).table_valued("value").c.value))
    item: TypeEngine[Any] = Text()
    if isinstance(column.type, Key):
        item = UUID(as_uuid=False)
    elif isinstance(column.type, WholeNumber):
        item = BigInteger()
    return column == any_(bindparam(VALUES, type_=ARRAY(item)))


def array(values: Iterable[Any], column: ColumnElement[Any], dialect: Dialect) -> Any:
    """The values as the driver takes them in one parameter."""
    process = binder(column.type, dialect)
    raw = [process(value) for value in values] if process is not None else list(values)
    return dump_json(raw) if dialect.name == "sqlite" else raw
