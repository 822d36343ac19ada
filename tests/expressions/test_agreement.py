"""Random expressions on random records: Python, the second opinion, SQLite, PostgreSQL and the browser must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from engine.errors import ExpressionError
from engine.expressions.faults import EvaluationError
from engine.expressions.interpret import interpret
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN
from tests.databases import PostgresServer
from tests.expressions import random_expressions
from tests.expressions.table import BOX, SCOPE
from tests.expressions.test_browser import read, run
from tests.expressions.test_sql import FUNCTIONS, Database, asked, compiled, found

FAILED = object()

Record = dict[str, Any]

#: No shrinking: it would take minutes, and the expression that fails is short anyway.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
EXAMPLES = settings().max_examples


def several(test: Callable[..., None], share: int = 1) -> Callable[..., None]:
    """The test on some random expressions over one random record, for each example."""
    examples = settings(max_examples=EXAMPLES // share, phases=PHASES)
    texts = st.lists(random_expressions.expressions(), min_size=1, max_size=6)
    return examples(given(texts=texts, r=random_expressions.records(), s=random_expressions.scopes())(test))


def answer(expression: Expression, r: Record, s: Record) -> Any:
    """The value by the Python backend, FAILED where it cannot be worked out."""
    try:
        return expression(r, s)
    except EvaluationError:
        return FAILED


def agree(value: Any, expected: Any) -> bool:
    """Whether two answers are the same: a zero is a zero, but null is no value."""
    return (value is None) == (expected is None) and value == expected


@several
def test_python_and_the_second_opinion(texts: list[str], r: Record, s: Record) -> None:
    for text in texts:
        expression = compiled(text)
        expected = answer(expression, r, s)
        try:
            second = interpret(text, r, s, SCOPE, FUNCTIONS)
        except ExpressionError:
            # It works out both sides of an operator. The compiled form stops at a null, before a division that fails.
            continue
        assert agree(second, expected), text
        assert expression.holds(r, s) is (second is True), text


@contextmanager
def holding(database: Database, r: Record) -> Iterator[Any]:
    """A connection to the database with the record in it, for as long as it takes."""
    with database.engine.connect() as connection:
        database.tables.insert(connection, BOX, r)
        yield connection
        connection.rollback()


def check_database(database: Database, texts: list[str], r: Record, s: Record) -> None:
    """Where Python gives a value the database gives the same. It has no errors: those are null there."""
    with holding(database, r) as connection:
        for text in texts:
            expression = compiled(text)
            expected = answer(expression, r, s)
            if expected is FAILED:
                continue
            value = asked(database, connection, expression, s)
            assert agree(value, expected), text
            assert type(value) is type(expected), text
            if expression.type == BOOLEAN:
                assert found(database, connection, expression, s) is (expected is True), text


@pytest.fixture(scope="module")
def sqlite() -> Database:
    return Database("sqlite://", "sqlite")


@pytest.fixture(scope="module")
def postgresql(postgres: PostgresServer) -> Iterator[Database]:
    with postgres.scratch() as url:
        made = Database(url, "postgresql")
        yield made
        made.engine.dispose()


@several
def test_sqlite(sqlite: Database, texts: list[str], r: Record, s: Record) -> None:
    check_database(sqlite, texts, r, s)


@partial(several, share=2)
def test_postgresql(postgresql: Database, texts: list[str], r: Record, s: Record) -> None:
    check_database(postgresql, texts, r, s)


@pytest.fixture(scope="module")
def in_browser(browser: Browser) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    page = browser.new_page()
    yield lambda inputs: run(page, inputs)
    page.close()


@given(
    texts=st.lists(random_expressions.expressions(), min_size=20, max_size=40, unique=True),
    r=random_expressions.records(),
    s=random_expressions.scopes(),
)
@settings(max_examples=EXAMPLES // 5, phases=PHASES)
def test_browser(in_browser: Callable[..., list[dict[str, Any]]], texts: list[str], r: Record, s: Record) -> None:
    expressions = [compiled(text) for text in texts]
    answers = in_browser([(expression, r, s) for expression in expressions])
    for expression, given_answer in zip(expressions, answers, strict=True):
        expected = answer(expression, r, s)
        if "error" in given_answer:
            assert given_answer["error"].startswith("RangeError"), expression.text  # then the page asks the server
        else:
            assert agree(read(expression.type, given_answer["value"]), expected), expression.text


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14))
def test_a_column_beside_a_constant_of_any_digits(sqlite: Database, number: Decimal) -> None:
    """The constant is rounded to the column's digits such that every comparison still says the same."""
    with holding(sqlite, {**_RECORD, "price": round(number, 2)}) as connection:
        for op in ("==", "!=", "<", "<=", ">", ">="):
            expression = compiled(f"price {op} least")
            for least in (number, round(number, 2), number + Decimal("0.01")):
                s = {"least": least}
                assert found(sqlite, connection, expression, s) is expression({**_RECORD, "price": round(number, 2)}, s)


_RECORD: Record = {
    name: [] if member and member.type.name == "list" else None
    for name, member in ((name, BOX.member(name)) for name in BOX.names())
} | {"id": "b1", "code": "B", "status": "draft", "count_of": 1, "ready": True}
