"""Numbers of sequences: unique, rising, in SQLite one by one, in PostgreSQL handed to each process in blocks.

SQLite has one writer at a time anyway, so a number is taken in the transaction that needs it. In PostgreSQL the counter
would be a row for which all writers wait until the other's commit; so a process takes a block of numbers in a short
transaction of its own. What a crash leaves of a block is never used: numbers may have gaps, they never repeat. A trial,
of which nothing is kept, takes its numbers in its own transaction, and so uses none up.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from engine.catalog.catalog import Catalog
from engine.fields.sequence import SequenceField
from engine.ports import Record
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.technical import SEQUENCE
from engine.store.transaction import Transaction

#: Numbers that a process reserves at once on PostgreSQL.
BLOCK = 50


class Blocks:
    """The numbers that this process has reserved, by sequence and period. One for each open database."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: dict[tuple[str, str], range] = {}

    def forget(self) -> None:
        """Gives up what is left of all blocks: whoever has emptied the table of sequences begins anew."""
        with self._lock:
            self._left.clear()

    def take(self, tx: Transaction, statement: Statement, name: str, period: str) -> int:
        """The next number of the block, a new block being reserved when it is used up."""
        with self._lock:
            left = self._left.get((name, period), range(0))
            if not left:
                last = tx.database.apart(lambda other: _reserve(other, statement, name, period, BLOCK))
                left = range(last - BLOCK + 1, last + 1)
                # Yesterday's block will not be asked for again.
                self._left = {key: block for key, block in self._left.items() if key[0] != name}
            self._left[name, period] = left[1:]
            return left[0]


class Sequences:
    """The sequence fields of all models."""

    def __init__(self, catalog: Catalog, tables: Tables, dialect: Dialect, blocks: Blocks) -> None:
        self._catalog = catalog
        self._zone = ZoneInfo(catalog.app.timezone)
        self._dialect = dialect
        self._blocks = blocks
        self._fields: dict[str, Mapping[str, SequenceField]] = {}
        table = tables.metadata.tables[SEQUENCE]
        insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
        taken: Any = insert.excluded.next
        clause = insert.values(name=bindparam("name_"), period=bindparam("period_"), next=bindparam("count_"))
        clause = clause.on_conflict_do_update(index_elements=["name", "period"], set_={"next": table.c.next + taken})
        self._statement = Statement(clause.returning(table.c.next), dialect, ("name_", "period_", "count_"))

    def fill(self, tx: Transaction, model: str, record: Record) -> None:
        """Gives the record a number for each of its sequence fields that has none, of the day it was created on."""
        fields = self._fields.get(model)
        if fields is None:
            found = self._catalog.fields(model).items()
            fields = {name: field for name, field in found if isinstance(field, SequenceField)}
            self._fields[model] = fields
        for name, field in fields.items():
            if record[name] is None:
                day = record["created_at"].astimezone(self._zone).date()
                number = self.next(tx, f"{model}.{name}", field.pattern.period(day))
                record[name] = field.pattern.write(day, number)

    def next(self, tx: Transaction, name: str, period: str) -> int:
        """The next number of the sequence in the period; the first is 1."""
        if self._dialect.name == "sqlite" or tx.trial:
            return _reserve(tx, self._statement, name, period, 1)
        return self._blocks.take(tx, self._statement, name, period)


def _reserve(tx: Transaction, statement: Statement, name: str, period: str, count: int) -> int:
    """The last of ``count`` numbers that are now taken."""
    return int(tx.rows(statement, (name, period, count))[0][0])
