"""Reading levels: what is selected of a table, and how the driver's rows become records."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.engine import Dialect

from engine.catalog.catalog import Catalog
from engine.catalog.shapes import HOLDS, BackLink
from engine.expressions.relations import Joins
from engine.expressions.sql import SqlExpression, to_sql
from engine.expressions.types import RecordType
from engine.fields.field import Field
from engine.ports import Record
from engine.store.arrays import VALUES, among, array
from engine.store.codec import Reading, Row, read_function
from engine.store.identity import Identity, is_read
from engine.store.inline import inlined, unstored_expression
from engine.store.relations import Relations
from engine.store.statement import Processor, Statement, reader
from engine.store.tables import PARENT, POSITION, Level, Tables
from engine.store.transaction import Transaction

HOLD = "hold"


@dataclass(frozen=True)
class Given:
    """What a field without a column is in a query: a clause, and how to read its result."""

    clause: ColumnElement[Any]
    reading: Reading


class Selection:
    """What is selected of one level, and how a row of the answer becomes a record.

    For a model the columns are those of the record; for rows the parent comes first.
    """

    def __init__(
        self,
        catalog: Catalog,
        level: Level,
        relations: Relations,
        dialect: Dialect,
        only: Container[str] | None = None,
    ) -> None:
        """``only`` names what is wanted of the level: all of it when None."""
        self.level = level
        self.joins = Joins(relations.of(level.place))
        self._dialect = dialect
        #: The values of the parameters in these clauses.
        self.constants: dict[str, Any] = {}
        own = ["id", *level.fields] if level.path else list(level.fields)
        own = [name for name in own if only is None or name in only]
        computed = {name: field for name, field in level.live.items() if only is None or name in only}
        live = {name: self._given(catalog, name, field) for name, field in computed.items()}
        key = reader(level.table.c["id"].type, dialect)
        readings = [
            Reading.of(level.fields[name], dialect) if name in level.fields else Reading(process=key) for name in own
        ]
        columns = [level.table.c[name] for name in own]
        self.columns: list[ColumnElement[Any]] = [
            *([level.table.c[PARENT]] if level.path else []),
            *columns,
            *(given.clause.label(name) for name, given in live.items()),
        ]
        self.names = [*own, *live]
        self.live = tuple(live)
        readings += [given.reading for given in live.values()]
        self.parent_key: Processor | None = key
        self.read = read_function(level.place, self.names, readings, start=1 if level.path else 0)

    def select(self, *more: ColumnElement[Any]) -> Select[Any]:
        """The query of all records (or rows), before any condition; ``more`` columns stand behind the record's."""
        return self.joins.select(*self.columns, *more)

    def statement(self, clause: Select[Any], names: Sequence[str], *, raw: bool = True) -> Statement:
        """The query with its conditions, compiled. Rows of the answer are for ``read``; ``raw`` parameters are bound as
        they are."""
        return Statement(clause, self._dialect, names, constants=self.constants, raw=raw, raw_rows=True)

    def _given(self, catalog: Catalog, name: str, field: Field) -> Given:
        expression = unstored_expression(field)
        assert expression is not None
        sql = to_sql(inlined(catalog, expression), self.joins, self._dialect.name, prefix=f"live_{name}")
        # Nothing of a request can be in it: it means the same whoever reads it.
        self.constants |= sql.parameters({})
        if isinstance(expression.type, RecordType):
            return Given(sql.clause, Reading(expression.type.name, reader(sql.clause.type, self._dialect)))
        return Given(sql.clause, Reading(process=result_reader(sql, self._dialect, field.settle)))


def result_reader(
    sql: SqlExpression, dialect: Dialect, settle: Callable[[Any], Any] = lambda value: value
) -> Callable[[Any], Any]:
    """The function that makes the driver's value of an expression's clause one of ours; null stays null."""
    first = reader(sql.clause.type, dialect)

    def read(value: Any) -> Any:
        result = sql.result(first(value) if first is not None else value) if value is not None else None
        return settle(result) if result is not None else None

    return read


