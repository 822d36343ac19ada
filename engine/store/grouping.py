"""Groups of records with measures: ``group: {kind: kind, week: week(due)}, measure: {total: sum(weight)}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, bindparam, literal_column, select

from engine.errors import BadRequest
from engine.expressions.aggregates import AGGREGATES, distinct_values
from engine.expressions.language import Expression
from engine.expressions.sql import SqlExpression
from engine.expressions.tree import Call, Convert, Each, Member, Node
from engine.expressions.types import ListType, RecordType, Type
from engine.ports import Record
from engine.store.expanding import Expander
from engine.store.loading import Loader, result_reader
from engine.store.statement import Statement, reader
from engine.store.transaction import Transaction
from engine.store.translate import Names, Translation


class Grouping:
    """A compiled question for groups. A group by a link has the linked record as its key."""

    def __init__(
        self,
        loader: Loader,
        expander: Expander,
        translation: Translation,
        condition: ColumnElement[bool],
        group: Mapping[str, Expression],
        measure: Mapping[str, Expression],
        sort: Sequence[str],
    ) -> None:
        self._loader = loader
        self._expander = expander
        dialect = loader.dialect
        self._names = [*group, *measure]
        self._links: dict[str, str] = {}
        self._readers: list[Callable[[Any], Any] | None] = []
        columns: list[ColumnElement[Any]] = []
        #: What sorts by size where the column itself would not: exact numbers, which are text on SQLite.
        self._sortable: dict[str, ColumnElement[Any]] = {}
        for name, expression in group.items():
            sql = translation.value(expression)
            columns.append(sql.clause)
            if isinstance(expression.type, RecordType):
                self._links[name] = expression.type.name
                self._readers.append(reader(sql.clause.type, dialect))
            else:
                self._readers.append(result_reader(sql, dialect))
        for name, expression in measure.items():
            sql = measured(translation, expression)
            columns.append(sql.clause)
            if dialect.name == "sqlite":
                self._sortable[name] = sql.dialect.sortable(sql.sql)
            self._readers.append(result_reader(sql, dialect))
        labelled = [column.label(f"column_{index}") for index, column in enumerate(columns)]
        clause = select(*labelled).select_from(translation.joins.source).where(condition)
        # By position: the same expression written twice has parameters of two names, which PostgreSQL takes for two.
        clause = clause.group_by(*(literal_column(str(index + 1)) for index in range(len(group))))
        clause = clause.order_by(*(self._sorted_by(text) for text in sort or list(group)))
        translation.given("most")
        clause = clause.limit(bindparam("most"))
        self._statement = Statement(clause, dialect, translation.parameters, raw_rows=True)
        self._values = translation.values

    def find(self, tx: Transaction, names: Names, limit: int) -> list[Record]:
        """A dict of keys and measures for each group."""
        rows = tx.rows(self._statement, self._values({**names, "most": limit}))
        found = [
            {
                name: read(value) if read is not None else value
                for name, read, value in zip(self._names, self._readers, row, strict=True)
            }
            for row in rows
        ]
        identity = self._loader.identity(tx)
        for name, place in self._links.items():
            for group in found:
                if group[name] is not None:
                    group[name] = identity.link(place, group[name])
            self._expander.read(tx, place, [group[name] for group in found if group[name] is not None])
        return found

    def _sorted_by(self, text: str) -> ColumnElement[Any]:
        name = text.removeprefix("-")
        if name not in self._names:
            raise BadRequest(f"groups are sorted by their keys and measures, not by {name!r}", code="BAD_SORT")
        column = self._sortable.get(name, literal_column(str(self._names.index(name) + 1)))
        return column.desc().nulls_last() if text.startswith("-") else column.asc().nulls_last()


def measured(translation: Translation, expression: Expression) -> SqlExpression:
    """A function of the list of all values in a group, as an aggregate of the statement."""
    tree = expression.tree
    while isinstance(tree, Convert):
        tree = tree.operand
    match tree:
        case Call(function=function, args=(arg,)) if function in AGGREGATES and isinstance(arg.type, ListType):
            is_distinct = isinstance(arg, Call) and arg.function == "distinct"
            inner = arg.args[0] if isinstance(arg, Call) and is_distinct else arg
            value = translation.value(Expression(expression.text, one_of(inner), expression.functions))
            element = value.sql
            if is_distinct and function == "count":
                element = distinct_values(element)
            elif is_distinct and function not in ("min", "max"):
                raise _refused(expression)
            found = AGGREGATES[function](value.dialect, element, expression.type)
            return replace(value, clause=found.clause, sql=found, type=expression.type)
        case _:
            raise _refused(expression)


def one_of(node: Node) -> Node:
    """What the list holds, for one record of the group: ``lines of all`` becomes that of each."""
    match node:
        case Member(base=base):
            return replace(node, type=_item(node.type), nullable=True, base=base)
        case Each(base=base, name=name):
            single = one_of(base)
            return Member(type=_item(node.type), nullable=True, start=node.start, end=node.end, base=single, name=name)
        case _:
            return node


def _item(type_: Type) -> Type:
    return type_.item if isinstance(type_, ListType) else type_


def _refused(expression: Expression) -> BadRequest:
    return BadRequest(
        f"{expression.text!r} is no measure: it takes one of {', '.join(sorted(AGGREGATES))} of a field",
        code="BAD_MEASURE",
    )
