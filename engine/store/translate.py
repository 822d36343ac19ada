"""Expressions in the statements of queries: their clauses, and the values of their parameters when a statement runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from engine.catalog.catalog import Catalog
from engine.errors import BadRequest, Complaint
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression
from engine.expressions.relations import Joins
from engine.expressions.sql import SqlExpression, to_sql
from engine.store.inline import inlined

Names = Mapping[str, Any]


class Translation:
    """What expressions of one statement become, over its joins."""

    def __init__(self, catalog: Catalog, joins: Joins, dialect: str) -> None:
        self.joins = joins
        self._catalog = catalog
        self._dialect = dialect
        self._binds: dict[str, Callable[[Names], Any]] = {}
        self._numbers = count(1)

    def over(self, joins: Joins) -> Translation:
        """The same statement, seen from other joins in it: a subquery."""
        other = Translation(self._catalog, joins, self._dialect)
        other._binds, other._numbers = self._binds, self._numbers
        return other

    def value(self, expression: Expression, *, filters: bool = False) -> SqlExpression:
        """The expression in SQL. BadRequest where it has no translation (what definitions say has been checked)."""
        try:
            found = to_sql(
                inlined(self._catalog, expression),
                self.joins,
                self._dialect,
                prefix=f"p{next(self._numbers)}",
                filters=filters,
            )
        except ExpressionProblems as problems:
            complaints = [Complaint("", fault.code, fault.message) for fault in problems.faults]
            message = f"this cannot be asked of the database: {expression.text}"
            raise BadRequest(message, code="BAD_EXPRESSION", complaints=complaints) from None
        self._binds |= found.binds
        return found

    def holds(self, expression: Expression) -> ColumnElement[bool]:
        """The condition that the expression is true."""
        return self.value(expression, filters=True).clause

    def any_of(self, expressions: Sequence[Expression]) -> ColumnElement[bool]:
        """The condition that one of them is true; of none it never is."""
        return or_(false(), *(self.holds(expression) for expression in expressions))

    def given(self, name: str) -> None:
        """Takes a parameter of that name from the names of the scope, as it is."""
        self._binds[name] = lambda names: names[name]

    def work_out(self, name: str, value: Callable[[Names], Any]) -> None:
        """Takes a parameter from a function of the scope's names."""
        self._binds[name] = value

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all parameters so far."""
        return tuple(self._binds)

    def values(self, names: Names) -> list[Any]:
        """The parameters' values, given what the names of the scope mean."""
        return [value(names) for value in self._binds.values()]
