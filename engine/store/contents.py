"""What files hold: kept in the database under its hash, so that it is there exactly when what names it is."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import bindparam, insert, literal, select

from engine.store.loading import Loader
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.technical import CONTENT
from engine.store.transaction import Transaction


class Contents:
    """The table of contents. The same content is kept once, however many files have it."""

    def __init__(self, tables: Tables, loader: Loader) -> None:
        table, dialect = tables.metadata.tables[CONTENT], loader.dialect
        self._find = Statement(
            select(table.c["content"]).where(table.c["sha256"] == bindparam("which")), dialect, ("which",)
        )
        columns = ("sha256", "content")
        self._insert = Statement(insert(table), dialect, columns, columns=columns)
        self._known = Statement(select(literal(1)).where(table.c["sha256"] == bindparam("which")), dialect, ("which",))

    def keep(self, tx: Transaction, content: bytes) -> str:
        """The hash under which the content is kept from now on."""
        key = sha256(content).hexdigest()
        # Of two at a time that bring the same the second waits, and then finds it.
        tx.alone(f"{CONTENT} {key}")
        if not tx.rows(self._known, (key,)):
            tx.run(self._insert, (key, content))
        return key

    def find(self, tx: Transaction, key: str) -> bytes | None:
        """The content with that hash; None where there is none."""
        rows = tx.rows(self._find, (key,))
        return bytes(rows[0][0]) if rows else None
