"""Operators and functions of expressions in SQL. Most are a function of the same name in both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import BigInteger, ColumnElement, FromClause, String, case, cast, exists, func, null, or_
from sqlalchemy.types import TypeEngine

from engine.expressions.dialects import Dialect, Sql
from engine.expressions.postgres import SCALARS
from engine.expressions.tree import Call, Node
from engine.expressions.types import BOOLEAN, DATE, DATETIME, DURATION, INTEGER, TEXT, Type


class Translation(Protocol):
    """What a function needs of the translator."""

    @property
    def dialect(self) -> Dialect: ...

    def sql(self, node: Node) -> Sql:
        """The value of an argument."""
        ...

    def alike(self, nodes: list[Node]) -> list[Sql]:
        """The values of arguments, all in one form."""
        ...

    @property
    def entries(self) -> FromClause:
        """The table of the entries of lists."""
        ...

    def hidden(self, name: str, otherwise: Any, type_: TypeEngine[Any] | None = None) -> ColumnElement[Any]:
        """A name of the scope, as a parameter; ``otherwise`` where the scope has none."""
        ...


def call(translation: Translation, node: Call) -> Sql | None:
    """The call of a function; None when it has no translation."""
    special = _SPECIAL.get(node.function)
    if special is not None:
        return special(translation, node)
    if node.function not in _SCALARS:
        return None
    args = [translation.sql(arg) for arg in node.args]
    if args[0].type == DATETIME and node.function in _OF_DATES:
        args[0] = local_date(translation, args[0])
    clauses = [translation.dialect.argument(arg) for arg in args]
    if node.function == "round" and len(args) == 1:
        clauses.append(translation.dialect.zero())
    if node.function in _OF_MOMENTS:
        clauses.append(_zone(translation))
    return translation.dialect.returned(getattr(func, f"ol_{node.function}"), clauses, node.type)


def local_date(translation: Translation, moment: Sql) -> Sql:
    """The local date of a datetime."""
    return translation.dialect.returned(func.ol_local_date, [moment.clause, _zone(translation)], DATE)


def mixed(dialect: Dialect, op: str, left: Sql, right: Sql, type_: Type) -> Sql | None:
    """``+ - *`` where not both sides are numbers; None when there is no such thing."""
    if type_ == TEXT:
        return Sql(left.clause.concat(right.clause), type_)
    if type_ == INTEGER:
        return dialect.returned(func.ol_days_between, [right.clause, left.clause], type_)
    if op == "*":
        amount, duration = (left, right) if right.type == DURATION else (right, left)
        return Sql(cast(dialect.stored(amount, 0) * duration.clause, BigInteger()), type_)
    if op == "+" and left.type == DURATION:
        left, right = right, left
    if left.type == DURATION:
        return Sql(left.clause + right.clause if op == "+" else left.clause - right.clause, type_)
    if left.type == right.type == DATETIME:
        return dialect.returned(func.ol_span, [left.clause, right.clause], type_)
    function = func.ol_shift if left.type == DATETIME else func.ol_shift_date
    return dialect.returned(function, [left.clause, right.clause if op == "+" else -right.clause], type_)


def _zone(translation: Translation) -> ColumnElement[Any]:
    return translation.hidden("timezone", "UTC")


def _coalesce(translation: Translation, node: Call) -> Sql:
    values = translation.alike(list(node.args))
    clause = func.coalesce(*(value.clause for value in values), type_=values[0].clause.type)
    return Sql(clause, node.type, values[0].scale)


def _pick(function: str) -> Callable[[Translation, Call], Sql]:
    def translate(translation: Translation, node: Call) -> Sql:
        return translation.dialect.pick(function, translation.alike(list(node.args)))

    return translate


def _clamp(translation: Translation, node: Call) -> Sql:
    value, low, high = translation.alike(list(node.args))
    return translation.dialect.pick("min", [translation.dialect.pick("max", [value, low]), high])


def _concat(translation: Translation, node: Call) -> Sql:
    texts = [func.coalesce(translation.sql(arg).clause, "", type_=String()) for arg in node.args]
    joined: ColumnElement[Any] = texts[0]
    for part in texts[1:]:
        joined = joined.concat(part)
    return Sql(joined, node.type)


def _date(translation: Translation, node: Call) -> Sql:
    value = translation.sql(node.args[0])
    return local_date(translation, value) if value.type == DATETIME else value


def _in_list(translation: Translation, node: Call) -> Sql:
    """Whether an entry counts now. The value stays a bare column beside the entries', so that their index serves."""
    value, name = (translation.sql(arg).clause for arg in node.args)
    entry = translation.entries.alias().c
    now = translation.hidden("now", None, entry["until"].type)
    counts = exists().where(
        entry["list"] == name,
        entry["value"] == value,
        entry["created_at"] <= now,
        or_(entry["until"].is_(None), entry["until"] > now),
        entry["deleted_at"].is_(None),
    )
    return Sql(case((value.is_(None), null()), else_=counts.correlate_except(entry["list"].table)), BOOLEAN)


_SCALARS = frozenset(scalar.name for scalar in SCALARS)
_OF_DATES = frozenset({"year", "month", "day", "weekday", "week"})
_OF_MOMENTS = frozenset({"time", "next_day"})
_SPECIAL: Mapping[str, Callable[[Translation, Call], Sql]] = {
    "coalesce": _coalesce,
    "min": _pick("min"),
    "max": _pick("max"),
    "clamp": _clamp,
    "concat": _concat,
    "date": _date,
    "in_list": _in_list,
}
