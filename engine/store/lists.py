"""The lists that people keep, asked for one value at a time: a list may have as many entries as it likes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from engine.catalog.kinds.listed import LIST_ENTRY
from engine.store.database import Database
from engine.store.history import HISTORY
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction


class ListEntries:
    """The entries of all lists."""

    def __init__(self, tables: Tables, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect
        entry, history = tables[LIST_ENTRY].c, tables[HISTORY].c
        put = select(*(entry[name] for name in ("id", "created_at", "updated_at", "until"))).where(
            entry["list"] == bindparam("list_"), entry["value"] == bindparam("value_"), entry["deleted_at"].is_(None)
        )
        self._put = Statement(put, dialect, ("list_", "value_"))
        since = select(history["changes"]).where(
            history["record"] == bindparam("entry_"), history["at"] > bindparam("now_"), history["deleted_at"].is_(None)
        )
        self._since = Statement(since.order_by(history["at"], history["id"]), dialect, ("entry_", "now_"))

    def at(self, moment: datetime, tx: Transaction | None = None) -> ListsAt:
        """The lists at a moment. Without a transaction each question is asked in one of its own."""
        return ListsAt(self, moment, tx)

    def has(self, tx: Transaction, name: str, value: str, moment: datetime) -> bool:
        """Whether the list has an entry of the value that was there at the moment, and had not expired."""
        for key, created, changed, until in tx.rows(self._put, (name, value)):
            if changed > moment:
                until = self._until(tx, key, until, moment)
            if created <= moment and (until is None or until > moment):
                return True
        return False

    def _until(self, tx: Transaction, key: str, until: datetime | None, moment: datetime) -> datetime | None:
        """When the entry was to expire, as it stood at an earlier moment."""
        for (changes,) in tx.rows(self._since, (key, moment)):
            if "until" in (changes or {}):
                before = changes["until"][0]
                return datetime.fromisoformat(before) if before is not None else None
        return until

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
