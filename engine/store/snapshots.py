"""The definitions that were applied to a database, each with its whole text: all processes follow the newest, and a
case that began under older ones reads those.

Rows are only ever added. Taking an application back is one too: it brings earlier definitions in force again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData, bindparam, func, insert, inspect, select

from engine.store.database import Database
from engine.store.statement import Statement
from engine.store.technical import SNAPSHOT, add_technical_tables
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One application of definitions. ``plan`` says what was done, ``inverse`` holds the operations that undo it."""

    number: int
    fingerprint: str
    applied_at: datetime
    applied_by: str | None
    plan: Mapping[str, Any]
    inverse: Mapping[str, Any]


class Snapshots:
    """Reads and adds snapshots. A database to which nothing was ever applied has none, and no table for them either."""

    def __init__(self, database: Database) -> None:
        metadata = MetaData()
        add_technical_tables(metadata)
        self._table = table = metadata.tables[SNAPSHOT]
        self._there = False
        # Every process asks for the newest again and again.
        newest = select(table.c["fingerprint"]).order_by(table.c["number"].desc()).limit(1)
        self._newest = Statement(newest, database.engine.dialect)
        named = select(table.c["sources"]).where(table.c["fingerprint"] == bindparam("which")).limit(1)
        self._sources = Statement(named, database.engine.dialect, ("which",))

    def sources(self, tx: Transaction, fingerprint: str) -> Mapping[str, str] | None:
        """The texts of the definitions by path, None when they were never applied."""
        rows = tx.rows(self._sources, (fingerprint,)) if self._exists(tx) else []
        return dict(rows[0][0]) if rows else None

    def newest(self, tx: Transaction) -> str | None:
        """The fingerprint of the definitions in force, None before the first application."""
        rows = tx.rows(self._newest) if self._exists(tx) else []
        return str(rows[0][0]) if rows else None

    def list(self, tx: Transaction, limit: int = 100) -> list[Snapshot]:
        """The applications, the newest first."""
        if not self._exists(tx):
            return []
        table = self._table
        columns = [table.c[name] for name in Snapshot.__dataclass_fields__]
        return [Snapshot(**row) for row in tx.core(select(*columns).order_by(table.c["number"].desc()).limit(limit))]

    def add(
        self,
        tx: Transaction,
        fingerprint: str,
        sources: Mapping[str, str],
        *,
        plan: Mapping[str, Any],
        inverse: Mapping[str, Any],
        at: datetime,
        by: str | None,
    ) -> int:
        """The number of the new snapshot, which is in force once the transaction is committed."""
        table = self._table
        last = tx.core(select(func.max(table.c["number"]).label("last")))[0]["last"]
        number = int(last or 0) + 1
        values = {"sources": dict(sources), "plan": dict(plan), "inverse": dict(inverse)}
        stamps = {"applied_at": at, "applied_by": by}
        tx.change(insert(table).values(number=number, fingerprint=fingerprint, **values, **stamps))
        return number

    def _exists(self, tx: Transaction) -> bool:
        """Whether the table is there. Once it is, it stays."""
        if not self._there:
            self._there = inspect(tx.connection()).has_table(SNAPSHOT)
        return self._there
