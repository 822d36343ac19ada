"""The lists that people keep, asked for one value at a time: a list may have as many entries as it likes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, literal, or_, select

from engine.store.database import Database
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

LIST_ENTRY = "list_entry"


class ListEntries:
    """The entries of all lists."""

    def __init__(self, tables: Tables, database: Database) -> None:
        self._database = database
        entry = tables[LIST_ENTRY].c
        counts = (
            select(literal(1))
            .where(
                entry["list"] == bindparam("list_"),
                entry["value"] == bindparam("value_"),
                entry["created_at"] <= bindparam("now_"),
                or_(entry["until"].is_(None), entry["until"] > bindparam("now_")),
                entry["deleted_at"].is_(None),
            )
            .limit(1)
        )
        self._counts = Statement(counts, database.engine.dialect, ("list_", "value_", "now_"))

    def at(self, moment: datetime, tx: Transaction | None = None) -> ListsAt:
        """The lists at a moment. Without a transaction each question is asked in one of its own."""
        return ListsAt(self, moment, tx)

    def has(self, tx: Transaction, name: str, value: str, moment: datetime) -> bool:
        """Whether the list has an entry of the value that was there at the moment, and had not expired."""
        return bool(tx.rows(self._counts, (name, value, moment)))

    def asked(self, name: str, value: str, moment: datetime) -> bool:
        """The same, in a transaction of its own."""
        return self._database.read(lambda tx: self.has(tx, name, value, moment))


@dataclass(frozen=True, slots=True)
class ListsAt:
    """What expressions ask: ``engine.ports.Lists``."""

    entries: ListEntries
    moment: datetime
    tx: Transaction | None

    def has(self, name: str, value: str) -> bool:
        if self.tx is None:
            return self.entries.asked(name, value, self.moment)
        return self.entries.has(self.tx, name, value, self.moment)
