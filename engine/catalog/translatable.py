"""Whether an expression can be asked of the database: found out when it is defined, not when it is first used."""

from __future__ import annotations

from sqlalchemy import FromClause, column, table

from engine.catalog.shapes import is_proposed
from engine.expressions.faults import ExpressionProblems, Fault
from engine.expressions.language import Expression
from engine.expressions.relations import Column, Joins, Link, Rows
from engine.expressions.sql import to_sql
from engine.expressions.types import ListType, RecordType, Scope, Shape


class Translatability:
    """Tells for one build whether expressions translate; it knows each shape as a table only once."""

    def __init__(self) -> None:
        self._relations: dict[int, ShapeRelation] = {}

    def faults(self, expression: Expression, scope: Scope) -> tuple[Fault, ...]:
        """What of the expression has no translation (E208); empty when all of it has."""
        if scope.record is None:
            return ()
        try:
            to_sql(expression, Joins(self.relation(scope.record)), "sqlite", filters=True)
        except ExpressionProblems as problems:
            return problems.faults
        return ()

    def relation(self, shape: Shape) -> ShapeRelation:
        """The shape as if it were stored. The relation holds the shape, so that its id stays its own."""
        found = self._relations.get(id(shape))
        if found is None:
            found = self._relations[id(shape)] = ShapeRelation(shape, self)
        return found


class ShapeRelation:
    """A shape as if it were stored: every member a column, a link or rows. The store's own relations are exact."""

    def __init__(self, shape: Shape, all_of_them: Translatability) -> None:
        self._shape = shape
        self._all = all_of_them
        names = dict.fromkeys(["id", *shape.names()])
        self._table = table(shape.name, *(column(name) for name in names))

    @property
    def table(self) -> FromClause:
        return self._table

    @property
    def entries(self) -> FromClause:
        return _ENTRIES

    def find(self, member: str) -> Column | Link | Rows | None:
        # What is proposed is worked out, and nowhere stored.
        found = self._shape.member(member) if not is_proposed(self._shape, member) else None
        match found.type if found is not None else None:
            case None:
                return None
            case RecordType(shape=shape):
                return Link(member, self._all.relation(shape))
            case ListType(item=RecordType(shape=shape)):
                return Rows(self._all.relation(shape), lambda owner, many: owner.c["id"] == many.c["id"])
            case _:
                return Column(member)


_ENTRIES = table("list_entry", *(column(name) for name in ("list", "value", "until", "created_at", "deleted_at")))
