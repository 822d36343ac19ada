"""What the statements of the SQL backend look like, and what they do with values at the edges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column as TableColumn
from sqlalchemy import Connection, MetaData, String, Table, Uuid, create_engine, insert, select, text, update
from sqlalchemy.dialects import sqlite

from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression, compile_expression
from engine.expressions.postgres import install_functions
from engine.expressions.relations import Column, Joins, Link, Rows
from engine.expressions.sql import SqlExpression, to_sql
from engine.expressions.types import INTEGER, TEXT, ListType, Member, RecordType, Scope, SimpleShape
from tests.expressions.table import BOX, record, scope_values
from tests.expressions.test_sql import FUNCTIONS, Database, asked, compiled, connection, database, found

#: A record that brings no others along.
ALONE: dict[str, Any] = {"parts": [], "owner": None, "thing": None}

__all__ = ["connection", "database"]  # fixtures


def written(expression: str, *, filters: bool = True) -> str:
    """The statement on SQLite that a filter by the expression makes, on one line."""
    joins = Joins(Database("sqlite://", "sqlite").tables.root)
    sql = to_sql(compiled(expression), joins, "sqlite", filters=filters)
    query = select(joins.table.c["id"]).select_from(joins.source).where(sql.clause)
    return re.sub(r"\s+", " ", str(query.compile(dialect=sqlite.dialect())))


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("price >= 12.345", "box.price >= ?"),
        ("12.345 <= price", "box.price >= ?"),
        ("price > least", "box.price > ?"),
        ("i == 7", "box.i = ?"),
        ("due < today", "box.due < ?"),
        ("sent >= now - days(7)", "box.sent >= ?"),
        ('status == "draft"', "box.status = ?"),
        ("owner == user", "box.owner = ?"),
        ("owner.id == user.id", "box.owner = ?"),
        ("helper == null", "box.helper IS NULL"),
        ("code in codes", "box.code IN (__[POSTCOMPILE_x_0])"),
        ("a > b", "box.a > box.b"),
        ("flag and not other", "box.flag = 1 AND (box.other = 0)"),
    ],
)
def test_a_column_beside_what_is_given_stays_bare(expression: str, condition: str) -> None:
    assert written(expression) == f"SELECT box.id FROM box WHERE {condition}"


def test_sqlite_uses_the_index() -> None:
    database = Database("sqlite://", "sqlite")
    joins = Joins(database.tables.root)
    sql = to_sql(compiled("price >= least and i < 100"), joins, "sqlite", filters=True)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE INDEX by_price ON box (price)"))
        query = select(joins.table.c["id"]).where(sql.clause)
        explain = text("EXPLAIN QUERY PLAN " + str(query.compile(dialect=sqlite.dialect(paramstyle="named"))))
        plan = connection.execute(explain, sql.parameters({"least": Decimal("1.23456")})).all()
    assert "USING INDEX by_price (price>?)" in str(plan)


def test_each_link_is_joined_once() -> None:
    statement = written('owner.name == "Ann" or owner.team == "x" or owner.boss.name == "Bob"')
    assert statement.count("JOIN") == 2


def test_a_filter_stops_at_the_first_hit() -> None:
    assert written("any(p.amount > 3 for p in parts)").startswith("SELECT box.id FROM box WHERE EXISTS (SELECT")
    assert "CASE" not in written("ready and any(p.amount > 3 for p in parts) or flag")
    assert "CASE" in written("not any(p.amount > 3 for p in parts)")  # where unknown must stay unknown


def test_parameters_have_the_names_that_were_asked_for() -> None:
    joins = Joins(Database("sqlite://", "sqlite").tables.root)
    one = to_sql(compiled("price > least"), joins, "sqlite", prefix="mine")
    two = to_sql(compiled("price < least and owner == user"), joins, "sqlite", prefix="yours")
    assert [*one.binds, *two.binds] == ["mine_0", "yours_0", "yours_1"]
    assert two.parameters(scope_values(least=Decimal("5.001"))) == {"yours_0": 501, "yours_1": "p1"}


def test_numbers_beyond_what_a_column_holds(database: Database, connection: Connection) -> None:
    database.tables.insert(connection, BOX, record())
    for expression, expected in [("price < least", True), ("price > least", False), ("price == least", False)]:
        assert found(database, connection, compiled(expression), scope_values(least=Decimal("1E+25"))) is expected


def test_nothing_overflows(database: Database, connection: Connection) -> None:
    large = 2**63 - 1
    parts = [{**part, "times": large} for part in record()["parts"]]
    database.tables.insert(connection, BOX, record(i=large, j=large, parts=parts))
    scope = scope_values()
    assert asked(database, connection, compiled("i * j"), scope) == large * large
    assert asked(database, connection, compiled("i + j + 1"), scope) == 2 * large + 1
    assert asked(database, connection, compiled("sum(parts.times)"), scope) == 3 * large
    assert asked(database, connection, compiled("sum(0 - p.times for p in parts)"), scope) == -3 * large
    assert found(database, connection, compiled("i * 2 > j"), scope)


def test_a_row_that_divides_by_zero_does_not_fail_the_others(database: Database, connection: Connection) -> None:
    for key, b in [("b1", Decimal(0)), ("b2", Decimal("0.01"))]:
        database.tables.insert(connection, BOX, record(id=key, b=b, **ALONE))
    joins = Joins(database.tables.root)
    sql = to_sql(compiled("a / b > 999"), joins, database.dialect, filters=True)
    query = select(joins.table.c["id"]).select_from(joins.source).where(sql.clause)
    assert connection.scalars(query, sql.parameters(scope_values())).all() == ["b2"]


def test_values_to_store(database: Database, connection: Connection) -> None:
    database.tables.insert(connection, BOX, record())
    joins = Joins(database.tables.root)
    for name, expression, digits in [("a", "price / 3", 2), ("i", "i + 1", 0), ("name", 'code + "!"', 0)]:
        sql = to_sql(compiled(expression), joins, database.dialect)
        connection.execute(update(joins.table).values({name: sql.stored(digits)}), sql.parameters(scope_values()))
    assert asked(database, connection, compiled("a"), scope_values()) == Decimal("22.03")
    assert asked(database, connection, compiled("i"), scope_values()) == 8
    assert asked(database, connection, compiled("name"), scope_values()) == "B-1!"


def test_exact_numbers_sort_by_size(database: Database, connection: Connection) -> None:
    amounts = ["-10", "-9.5", "-0.01", "0", "0.01", "1.2", "1.23", "9", "10", "1000000"]
    for number, amount in enumerate(reversed(amounts)):
        database.tables.insert(connection, BOX, record(id=f"b{number}", a=Decimal(amount), **ALONE))
    joins = Joins(database.tables.root)
    sql = to_sql(compiled("a * rate"), joins, database.dialect)
    query = select(sql.clause).order_by(sql.dialect.sortable(sql.sql))
    values = [sql.result(value) for value in connection.scalars(query, sql.parameters(scope_values()))]
    assert values == [Decimal(amount) * Decimal("0.125") for amount in amounts]


@pytest.mark.parametrize(
    ("expression", "part", "word"),
    [
        ("price > 3 and first(parts).weight > 2", "first(parts).weight", "path"),
        ("count(distinct(parts.colour)) > sum(distinct(parts.weight))", "sum(distinct(parts.weight))", "distinct"),
        ("(marks if flag else codes) == null", "marks if flag else codes", "path"),
    ],
)
def test_faults_say_which_part(expression: str, part: str, word: str) -> None:
    with pytest.raises(ExpressionProblems) as raised:
        written(expression)
    (fault,) = raised.value.faults
    assert fault.code == "E208"
    assert expression[fault.start : fault.end] == part
    assert word in fault.message


# Shapes of which the table of cases has none: lists behind a link, ids in columns of their own type ------------------

TEAM = SimpleShape("team", {"id": Member(TEXT, False), "size": Member(INTEGER)})
TASK = SimpleShape("task", {"id": Member(TEXT, False), "team": Member(RecordType.of(TEAM)), "code": Member(TEXT)})
MEMBERS: Mapping[str, Member] = {**TEAM.members, "tasks": Member(ListType("list", RecordType.of(TASK)), False)}
TEAM_WITH_TASKS = SimpleShape("team", MEMBERS)
OWN = SimpleShape("task", {**TASK.members, "team": Member(RecordType.of(TEAM_WITH_TASKS))})
ONE, TWO, THREE = (f"0198c0de-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))


class Described:
    """A relation written out."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.members: dict[str, Column | Link | Rows] = {name: Column(name) for name in table.columns.keys()}  # noqa: SIM118 - its items are columns

    def find(self, member: str) -> Column | Link | Rows | None:
        return self.members.get(member)