@dataclass(frozen=True)
class Some:
    """Reads a few fields of many records."""

    loader: Loader
    selection: Selection
    statement: Statement

    def read(self, tx: Transaction, ids: Sequence[str]) -> dict[str, Record]:
        """Those of the records that are there and not in the trash, by id. They do not stand for the records of the
        transaction: most of each is missing."""
        identity, read = self.loader.identity(tx), self.selection.read
        given = array(ids, self.selection.level.table.c["id"], self.loader.dialect)
        return {record["id"]: record for record in (read(row, identity) for row in tx.rows(self.statement, (given,)))}


class Loader:
    """Reads levels in a few statements each, compiled when first needed."""

    def __init__(self, catalog: Catalog, tables: Tables, relations: Relations, dialect: Dialect) -> None:
        self._catalog = catalog
        self._tables = tables
        self._relations = relations
        self.dialect = dialect
        self._selections: dict[str, Selection] = {}
        self._statements: dict[tuple[Any, ...], Statement] = {}
        #: What can be told of a record that no table holds, by the member's name.
        self.others: dict[str, Callable[[Transaction, str, Record], Any]] = {}

    def selection(self, place: str) -> Selection:
        """What is selected of a model, or of rows."""
        found = self._selections.get(place)
        if found is None:
            found = self._selections[place] = self.new_selection(place)
        return found

    def new_selection(self, place: str) -> Selection:
        """The same, for a statement that will join more tables."""
        return Selection(self._catalog, self._tables.level(place), self._relations, self.dialect)

    def some(self, model: str, names: Container[str]) -> Some:
        """What reads these fields of records, and no others."""
        selection = Selection(self._catalog, self._tables.level(model), self._relations, self.dialect, names)
        table = selection.level.table
        clause = selection.select().where(among(table.c["id"], self.dialect), table.c["deleted_at"].is_(None))
        return Some(self, selection, selection.statement(clause, (VALUES,)))

    def identity(self, tx: Transaction) -> Identity:
        """The records of the transaction."""
        return Identity.of(tx, self)

    def read_member(self, tx: Transaction, place: str, record: Record, name: str) -> None:
        """Reads what of the record is not in memory. See :class:`engine.store.identity.StoredRecord`."""
        level = self._tables.level(place)
        if not is_read(record):
            self.records(tx, place, self.by_column(tx, place, "id", [record["id"]]))
            if not is_read(record):
                # It was removed by hand. All that is known of it is that there was one.
                record.update({member: None for member in self.selection(place).names if member != "id"})
        if name in record:
            return
        if name in level.rows:
            self.fill_rows(tx, level, [record])
        elif name == HOLDS and not level.path:
            self.complete(tx, place, [record])
        elif not level.path and name in (back_links := self._catalog.back_links(place)):
            self.follow_back(tx, name, back_links[name], [record])
        elif not level.path and name in self.others:
            record[name] = self.others[name](tx, place, record)
        else:
            raise KeyError(name)

    def follow_back(self, tx: Transaction, name: str, back: BackLink, holders: Sequence[Record]) -> list[Record]:
        """The records that link to the holders. Sets the holders' lists of them anew, since others write them."""
        by_id = {holder["id"]: holder for holder in holders if holder.get("id") is not None}
        for holder in holders:
            holder[name] = []
        found = self.records(tx, back.model, self.by_column(tx, back.model, back.field, by_id, trashed=False))
        self.complete(tx, back.model, found)
        for record in sorted(found, key=lambda record: str(record["id"])):
            owner = record[back.field]
            if owner is not None and owner["id"] in by_id:
                by_id[owner["id"]][name].append(record)
        return found

    def by_column(
        self,
        tx: Transaction,
        place: str,
        column: str,
        values: Iterable[Any],
        *,
        trashed: bool | None = None,
        lock: bool = False,
    ) -> list[Row]:
        """The raw rows of a level whose column has one of the values. ``trashed`` None: whether or not they are."""
        wanted = list(values)
        if not wanted:
            return []
        given = array(wanted, self._tables.level(place).table.c[column], self.dialect)
        return tx.rows(self._statement(place, column, trashed, lock), (given,))

    def records(self, tx: Transaction, model: str, rows: Sequence[Row]) -> list[Record]:
        """The records of raw rows, each the dict that stands for it in this transaction.

        One that this transaction has read in the same version keeps what is in memory."""
        selection, identity = self.selection(model), self.identity(tx)
        known, read = identity[model], selection.read
        records = []
        for row in rows:
            fresh = read(row, identity)
            record = known.get(fresh["id"])
            if record is None:
                record = known[fresh["id"]] = fresh
            elif record.get("version") == fresh["version"]:
                for name in selection.live:
                    record[name] = fresh[name]
            else:
                record.clear()
                record.update(fresh)
            records.append(record)
        return records

    def complete(self, tx: Transaction, model: str, records: Sequence[Record]) -> None:
        """Gives the records their rows, and their open holds, where they have not been read."""
        self.fill_rows(tx, self._tables.level(model), records)
        without = {record["id"]: record for record in records if HOLDS not in record}
        for record in without.values():
            record[HOLDS] = []
        if without and model != HOLD:
            for hold in self.records(tx, HOLD, self.open_holds(tx, list(without))):
                without[hold["record"]][HOLDS].append(hold)
                hold.setdefault(HOLDS, [])

    def open_holds(self, tx: Transaction, ids: Sequence[str]) -> list[Row]:
        """The raw rows of the open holds on the records."""
        hold = self._tables.level(HOLD).table
        found = self._statements.get((HOLDS,))
        if found is None:
            is_open = hold.c["released_at"].is_(None) & hold.c["deleted_at"].is_(None)
            selection = self.selection(HOLD)
            clause = selection.select().where(among(hold.c["record"], self.dialect), is_open)
            found = self._statements[HOLDS,] = selection.statement(clause.order_by(hold.c["id"]), (VALUES,))
        return tx.rows(found, (array(ids, hold.c["record"], self.dialect),))

    def fill_rows(self, tx: Transaction, level: Level, owners: Sequence[Record]) -> None:
        """Gives the records (or rows) the rows of all their rows fields, in their positions, where they lack them."""
        identity = self.identity(tx)
        for name, below in level.rows.items():
            lacking = {owner["id"]: owner for owner in owners if name not in owner}
            for owner in lacking.values():
                owner[name] = []
            if not lacking:
                continue
            selection = self.selection(below.place)
            key, read, known = selection.parent_key, selection.read, identity[below.place]
            rows = []
            for raw in self.by_column(tx, below.place, PARENT, lacking):
                row = read(raw, identity)
                known[row["id"]] = row
                lacking[key(raw[0]) if key is not None else raw[0]][name].append(row)
                rows.append(row)
            self.fill_rows(tx, below, rows)

    def _statement(self, place: str, column: str, trashed: bool | None, lock: bool) -> Statement:
        key = (place, column, trashed, lock)
        found = self._statements.get(key)
        if found is None:
            selection = self.selection(place)
            table = selection.level.table
            clause = selection.select().where(among(table.c[column], self.dialect))
            if selection.level.path:
                clause = clause.order_by(table.c[POSITION])
            if trashed is not None:
                clause = clause.where(
                    table.c["deleted_at"].is_not(None) if trashed else table.c["deleted_at"].is_(None)
                )
            if lock:
                # In one order everywhere, so that two transactions wait for each other at most one way round.
                clause = clause.order_by(table.c["id"]).with_for_update(of=table)
            found = self._statements[key] = selection.statement(clause, (VALUES,))
        return found
