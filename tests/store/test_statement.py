"""Statements: compiled once, positional, converted on both sides."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Column, MetaData, Table, bindparam, select
from sqlalchemy.dialects import sqlite

from engine.fields.columns import PlainText, ScaledDecimal
from engine.store.statement import Statement

DIALECT = sqlite.dialect()
TABLE = Table("thing", MetaData(), Column("name", PlainText()), Column("price", ScaledDecimal(18, 2)))


def test_values_come_in_the_callers_sequence_and_go_in_that_of_the_text() -> None:
    clause = select(TABLE.c.price).where(TABLE.c.price == bindparam("b"), TABLE.c.name == bindparam("a"))
    statement = Statement(clause, DIALECT, ("a", "b"))
    assert statement.text == "SELECT thing.price \nFROM thing \nWHERE thing.price = ? AND thing.name = ?"
    assert list(statement.bind(("x", Decimal("1.50")))) == [150, "x"]
    assert statement.read([(150,), (None,)]) == [(Decimal("1.50"),), (None,)]


def test_constants_of_the_clause_are_bound_once() -> None:
    clause = select(TABLE.c.name).where(TABLE.c.price.in_([Decimal(1), Decimal(2)]), TABLE.c.name == bindparam("a"))
    statement = Statement(clause, DIALECT, ("a",))
    text, values = statement.prepare(("x",))
    assert text.count("?") == 3
    assert list(values) == [100, 200, "x"]


def test_a_list_of_the_caller_is_written_out_each_time() -> None:
    clause = select(TABLE.c.name).where(TABLE.c.price.in_(bindparam("prices", expanding=True)), TABLE.c.name == "x")
    statement = Statement(clause, DIALECT, ("prices",))
    assert statement.prepare(([Decimal(1), Decimal(3)],))[1] == [100, 300, "x"]
    text, values = statement.prepare(([],))
    assert values == ["x"]
    assert "SELECT 1 FROM (SELECT 1) WHERE 1!=1" in text


def test_a_parameter_may_stand_twice() -> None:
    clause = select(TABLE.c.name).where((TABLE.c.name == bindparam("a")) | (TABLE.c.name > bindparam("a")))
    assert list(Statement(clause, DIALECT, ("a",)).bind(("x",))) == ["x", "x"]


def test_a_parameter_that_nobody_gives_is_an_error() -> None:
    statement = Statement(select(TABLE.c.name).where(TABLE.c.name == bindparam("a")), DIALECT)
    with pytest.raises(ValueError, match=r"nobody gives the parameters \['a'\]"):
        statement.prepare(())
