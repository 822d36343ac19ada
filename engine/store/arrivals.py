"""The arrivals of channels: what has come under which key, so that the same thing twice is noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam

from engine.ports import Record
from engine.store.arrays import VALUES, among, array
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

ARRIVAL = "arrival"
CHANGING = ("source_version", "hash", "record", "outcome", "problems", "raw", "at")


class Arrivals:
    """The table of arrivals."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._records = records
        self._loader = loader
        self._table = table = tables[ARRIVAL]
        known = (
            loader.selection(ARRIVAL)
            .select()
            .where(
                among(table.c["key"], loader.dialect),
                table.c["channel"] == bindparam("channel_"),
                table.c["deleted_at"].is_(None),
            )
        )
        self._known = Statement(known, loader.dialect, (VALUES, "channel_"), raw=True)
        changed: dict[str, Any] = {name: bindparam(f"{name}_") for name in CHANGING}
        update = table.update().where(table.c["id"] == bindparam("which"))
        update = update.values({**changed, "updated_at": bindparam("at_"), "version": table.c["version"] + 1})
        self._update = Statement(update, loader.dialect, (*(f"{name}_" for name in CHANGING), "which"))

    def known(self, tx: Transaction, channel: str, keys: Sequence[str]) -> dict[str, Record]:
        """The arrivals of the channel under these keys, by key."""
        if not keys:
            return {}
        given = array(keys, self._table.c["key"], self._loader.dialect)
        rows = tx.rows(self._known, (given, channel))
        return {arrival["key"]: arrival for arrival in self._loader.records(tx, ARRIVAL, rows)}

    def add(self, tx: Transaction, arrival: Mapping[str, Any]) -> None:
        """Writes a new arrival."""
        self._records.append(tx, ARRIVAL, [arrival])

    def change(self, tx: Transaction, arrival: Mapping[str, Any]) -> None:
        """Writes what has become of a known key now."""
        tx.put(self._update, (*(arrival[name] for name in CHANGING), arrival["id"]))
