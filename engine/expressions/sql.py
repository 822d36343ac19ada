"""Expressions as SQL, for SQLite and PostgreSQL.

What reads the own record becomes columns, joins and subqueries. Everything else (``user.team``, ``now - days(7)``, a
literal) is worked out by the Python backend when the statement runs, and arrives as a bind parameter; a column beside
it stays bare, so that an index can serve.

Null is three-valued in SQL as it is here. The one difference: a division by zero is null, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement

from engine.expressions.dialects import DIALECTS, Dialect, Sql
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression
from engine.expressions.relations import Joins
from engine.expressions.translator import Translator, Untranslatable
from engine.expressions.types import (
    BOOLEAN,
    NUMBERS,
    Type,
)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class SqlExpression:
    """A clause, the values of its bind parameters given a scope, and how to read its result."""

    clause: ColumnElement[Any]
    binds: Mapping[str, Callable[[Values], Any]]
    type: Type
    sql: Sql = field(repr=False)
    dialect: Dialect = field(repr=False)

    def parameters(self, s: Values) -> dict[str, Any]:
        """The bind parameters that the clause wants."""
        return {name: value(s) for name, value in self.binds.items()}

    def result(self, value: Any) -> Any:
        """The value of the expression, from what the driver returned for the clause."""
        return self.dialect.decode(value, self.sql)

    def stored(self, digits: int = 0) -> ColumnElement[Any]:
        """The clause as a column takes it, for SET: a decimal with so many digits, rounded half up."""
        return self.dialect.stored(self.sql, digits) if self.type in NUMBERS else self.clause


def to_sql(
    expression: Expression, joins: Joins, dialect: str, *, prefix: str = "x", filters: bool = False
) -> SqlExpression:
    """The expression in SQL over the tables of ``joins``. Raises ExpressionProblems (E208) where it has no translation.

    ``prefix`` keeps the bind parameters of several expressions in one statement apart. ``filters``: only rows for which
    it is true matter, so that unknown may come out as false (which lets subqueries stop at their first hit).
    """
    translator = Translator(expression, joins, DIALECTS[dialect], prefix)
    tree = expression.tree
    try:
        value = Sql(translator.holds(tree), BOOLEAN) if filters else translator.sql(tree)
    except Untranslatable as problem:
        raise ExpressionProblems(expression.text, [problem.fault]) from None
    return SqlExpression(value.clause, translator.binds, tree.type, value, translator.dialect)
