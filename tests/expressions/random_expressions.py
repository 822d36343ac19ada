"""Strategies for expressions that check, over the shapes of the table of cases, and for records to try them on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    TIME,
    ChoiceType,
    ListType,
    RecordType,
    Type,
)
from tests.expressions.table import BOX, SCOPE, Shape

#: Letters whose order differs between code points, UTF-16 units and dictionaries; a quote, a wild card, a space.
LETTERS = "aAbZzé箱\ufffd😀'%_- 0"
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")

Part = Callable[[], str]


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions of any type."""
    writer = Writer(draw)
    return writer.one_of(writer.boolean, writer.number, writer.integer, writer.text, writer.date, writer.datetime)(3)


class Writer:
    """Draws one expression: each method makes a part of one type, less deep with every step down."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._looping = False

    def one_of(self, *values: Any) -> Any:
        """One of the values."""
        return values[self._draw(st.integers(0, len(values) - 1))]

    def choose(self, depth: int, leaves: str, *branches: Part) -> str:
        """A leaf (they are separated by ``;``), or what a branch makes."""
        number = self._draw(st.integers(0, 2 * len(branches))) if depth else 0
        if depth and number < len(branches):
            return branches[number]()
        leaf = str(self.one_of(*leaves.split("; ")))
        return f"({leaf})" if " " in leaf else leaf

    def over_parts(self, function: str, element: Part, *conditions: Part) -> str:
        """An aggregate over the parts; inside another one, the plainest there is."""
        if self._looping:
            return "count(spares)" if function in ("count", "sum", "min", "max", "mean") else "ready"
        self._looping = True
        tests = "".join(f" if {condition()}" for condition in conditions)
        made = f"{function}({element()} for p in parts{tests})"
        self._looping = False
        return made

    def integer(self, depth: int) -> str:
        d = depth - 1
        return self.choose(
            depth,
            "i; j; count_of; count(parts); sum(parts.times); len(code); max(parts.times); 0; 1; 2; 7; 20",
            lambda: f"({self.integer(d)} {self.one_of('+', '-', '*', '//', '%')} {self.integer(d)})",
            lambda: f"({self.integer(d)} if {self.boolean(d)} else {self.integer(d)})",
            lambda: self.over_parts("count", lambda: "p", lambda: self.of_part(d)),
            lambda: self.over_parts("sum", lambda: f"p.times * {self.integer(d)}"),
            lambda: f"{self.one_of('round', 'floor', 'ceil')}({self.number(d)})",
            lambda: f"({self.date(d)} - {self.date(d)})",
            lambda: f"{self.one_of('year', 'month', 'day', 'weekday')}({self.one_of(self.date, self.datetime)(d)})",
            lambda: f"coalesce({self.integer(d)}, {self.integer(d)})",
        )

    def number(self, depth: int) -> str:
        d = depth - 1
        return self.choose(
            depth,
            "a; b; rate; price; least; owner.limit; thing.price; i; 0.5; 2; 10; 12.345; 0.0001; sum(parts.weight); "
            "sum(parts.amount); mean(parts.weight); min(parts.amount); max(parts.weight); sum(parts.pieces.weight); "
            "mean(parts.times)",
            lambda: f"({self.number(d)} {self.one_of('+', '-', '*')} {self.number(d)})",
            lambda: f"({self.number(d)} {self.one_of('/', '//', '%')} {self.number(d)})",
            lambda: f"-{self.number(d)}",
            lambda: f"abs({self.number(d)})",
            lambda: f"round({self.number(d)}, {self.one_of(-2, 0, 1, 2, 4, 6)})",
            lambda: f"{self.one_of('min', 'max', 'coalesce')}({self.number(d)}, {self.number(d)})",
            lambda: f"clamp({self.number(d)}, {self.number(d)}, {self.number(d)})",
            lambda: f"({self.number(d)} if {self.boolean(d)} else {self.number(d)})",
            lambda: self.over_parts("sum", lambda: f"p.weight * {self.number(d)}", lambda: self.of_part(d)),
            lambda: self.over_parts(self.one_of("min", "max", "mean"), lambda: f"p.amount + {self.number(d)}"),
        )

    def boolean(self, depth: int) -> str:
        d = depth - 1
        return self.choose(
            depth,
            "flag; other; ready; owner == user; helper == owner; owner.boss == null; helper != null; a == null; "
            'status == "draft"; level in ["A", "C"]; "red" in marks; any(parts.open); all(parts.open); code in codes; '
            'owner.team in user.teams; "a" in parts.colour; thing in parts.thing',
            lambda: self.comparison(d),
            lambda: self.comparison(d),
            lambda: f"({self.boolean(d)} {self.one_of('==', '!=', 'and', 'or')} {self.boolean(d)})",
            lambda: f"(not {self.boolean(d)})",
            lambda: f"({self.number(d)} {self.one_of('in', 'not in')} [{self.number(d)}, {self.number(d)}])",
            lambda: f"({self.number(d)} {self.one_of('in', 'not in')} parts.amount)",
            lambda: f"({self.one_of(self.number, self.text, self.boolean)(d)} {self.one_of('==', '!=')} null)",
            lambda: self.over_parts(self.one_of("any", "all"), lambda: self.of_part(d)),
            lambda: self.over_parts(self.one_of("any", "all"), lambda: self.of_part(d), lambda: self.of_part(d)),
            lambda: f"{self.one_of('contains', 'starts_with', 'ends_with')}({self.text(d)}, {self.text(d)})",
        )

    def comparison(self, depth: int) -> str:
        side = self.one_of(self.number, self.integer, self.text, self.date, self.datetime)
        return f"({side(depth)} {self.one_of(*COMPARISONS)} {side(depth)})"

    def of_part(self, depth: int) -> str:
        return self.choose(
            depth,
            'p.open; p.thing == thing; p.colour != "a"; p.due < today; p.thing.maker == user; p.amount > 0.005; '
            "any(z.size > p.times for z in p.pieces); p.times == i; p.amount <= a; p.amount < rate",
            lambda: f"p.weight {self.one_of(*COMPARISONS)} {self.number(depth - 1)}",
            lambda: f"p.weight * {self.number(depth - 1)} {self.one_of(*COMPARISONS)} p.amount",
        )

    def text(self, depth: int) -> str:
        d = depth - 1
        return self.choose(
            depth,
            "code; name; (status + name); (level + code); owner.name; user.name; min(parts.colour); helper.team; "
            '"a"; ""; "Z"; "箱"; "%"',
            lambda: f"({self.text(d)} + {self.text(d)})",
            lambda: f"{self.one_of('upper', 'lower', 'trim')}({self.text(d)})",
            lambda: f"{self.one_of('left', 'right')}({self.text(d)}, {self.one_of('0', '1', '2', 'j')})",
            lambda: f"concat({self.text(d)}, {self.text(d)})",
            lambda: f"replace({self.text(d)}, {self.text(0)}, {self.text(0)})",
            lambda: f"({self.text(d)} if {self.boolean(d)} else {self.text(d)})",
            lambda: f"week({self.date(d)})",
            lambda: f"{self.one_of('min', 'max', 'coalesce')}({self.text(d)}, {self.text(d)})",
        )

    def date(self, depth: int) -> str:
        d = depth - 1
        return self.choose(
            depth,
            "due; made; today; max(parts.due)",
            lambda: f"({self.date(d)} {self.one_of('+', '-')} {self.duration()})",
            lambda: f"date({self.datetime(d)})",
            lambda: f"({self.date(d)} if {self.boolean(d)} else {self.date(d)})",
        )

    def datetime(self, depth: int) -> str:
        d = depth - 1
        return self.choose(
            depth,
            "seen; sent; now",
            lambda: f"({self.datetime(d)} {self.one_of('+', '-')} {self.duration()})",
            lambda: f'next_day({self.datetime(d)}, "18:00", "09:30")',
            lambda: f"coalesce({self.datetime(d)}, {self.datetime(d)})",
        )

    def duration(self) -> str:
        return str(
            self.one_of(
                "days(1)", "days(30)", "hours(7)", "hours(0.5)", "minutes(45)", "(now - sent)", "(now - seen) * 2"
            )
        )


def records() -> st.SearchStrategy[dict[str, Any]]:
    """Records of the box, ids and all: few values, so that equal ones meet."""
    return _record(BOX, depth=2)


def scopes() -> st.SearchStrategy[dict[str, Any]]:
    """Values for the names of the scope."""
    values = {name: _value(type_, {}, name, 1) for name, type_ in SCOPE.names.items()}
    values["timezone"] = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"])
    return st.fixed_dictionaries(values)


def _record(shape: Shape, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    members: dict[str, st.SearchStrategy[Any]] = {}
    for name in shape.names():
        member = shape.member(name)
        assert member is not None
        value = _value(member.type, shape.digits, name, depth)
        members[name] = st.none() | value if member.nullable else value
    members["id"] = st.uuids().map(str)
    return st.fixed_dictionaries(members)


def _value(type_: Type, digits: dict[str, int] | Any, name: str, depth: int) -> st.SearchStrategy[Any]:
    match type_:
        case ChoiceType(options=options):
            return st.sampled_from(options)
        case ListType(item=RecordType(shape=shape)):
            return st.lists(_record(shape, depth - 1), max_size=3) if depth else st.just([])  # type: ignore[arg-type]
        case ListType(item=item):
            return st.lists(_value(item, digits, name, depth), max_size=3)
        case RecordType(name="person"):
            return st.sampled_from(_PEOPLE)
        case RecordType(name="thing"):
            return st.sampled_from(_THINGS)
    return _PLAIN.get(type_.name, _WORDS) if type_ != DECIMAL else _decimals(digits.get(name, 2))


def _decimals(digits: int) -> st.SearchStrategy[Decimal]:
    usual = st.integers(-3000, 3000)
    wide = st.integers(-(10**17), 10**17)
    return st.one_of(usual, usual, wide).map(lambda units: Decimal(units).scaleb(-digits))


_WORDS = st.one_of(st.sampled_from(["a", "red", "B-1", "North", ""]), st.text(LETTERS, max_size=4))
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    INTEGER.name: st.one_of(st.integers(-5, 12), st.integers(1 - 2**53, 2**53 - 1)),
    BOOLEAN.name: st.booleans(),
    DATE.name: st.dates(date(2026, 10, 1), date(2027, 1, 10)),
    DATETIME.name: st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 10), timezones=st.just(UTC)),  # noqa: DTZ001
    TIME.name: st.times().map(lambda moment: moment.replace(microsecond=0)),
}
_PLAIN[TIME.name] = st.builds(time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))

#: Links lead to few records, whose values are the same wherever they are met: as in a database.
_BOSS: dict[str, Any] = {"id": "p2", "name": "Bob", "team": None, "teams": [], "limit": None, "boss": None}
_PEOPLE: list[dict[str, Any]] = [
    {"id": "p1", "name": "Ann", "team": "north", "teams": ["north", "a"], "limit": Decimal("12.34"), "boss": _BOSS},
    _BOSS,
]
_THINGS: list[dict[str, Any]] = [
    {"id": "t1", "code": "HAM", "kind": "tool", "price": Decimal("0.50"), "maker": _PEOPLE[0]},
    {"id": "t2", "code": "a", "kind": None, "price": None, "maker": None},
]
