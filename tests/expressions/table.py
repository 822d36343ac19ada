"""Reads ``cases.yaml``: the shapes, the record and the answers that all backends must agree on."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from engine.expressions.calendars import WorkingTime
from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    TEXT,
    TIME,
    ChoiceType,
    ListType,
    Member,
    RecordType,
    Scope,
    Type,
)

_NOTATION = re.compile(r"(?P<name>[a-z]+)(?:\((?P<inside>[^)]*)\))?(?P<many>\[\])?(?P<nullable>\?)?")
_PLAIN = {"text": TEXT, "integer": INTEGER, "boolean": BOOLEAN, "date": DATE, "datetime": DATETIME, "time": TIME}


@dataclass
class Shape:
    """A shape of the table. ``digits``: of its decimals, as a database stores them. Links may go round in circles."""

    name: str
    key: str | None
    notation: Mapping[str, str]
    shapes: Mapping[str, Shape]

    def member(self, name: str) -> Member | None:
        return read_type(self.notation[name], self.shapes) if name in self.notation else None

    def names(self) -> Iterable[str]:
        return self.notation

    @property
    def digits(self) -> Mapping[str, int]:
        """How many digits after the point each decimal has."""
        found = {name: _NOTATION.fullmatch(text) for name, text in self.notation.items()}
        return {name: int(match["inside"]) for name, match in found.items() if match and match["name"] == "decimal"}


def read_type(text: str, shapes: Mapping[str, Shape]) -> Member:
    """The type of a notation such as ``decimal(2)?``, and whether it may be null."""
    found = _NOTATION.fullmatch(text)
    assert found is not None, text
    name = found["name"]
    if name == "choice":
        type_: Type = ChoiceType("choice", tuple(found["inside"].split("|")))
    elif name == "decimal":
        type_ = DECIMAL
    else:
        type_ = _PLAIN.get(name) or RecordType.of(shapes[name])
    return Member(ListType("list", type_) if found["many"] else type_, bool(found["nullable"]))


def read_value(type_: Type, value: Any) -> Any:
    """A value of the table as an expression has it."""
    if value is None:
        return None
    if isinstance(type_, ListType):
        return [read_value(type_.item, item) for item in value]
    if isinstance(type_, RecordType):
        members = {name: type_.shape.member(name) for name in value}
        return {name: read_value(member.type, value[name]) for name, member in members.items() if member is not None}
    return _READ.get(type_, lambda same: same)(value)


_READ: Mapping[Type, Callable[[Any], Any]] = {
    DECIMAL: lambda value: Decimal(str(value)),
    DATE: lambda value: value if isinstance(value, date) else date.fromisoformat(value),
    DATETIME: lambda value: (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC),
    TIME: lambda value: time.fromisoformat(value),
}


@dataclass(frozen=True)
class Case:
    """One row of the table. ``record`` and ``scope`` are what the expression is given."""

    name: str
    text: str
    record: dict[str, Any]
    scope: dict[str, Any]
    gives: Any
    fails: str | None

    def answer(self, type_: Type) -> Any:
        """The answer as a value of the expression's type."""
        return read_value(type_, self.gives)


_TABLE = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))

SHAPES: dict[str, Shape] = {}
SHAPES |= {name: Shape(name, spec.get("key"), spec["fields"], SHAPES) for name, spec in _TABLE["types"].items()}
BOX = SHAPES["box"]
SCOPE = Scope(BOX, {name: read_type(spec["type"], SHAPES).type for name, spec in _TABLE["scope"].items()})

#: The record and the scope unless a case says otherwise. Copies: a test may change what it is given.
_RECORD: dict[str, Any] = read_value(RecordType.of(BOX), _TABLE["record"])
_VALUES: dict[str, Any] = {name: read_value(SCOPE.names[name], spec["value"]) for name, spec in _TABLE["scope"].items()}


def record(**others: Any) -> dict[str, Any]:
    """The table's record, with other values."""
    return {**copy.deepcopy(_RECORD), **others}


def scope_values(**others: Any) -> dict[str, Any]:
    """The table's values of the scope, with others."""
    return {**copy.deepcopy(_VALUES), **others}


def _case(group: str, row: Mapping[str, Any]) -> Case:
    changed = read_value(RecordType.of(BOX), row.get("with", {}))
    names = {name: read_value(SCOPE.names[name], value) for name, value in row.get("scope", {}).items()}
    text = "null" if row["of"] is None else str(row["of"])
    shown = " ".join(
        [text, *(f"{name}={value}" for name, value in {**row.get("with", {}), **row.get("scope", {})}.items())]
    )
    return Case(f"{group}: {shown}", text, record(**changed), scope_values(**names), row.get("gives"), row.get("fails"))


CASES = [_case(group, row) for group, rows in _TABLE["cases"].items() for row in rows]

OFFICE = ((timedelta(hours=9), timedelta(hours=12)), (timedelta(hours=13), timedelta(hours=18)))
#: The calendar of the cases that only the server works out.
CALENDAR = WorkingTime(
    "Asia/Shanghai",
    (OFFICE,) * 5 + ((), ()),
    frozenset(date(2026, 10, n) for n in range(1, 8)),
    frozenset([date(2026, 10, 10)]),
    date(2026, 12, 31),
)
SERVER_CASES = [_case(group, row) for group, rows in _TABLE["server"].items() for row in rows]
for _each in SERVER_CASES:
    _each.scope["_calendar"] = CALENDAR