@pytest.fixture
def tasks(database: Database, connection: Connection) -> Described:
    """Tasks and teams whose ids are UUIDs; the second task has no team."""
    metadata = MetaData()
    key = Uuid(as_uuid=False) if database.dialect == "postgresql" else String()
    team = Described(Table("team", metadata, TableColumn("id", key, primary_key=True)))
    columns = [TableColumn("id", key, primary_key=True), TableColumn("team", key), TableColumn("code", String())]
    task = Described(Table("task", metadata, *columns))
    task.members["team"] = Link("team", team)
    team.members["tasks"] = Rows(task, lambda owner, many: many.c["team"] == owner.c["id"])
    metadata.create_all(connection)
    connection.execute(insert(team.table), [{"id": ONE}])
    connection.execute(
        insert(task.table), [{"id": ONE, "team": ONE, "code": "A"}, {"id": TWO, "team": None, "code": TWO}]
    )
    return task


def about_tasks(expression: str) -> Expression:
    return compile_expression(
        expression, Scope(OWN, {"wanted": TEXT, "any_of": ListType("list", TEXT)}), functions=FUNCTIONS
    )


def answers(
    database: Database, connection: Connection, tasks: Described, text: str, scope: dict[str, Any]
) -> list[Any]:
    joins = Joins(tasks)
    sql: SqlExpression = to_sql(about_tasks(text), joins, database.dialect)
    query = select(sql.clause).select_from(joins.source).order_by(joins.table.c["id"])
    return [sql.result(value) for value in connection.scalars(query, sql.parameters(scope))]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("count(team.tasks)", [1, None]),
        ('any(t.code == "A" for t in team.tasks)', [True, None]),
        ("all(t.code != null for t in team.tasks)", [True, None]),
        ('"A" in team.tasks.code', [True, None]),
        ("sum(len(t.code) for t in team.tasks)", [1, None]),
    ],
)
def test_a_list_behind_an_empty_link_is_null(
    database: Database, connection: Connection, tasks: Described, expression: str, values: list[Any]
) -> None:
    assert answers(database, connection, tasks, expression, {}) == values
    without = {"id": TWO, "code": "B", "team": None}
    assert about_tasks(expression)(without, {}) is None


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("id == wanted", [True, False]),
        ("id != wanted", [False, True]),
        ('id == "no id at all"', [False, False]),
        ("id in any_of", [True, False]),
        ("id not in any_of", [False, True]),
        ("id == code", [False, True]),
        ("team.id == id", [True, None]),
        ("team == null", [False, True]),
        ("left(id, 4) + code", ["0198A", f"0198{TWO}"]),
        ("id < code", [True, False]),
        ("coalesce(team.id, code)", [ONE, TWO]),
        ("id in team.tasks.id", [True, None]),
        ("max(t.id for t in team.tasks)", [ONE, None]),
    ],
)
def test_ids_are_text(
    database: Database, connection: Connection, tasks: Described, expression: str, values: list[Any]
) -> None:
    scope = {"wanted": ONE, "any_of": [ONE, "no id", THREE]}
    assert answers(database, connection, tasks, expression, scope) == values


def test_the_functions_of_postgresql_can_be_brought_up_to_date(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    for _ in range(2):
        with engine.begin() as connection:
            install_functions(connection)
            asked_for = text("SELECT ol_div(2, 3), ol_mod(-7.5, 2), ol_week('2027-01-01'), ol_div(1, 0)")
            answer = connection.execute(asked_for).one()
    assert tuple(answer) == (Decimal("0.6666666666666666666666666667"), Decimal("0.5"), "2026-W53", None)
    engine.dispose()
