"""Aggregates in SQL: over the rows of a subquery (``sum(lines.amount)``) and over the groups of a statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, ColumnElement, case, cast, distinct, exists, false, func, literal, not_, null, true

from engine.expressions.dialects import Dialect, Sql
from engine.expressions.relations import Joins
from engine.expressions.types import DURATION, INTEGER, Type


@dataclass(frozen=True, slots=True)
class Many:
    """What an aggregate is about: a value for each row of a subquery.

    ``gaps``: whether a value may be null. ``absent``: where true, there is no list, and the result is null.
    """

    joins: Joins
    element: Sql
    where: ColumnElement[bool] | None
    gaps: bool
    distinct: bool = False
    absent: ColumnElement[bool] | None = None

    def scalar(self, sql: Sql) -> Sql:
        """The aggregate as a value of the statement around it."""
        clause = self.joins.select(sql.clause, where=self.where).scalar_subquery()
        return replace(sql, clause=self.unless_absent(clause))

    def unless_absent(self, clause: ColumnElement[bool]) -> ColumnElement[bool]:
        """The clause, null where there is no list."""
        return clause if self.absent is None else case((self.absent, null()), else_=clause)

    def some(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether a row meets the condition."""
        where = condition if self.where is None else self.where & condition
        return exists(self.joins.select(literal(1), where=where))


def total(dialect: Dialect, value: Sql, type_: Type) -> Sql:
    """The sum, 0 of nothing."""
    if type_ == DURATION:
        return Sql(cast(func.coalesce(func.sum(value.clause), 0), BigInteger()), type_)
    found = dialect.total(value)
    return Sql(func.coalesce(found.clause, dialect.zero()), type_)


def mean(dialect: Dialect, value: Sql, type_: Type) -> Sql:
    """The sum divided by how many there are, null of nothing."""
    number = Sql(func.count(value.clause), INTEGER, 0)
    return Sql(dialect.arithmetic("/", dialect.total(value), number), type_)


def count(_: Dialect, value: Sql, type_: Type) -> Sql:
    """How many are not null."""
    return Sql(func.count(value.clause), type_, 0)


def least(dialect: Dialect, value: Sql, type_: Type) -> Sql:
    """The smallest, null of nothing."""
    return replace(dialect.extreme("min", value), type=type_)


def greatest(dialect: Dialect, value: Sql, type_: Type) -> Sql:
    """The largest, null of nothing."""
    return replace(dialect.extreme("max", value), type=type_)


#: Over a column: the dialect, the value of each row, the type of the result.
AGGREGATES: Mapping[str, Callable[[Dialect, Sql, Type], Sql]] = {
    "sum": total,
    "mean": mean,
    "count": count,
    "min": least,
    "max": greatest,
}


def distinct_values(value: Sql) -> Sql:
    """Each value once, inside ``count``."""
    return replace(value, clause=distinct(value.clause))


def any_of(many: Many, exact: bool) -> ColumnElement[bool]:
    """Whether one is true. Not ``exact``: unknown may come out as false."""
    found = many.some(many.element.clause)
    if not exact:
        return found
    if many.gaps:
        found = case((found, true()), (many.some(many.element.clause.is_(None)), null()), else_=false())
    return many.unless_absent(found)


def all_of(many: Many, exact: bool) -> ColumnElement[bool]:
    """Whether none is false. Not ``exact``: unknown may come out as false."""
    against = many.some(not_(many.element.clause))
    if not many.gaps:
        answer = not_(against)
    elif exact:
        answer = case((against, false()), (many.some(many.element.clause.is_(None)), null()), else_=true())
    else:
        answer = not_(many.some(not_(func.coalesce(many.element.clause, false()))))
    return many.unless_absent(answer)
