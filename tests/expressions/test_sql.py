"""The SQL backend: the table of cases on SQLite and PostgreSQL, and what the statements look like."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, select
from sqlalchemy.pool import StaticPool

from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import EvaluationError, ExpressionProblems
from engine.expressions.functions.function import functions
from engine.expressions.language import Expression, compile_expression
from engine.expressions.postgres import install_functions
from engine.expressions.relations import Joins
from engine.expressions.sql import to_sql
from engine.expressions.sqlite import register_functions
from engine.expressions.types import RecordType
from tests.databases import PostgresServer
from tests.expressions.table import BOX, CASES, SCOPE, SERVER_CASES, Case
from tests.expressions.tables import Tables

FUNCTIONS = functions(BUILTINS)

#: What cannot be asked of a database: lists as values, lists written out in an aggregate, the first of many.
REFUSED = {
    "sum([a, b, 1])",
    "sum([i, j])",
    "distinct(parts.colour)",
    "parts.weight",
    "parts.thing.code",
    "first(parts).weight",
    "last(parts).weight",
    "first(spares).weight",
    "last(parts.amount)",
    "first(marks)",
}


class Database:
    """A database with the tables of the box, and a connection whose work is undone after each test."""

    def __init__(self, url: str, dialect: str) -> None:
        self.tables = Tables(BOX, dialect, lambda shape: getattr(shape, "digits", {}))
        self.dialect = dialect
        self.engine = create_engine(url, poolclass=StaticPool)
        if dialect == "sqlite":
            event.listen(self.engine, "connect", _prepare)
        with self.engine.begin() as connection:
            if dialect == "postgresql":
                install_functions(connection)
            self.tables.metadata.create_all(connection)


def _prepare(driver: sqlite3.Connection, _: Any) -> None:
    register_functions(driver, FUNCTIONS)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        yield Database("sqlite://", "sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.scratch() as url:
        made = Database(url, "postgresql")
        yield made
        made.engine.dispose()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection:
        yield connection
        connection.rollback()


def compiled(text: str) -> Expression:
    return compile_expression(text, SCOPE, functions=FUNCTIONS)


def asked(database: Database, connection: Connection, expression: Expression, scope: dict[str, Any]) -> Any:
    """What the database says the expression is, for the only record that it holds."""
    joins = Joins(database.tables.root)
    sql = to_sql(expression, joins, database.dialect)
    query = select(sql.clause).select_from(joins.source).where(joins.table.c["_owner"].is_(None))
    return sql.result(connection.execute(query, sql.parameters(scope)).scalar_one())


def found(database: Database, connection: Connection, expression: Expression, scope: dict[str, Any]) -> bool:
    """Whether a filter by the expression finds the record."""
    joins = Joins(database.tables.root)
    sql = to_sql(expression, joins, database.dialect, filters=True)
    query = select(joins.table.c["id"]).select_from(joins.source).where(sql.clause)
    return connection.execute(query, sql.parameters(scope)).first() is not None


#: What reads no field is worked out once, before the database is asked.
OF_FIELDS = [case for case in SERVER_CASES if compile_expression(case.text, SCOPE, functions=FUNCTIONS).reads]
ONCE = [case for case in SERVER_CASES if case not in OF_FIELDS]


@pytest.mark.parametrize(
    "case", [case for case in [*CASES, *ONCE] if case.text not in REFUSED], ids=lambda case: case.name
)
def test_case(case: Case, database: Database, connection: Connection) -> None:
    expression = compiled(case.text)
    database.tables.insert(connection, BOX, case.record)
    try:
        value = asked(database, connection, expression, case.scope)
    except EvaluationError:
        assert case.fails  # what reads no column is worked out beforehand
        return
    answer = case.answer(expression.type)
    if isinstance(expression.type, RecordType) and answer is not None:
        answer = answer["id"]
    assert value == answer
    assert type(value) is type(answer)
    if answer in (True, False, None):
        holds = compiled(f"({case.text}) == true") if expression.type.name == "boolean" else None
        assert holds is None or found(database, connection, holds, case.scope) is (answer is True)


@pytest.mark.parametrize("text", sorted(REFUSED | {case.text for case in OF_FIELDS}))
def test_refused(text: str, database: Database) -> None:
    with pytest.raises(ExpressionProblems) as raised:
        to_sql(compiled(text), Joins(database.tables.root), database.dialect)
    assert {fault.code for fault in raised.value.faults} == {"E208"}
