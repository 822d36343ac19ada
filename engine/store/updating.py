"""One UPDATE that tests a condition and sets columns: what steps of actions use where many compete for one record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, true

from engine.catalog.catalog import Catalog
from engine.errors import Refused
from engine.expressions.language import Expression
from engine.expressions.relations import Joins
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.ports import Record
from engine.store.codec import Reading, read_function
from engine.store.faults import UniqueViolation
from engine.store.loading import Loader
from engine.store.relations import Relations, digits
from engine.store.statement import Statement
from engine.store.tables import Level, Tables
from engine.store.transaction import Transaction
from engine.store.translate import Names, Translation

#: Compiled updates that are kept; there is one for each `update` step of the application.
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled update: its statement, the function that gives its parameters, and the one that reads its answer."""

    statement: Statement
    parameters: Callable[[Names], list[Any]]
    read: Callable[..., Record]


class Updating:
    """Updates of a catalogue's records by condition."""

    def __init__(self, catalog: Catalog, tables: Tables, relations: Relations, loader: Loader) -> None:
        self._catalog = catalog
        self._tables = tables
        self._relations = relations
        self._loader = loader
        self._kept: OrderedDict[Any, Prepared] = OrderedDict()

    def update_where(
        self,
        tx: Transaction,
        model: str,
        *,
        where: Expression | None,
        require: Expression | None,
        values: Mapping[str, Expression],
        names: Names,
    ) -> dict[str, Record]:
        """What has changed, by the id of each record: the columns set, with their new values, ``version`` and
        ``updated_at`` among them. The statement itself tests ``where`` and ``require``: of transactions that compete
        only so many pass as these allow. ``names`` has at least ``now``."""
        key = (model, where, require, tuple(values.items()))
        prepared = self._kept.get(key)
        if prepared is None:
            prepared = self._kept[key] = self._prepare(model, where, require, values)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        try:
            rows = tx.rows(prepared.statement, prepared.parameters(names))
        except UniqueViolation as violation:
            raise self._tables.taken(violation) from violation
        identity = self._loader.identity(tx)
        changed = [dict(prepared.read(row, identity)) for row in rows]
        return {record.pop("id"): record for record in changed}

    def _prepare(
        self,
        model: str,
        where: Expression | None,
        require: Expression | None,
        values: Mapping[str, Expression],
    ) -> Prepared:
        level, dialect = self._tables.level(model), self._loader.dialect
        table = level.table
        translation = Translation(self._catalog, Joins(self._relations.of(model)), dialect.name)
        setting: dict[str, Any] = {
            name: self._value(translation, level, name, expression) for name, expression in values.items()
        }
        setting |= {"version": table.c["version"] + 1}
        setting |= {"updated_at": bindparam("now", type_=table.c["updated_at"].type)}
        translation.given("now")
        conditions = [condition for condition in (where, require) if condition is not None]
        condition = self._condition(translation, table, conditions) & table.c["deleted_at"].is_(None)
        names = ("id", *setting)
        clause = table.update().where(condition).values(setting).returning(*(table.c[name] for name in names))
        statement = Statement(clause, dialect, translation.parameters, raw_rows=True)
        readings = [Reading.of(level.fields[name], dialect) for name in names]
        return Prepared(statement, translation.values, read_function(model, names, readings))

    def _condition(
        self, translation: Translation, table: Table, expressions: Sequence[Expression]
    ) -> ColumnElement[bool]:
        """The condition that all expressions hold. Where it joins other tables it is a subquery, since an UPDATE has no
        outer joins; then it sees what the caller has locked."""
        if not self._needs_joins(table.name, expressions):
            return and_(true(), *(translation.holds(expression) for expression in expressions))
        inner = translation.over(Joins(self._relations.of(table.name), table.alias()))
        held = and_(true(), *(inner.holds(expression) for expression in expressions))
        return table.c["id"].in_(inner.joins.select(inner.joins.table.c["id"], where=held))

    def _needs_joins(self, model: str, expressions: Sequence[Expression]) -> bool:
        """Whether an expression follows a link."""
        trial = Translation(self._catalog, Joins(self._relations.of(model)), self._loader.dialect.name)
        for expression in expressions:
            trial.value(expression)
        return trial.joins.source is not trial.joins.table

    def _value(self, translation: Translation, level: Level, name: str, expression: Expression) -> Any:
        """What a column is set to."""
        field, column = level.fields[name], level.table.c[name]
        if expression.constant:
            # Worked out here, with the column's own codec.
            bound = f"set_{name}"
            translation.work_out(bound, lambda names: _settled(field, expression(None, names)))
            return bindparam(bound, type_=column.type)
        if not self._needs_joins(level.model, [expression]):
            return translation.value(expression).stored(digits(field))
        inner = translation.over(Joins(self._relations.of(level.model), level.table.alias()))
        found = inner.value(expression).stored(digits(field))
        same = inner.joins.table.c["id"] == level.table.c["id"]
        return inner.joins.select(found, where=same).scalar_subquery()


def _settled(field: Field, value: Any) -> Any:
    """The value as the field keeps it, a linked record as its id."""
    if value is None:
        return None
    if isinstance(field, LinkField):
        return value["id"]
    try:
        return field.settle(value)
    except ValueFault as fault:
        raise Refused(f"{field.name}: {fault.message}", code=fault.code) from None
