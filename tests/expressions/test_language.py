"""What an expression knows of itself: type, reads, constants; and how places take values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.expressions.builtins import BUILTINS
from engine.expressions.functions.function import functions
from engine.expressions.language import Expression, compile_expression
from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    INTEGER,
    JSON,
    NULL,
    TEXT,
    ChoiceType,
    ListType,
    Member,
    RecordType,
    Scope,
    SimpleShape,
    Type,
)
from tests.expressions.table import BOX, SCOPE, SHAPES, record, scope_values

FUNCTIONS = functions(BUILTINS)
STATUS = ChoiceType("choice", ("draft", "open", "done"))


def compiled(text: str, expects: Type | None = None, scope: Scope = SCOPE) -> Expression:
    return compile_expression(text, scope, expects=expects, functions=FUNCTIONS)


def paths(*written: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(path.split(".")) for path in written)


@pytest.mark.parametrize(
    ("text", "type_", "nullable"),
    [
        ("1", INTEGER, False),
        ("1.0", DECIMAL, False),
        ("null", NULL, True),
        ("i + 1", INTEGER, True),
        ("count_of + 1", INTEGER, False),
        ("count_of / 2", DECIMAL, False),
        ("count_of // 2", INTEGER, False),
        ("price // 2", DECIMAL, False),
        ("i if flag else 1.5", DECIMAL, True),
        ("status", STATUS, False),
        ("status if flag else name", TEXT, True),
        ("a > 3", BOOLEAN, True),
        ("a == null", BOOLEAN, False),
        ("made - due", INTEGER, True),
        ("now - sent", DURATION, True),
        ("made + days(1)", DATE, False),
        ("sent + days(1)", DATETIME, False),
        ("owner", RecordType.of(SHAPES["person"]), True),
        ("record", RecordType.of(BOX), False),
        ("parts", ListType("list", RecordType.of(SHAPES["part"])), False),
        ("parts.weight", ListType("list", DECIMAL), False),
        ("parts.pieces.size", ListType("list", INTEGER), False),
        ("[1, 2.5]", ListType("list", DECIMAL), False),
        ("sum(parts.times)", INTEGER, False),
        ("sum(parts.amount)", DECIMAL, False),
        ("max(parts.times)", INTEGER, True),
        ("mean(parts.times)", DECIMAL, True),
        ("any(p.open for p in parts)", BOOLEAN, True),
        ("any(p.weight > 1 for p in parts)", BOOLEAN, False),
        ("round(price)", INTEGER, False),
        ("round(price, 2)", DECIMAL, False),
        ("coalesce(a, 0)", DECIMAL, False),
        ("coalesce(a, b)", DECIMAL, True),
        ("concat(name, code)", TEXT, False),
        ("first(parts)", RecordType.of(SHAPES["part"]), True),
        ("week(due)", TEXT, True),
    ],
)
def test_type(text: str, type_: Type, nullable: bool) -> None:
    expression = compiled(text)
    assert (expression.type, expression.nullable) == (type_, nullable)


@pytest.mark.parametrize(
    ("text", "own", "scope"),
    [
        ("1 + 2", "", ""),
        ("a + b * a", "a b", ""),
        ("owner.limit > price", "owner.limit price", ""),
        ("owner.boss.name", "owner.boss.name", ""),
        ("owner == user", "owner.id", "user.id"),
        ("owner.boss == helper", "owner.boss.id helper.id", ""),
        ('owner == "Ann"', "owner.name", ""),
        ('thing in ["HAM"]', "thing.code", ""),
        ("owner in [user, helper]", "owner.id helper.id", "user.id"),
        ("thing in parts.thing", "thing.id parts.thing.id", ""),
        ('"HAM" in parts.thing', "parts.thing.code", ""),
        ("helper == null", "helper.id", ""),
        ("a == null", "a", ""),
        ("owner", "owner.id", ""),
        ("record", "id", ""),
        ("record.a + box.b", "a b", ""),
        ("team_of", "", "team_of"),
        ("owner.team in user.teams", "owner.team", "user.teams"),
        ("sum(parts.weight)", "parts.weight", ""),
        ("count(parts)", "parts", ""),
        ("sum(parts.pieces.size)", "parts.pieces.size", ""),
        ("sum(p.weight * rate for p in parts if p.open)", "parts.weight parts.open rate", ""),
        ("count(p for p in parts if p.open)", "parts parts.open", ""),
        ("sum(1 for p in parts)", "parts", ""),
        ("any(any(z.size > p.times for z in p.pieces) for p in parts)", "parts.pieces.size parts.times", ""),
        ("any(p.thing.maker == user for p in parts)", "parts.thing.maker.id", "user.id"),
        ("any(p.thing == thing for p in parts)", "parts.thing.id thing.id", ""),
        ("first(parts).thing.code", "parts.thing.code", ""),
        ("(owner if flag else helper).name", "owner.name helper.name flag", ""),
        ("coalesce(helper, owner).limit", "helper.limit owner.limit", ""),
        ("a if flag else null", "a flag", ""),
        ("date(sent)", "sent", "timezone"),
        ("year(due)", "due", ""),
        ("due > today", "due", "today"),
    ],
)
def test_reads(text: str, own: str, scope: str) -> None:
    names = SCOPE.having(team_of=TEXT)
    expression = compiled(text, scope=names)
    assert expression.reads == paths(*own.split())
    assert expression.scope_reads == paths(*scope.split())
    assert expression.constant is (own == "")


@pytest.mark.parametrize(
    ("text", "expects", "value"),
    [
        ("draft", STATUS, "draft"),
        ('"open"', STATUS, "open"),
        ("open if flag else done", STATUS, "open"),
        ("coalesce(null, done)", STATUS, "done"),
        ("[draft, done]", ListType("list", STATUS), ["draft", "done"]),
        ("status", STATUS, "draft"),
        ("name", STATUS, "Box"),
        ("status", TEXT, "draft"),
        ("0", DECIMAL, Decimal(0)),
        ("i", DECIMAL, Decimal(7)),
        ("i if flag else 0", DECIMAL, Decimal(7)),
        ("sum(parts.times)", DECIMAL, Decimal(6)),
        ("[1, 2]", ListType("list", DECIMAL), [Decimal(1), Decimal(2)]),
        ("[]", ListType("list", TEXT), []),
        ("null", DECIMAL, None),
        ('"2026-11-30"', DATE, date(2026, 11, 30)),
        ('"Ann"', RecordType.of(SHAPES["person"]), "Ann"),
        ("name", RecordType.of(SHAPES["person"]), "Box"),
        ("null", RecordType.of(SHAPES["person"]), None),
        ("a", JSON, Decimal("10.00")),
    ],
)
def test_what_a_place_takes(text: str, expects: Type, value: Any) -> None:
    found = compiled(text, expects)(record(), scope_values())
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, list):
        assert [type(item) for item in found] == [type(item) for item in value]


def test_a_link_takes_a_record_as_it_is() -> None:
    values = record()
    assert compiled("owner", RecordType.of(SHAPES["person"]))(values, scope_values()) is values["owner"]


def test_an_option_goes_before_a_field_of_the_same_name() -> None:
    shape = SimpleShape("lamp", {"state": Member(ChoiceType("choice", ("on", "state")), False)})
    expression = compiled("state", ChoiceType("choice", ("on", "state")), Scope(shape))
    assert expression({"state": "on"}, {}) == "state"


def test_own_fields_go_before_names_of_the_scope() -> None:
    shape = SimpleShape("lamp", {"user": Member(TEXT, False), "record": Member(INTEGER, False)})
    scope = Scope(shape, {"user": INTEGER})
    assert compiled("user", scope=scope)({"user": "x", "record": 3}, {"user": 1}) == "x"
    assert compiled("record", scope=scope)({"user": "x", "record": 3}, {"user": 1}) == 3
    assert compiled("lamp.user", scope=scope)({"user": "x", "record": 3}, {"user": 1}) == "x"


def test_an_expression_without_a_record() -> None:
    expression = compiled("user.limit / 2", scope=Scope(None, SCOPE.names))
    assert expression(None, scope_values()) == Decimal(250)


def test_unknown_does_not_hold() -> None:
    expression = compiled("a > 3")
    assert expression(record(a=None), {}) is None
    assert not expression.holds(record(a=None), {})
    assert expression.holds(record(), {})


def test_checking_makes_no_code() -> None:
    expression = compiled("a > 3")
    assert not {"function", "test", "_value_source"} & set(vars(expression))
    expression(record(), {})
    assert "function" in vars(expression)


def test_missing_time_zone_means_utc() -> None:
    values = scope_values()
    del values["timezone"]
    assert compiled("date(sent)")(record(), values) == date(2026, 11, 20)
