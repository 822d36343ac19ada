"""The figures of risk features over what the database holds: of other records, of the log of events.

Each is one statement over the range of an index: what shares the key, in the window of time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, select
from sqlalchemy import Table as SqlTable

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk_features import Feature
from engine.expressions.aggregates import AGGREGATES, distinct_values
from engine.expressions.dialects import Sql
from engine.expressions.language import Expression
from engine.expressions.relations import Joins
from engine.expressions.sql import SqlExpression
from engine.expressions.types import BOOLEAN, DATETIME, INTEGER, TEXT, Type
from engine.store.history import EVENT
from engine.store.kept import Kept
from engine.store.loading import Loader, result_reader
from engine.store.relations import Relations
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction
from engine.store.translate import Names, Translation

#: What the conditions of features call the values that are compared.
KEY, SINCE, UNTIL, SELF, OWN = "feature_key", "feature_since", "feature_until", "feature_self", "feature_own"
#: Compiled features that are kept: those of an application, and of a changed one that is tried on the past.
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A compiled question: its statement, its parameters, and what reads the answer's columns."""

    statement: Statement
    parameters: Callable[[Names], list[Any]]
    readers: tuple[Callable[[Any], Any], ...]


@dataclass(frozen=True, slots=True)
class Range:
    """What is asked for: who shares the key, from the first to the last moment, without the record itself."""

    key: Any
    since: datetime
    until: datetime
    record: str


