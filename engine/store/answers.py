"""What was answered to requests that may come again: by their idempotency key, written with what the request did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import MetaData, bindparam, delete, select
from sqlalchemy.engine import Dialect

from engine.store.faults import UniqueViolation
from engine.store.statement import Statement
from engine.store.technical import IDEMPOTENCY, add_technical_tables
from engine.store.transaction import Transaction


class KeyTaken(Exception):
    """The key has an answer already: another request with it came first. Whatever this one did is to be undone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent. ``request`` is the hash of the request that it was for."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: str
    created_at: datetime


class Answers:
    """The rows of answers. A key belongs to its caller: two callers may choose the same."""

    def __init__(self, dialect: Dialect) -> None:
        metadata = MetaData()
        add_technical_tables(metadata)
        self._table = table = metadata.tables[IDEMPOTENCY]
        columns = ("caller", "key", "request", "status", "headers", "body", "created_at")
        self._insert = Statement(table.insert(), dialect, columns, columns=columns)
        mine = (table.c["caller"] == bindparam("caller_"), table.c["key"] == bindparam("key_"))
        found = select(*(table.c[name] for name in columns[2:])).where(*mine)
        self._find = Statement(found, dialect, ("caller_", "key_"))

    def keep(self, tx: Transaction, caller: str, key: str, answer: Answer) -> None:
        """Writes the answer, at the end of what the request did. Raises KeyTaken."""
        values = (caller, key, answer.request, answer.status, answer.headers, answer.body, answer.created_at)
        try:
            tx.run(self._insert, values)
        except UniqueViolation as taken:
            raise KeyTaken from taken

    def find(self, tx: Transaction, caller: str, key: str) -> Answer | None:
        """The answer to the caller's key, however old."""
        rows = tx.rows(self._find, (caller, key))
        return Answer(*rows[0]) if rows else None

    def forget(self, tx: Transaction, caller: str, key: str, before: datetime) -> None:
        """Removes the answer if it is older than the moment."""
        table = self._table
        mine = delete(table).where(table.c["caller"] == caller, table.c["key"] == key)
        tx.change(mine.where(table.c["created_at"] <= before))

    def purge(self, tx: Transaction, before: datetime) -> int:
        """How many answers older than the moment were removed."""
        return tx.change(delete(self._table).where(self._table.c["created_at"] <= before))