class Features:
    """Works out features of one catalogue's models."""

    def __init__(self, catalog: Catalog, tables: Tables, relations: Relations, loader: Loader) -> None:
        self._catalog = catalog
        self._tables = tables
        self._relations = relations
        self._loader = loader
        self._kept = Kept(MOST_KEPT)

    def of(self, catalog: Catalog) -> Features:
        """The same tables, asked by the definitions of another catalogue: a changed one that is tried on the past."""
        return Features(catalog, self._tables, self._relations, self._loader)

    def records(
        self, tx: Transaction, model: str, feature: Feature, asked: Range, names: Names, own: Any = None
    ) -> tuple[Any, int, bool]:
        """Of the other records: their value as the feature measures it (a mean as its sum), how many have one (for
        ``distinct``: how many different ones), and whether one of them is the record's ``own``."""
        question = self._kept.get((model, *_place(feature)), lambda: self._ask_records(model, feature))
        given = {**names, KEY: asked.key, SINCE: asked.since, UNTIL: asked.until, SELF: asked.record, OWN: own}
        rows = tx.rows(question.statement, question.parameters(given))
        values = [read(value) for read, value in zip(question.readers, rows[0], strict=True)] if rows else []
        match feature.measure:
            case "last":
                return (values[0] if values else None), 0, False
            case "count":
                return None, values[0], False
            case "distinct":
                return None, values[0], bool(values[1])
            case _:
                return values[0], values[1], False

    def events(self, tx: Transaction, model: str, feature: Feature, asked: Range, names: Names) -> int:
        """How often the log has the event of the feature."""
        question = self._kept.get((model, *_place(feature)), lambda: self._ask_events(model, feature))
        given = {**names, KEY: asked.key, SINCE: asked.since, UNTIL: asked.until}
        [[number]] = tx.rows(question.statement, question.parameters(given))
        return int(number)

    # Questions ------------------------------------------------------------------------------------------------------

    def _ask_records(self, model: str, feature: Feature) -> Asked:
        joins, translation = self._begin(model)
        moment = feature.moment
        text = f"{moment} >= {SINCE} and {moment} <= {UNTIL} and id != {SELF} and ({feature.per.text}) == {KEY}"
        key = feature.per.expression.type
        conditions = [
            translation.holds(self._compiled(model, text, BOOLEAN, key)),
            joins.table.c["deleted_at"].is_(None),
            *self._where(feature, translation),
        ]
        columns = self._measured(model, feature, translation)
        clause = select(*(column.clause.label(f"column_{at}") for at, column in enumerate(columns)))
        clause = clause.select_from(joins.source).where(and_(*conditions))
        if feature.measure == "last":
            at = joins.column((moment,))[0]
            clause = clause.where(columns[0].clause.is_not(None))
            clause = clause.order_by(at.desc(), joins.table.c["id"].desc()).limit(1)
        return self._asked(clause, translation, columns)

    def _measured(self, model: str, feature: Feature, translation: Translation) -> list[SqlExpression]:
        """The columns of the answer."""
        value = translation.value(feature.value)
        number = self._aggregate("count", value, INTEGER)
        match feature.measure:
            case "last":
                return [value]
            case "count":
                return [number]
            case "distinct":
                different = self._aggregate("count", replace(value, sql=distinct_values(value.sql)), INTEGER)
                same = f"({feature.of.text}) == {OWN}"
                again = translation.value(self._compiled(model, same, BOOLEAN, None, feature.value.type))
                clause = func.max(case((again.clause, literal(1)), else_=literal(0)))
                return [different, replace(again, clause=clause, sql=Sql(clause, INTEGER, 0), type=INTEGER)]
            case "max" | "min":
                return [self._aggregate(feature.measure, value, value.type), number]
            case _:
                return [self._aggregate("sum", value, value.type), number]

    @staticmethod
    def _aggregate(name: str, value: SqlExpression, type_: Type) -> SqlExpression:
        found = AGGREGATES[name](value.dialect, value.sql, type_)
        return replace(value, clause=found.clause, sql=found, type=type_)

    def _ask_events(self, model: str, feature: Feature) -> Asked:
        """Over the log alone, where that knows the key; else over the records that have it, and their events."""
        joins, translation = self._begin(model)
        log: SqlTable = self._tables[EVENT]
        conditions: list[ColumnElement[bool]] = [
            log.c["name"] == feature.event,
            log.c["model"] == model,
            log.c["at"] >= bindparam(SINCE, type_=log.c["at"].type),
            log.c["at"] <= bindparam(UNTIL, type_=log.c["at"].type),
            log.c["deleted_at"].is_(None),
        ]
        translation.given(SINCE)
        translation.given(UNTIL)
        if feature.sender is not None:
            column = log.c[feature.sender]
            conditions.append(column == bindparam(KEY, type_=column.type))
            translation.given(KEY)
        else:
            per = self._compiled(model, f"({feature.per.text}) == {KEY}", BOOLEAN, feature.per.expression.type)
            conditions.append(translation.holds(per))
        conditions += self._where(feature, translation)
        alone = feature.sender is not None and feature.where is None
        source = log if alone else joins.source.join(log, log.c["record"] == joins.table.c["id"])
        if not alone:  # what lies in the trash is not asked what it was
            conditions.append(joins.table.c["deleted_at"].is_(None))
        clause = select(func.count()).select_from(source).where(and_(*conditions))
        return Asked(Statement(clause, self._loader.dialect, translation.parameters), translation.values, ())

    def _begin(self, model: str) -> tuple[Joins, Translation]:
        joins = Joins(self._relations.of(model))
        return joins, Translation(self._catalog, joins, self._loader.dialect.name)

    def _where(self, feature: Feature, translation: Translation) -> list[ColumnElement[bool]]:
        return [translation.holds(feature.where.expression)] if feature.where is not None else []

    def _compiled(self, model: str, text: str, expects: Type, key: Type | None, own: Type | None = None) -> Expression:
        """A condition over the model that names what is compared."""
        more: dict[str, Type] = {SINCE: DATETIME, UNTIL: DATETIME, SELF: TEXT}
        if key is not None:
            more[KEY] = key
        if own is not None:
            more[OWN] = own
        return self._catalog.compile(text, self._catalog.scope(model, **more), expects)

    def _asked(self, clause: Any, translation: Translation, columns: Sequence[SqlExpression]) -> Asked:
        dialect = self._loader.dialect
        statement = Statement(clause, dialect, translation.parameters, raw_rows=True)
        return Asked(statement, translation.values, tuple(result_reader(column, dialect) for column in columns))


def _place(feature: Feature) -> tuple[str, tuple[str | int, ...]]:
    """Where the feature stands: no other of the catalogue stands there."""
    return feature.document.name, feature.path
