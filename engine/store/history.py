"""What has happened to records: the log of events, and what each change made of what. Both only ever grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam

from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

HISTORY, EVENT = "history", "event"
#: Columns that tell of a change without being one.
BOOKKEEPING = frozenset({"id", "version", "created_at", "created_by", "updated_at"})

#: By the path of what changed (``amount``, ``lines.[ROW ID].amount``): the wire forms before and after.
Differences = dict[str, list[Any]]


class History:
    """Writes the logs, and reads that of one record. Nothing here changes or removes an entry, and nothing else may."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._records = records
        self._loader = loader
        table = tables[HISTORY]
        clause = loader.selection(HISTORY).select().where(table.c["record"] == bindparam("which"))
        clause = clause.where(table.c["deleted_at"].is_(None)).order_by(table.c["at"].desc(), table.c["id"].desc())
        self._of = Statement(clause.limit(bindparam("most")), loader.dialect, ("which", "most"), raw_rows=True)

    def append(self, tx: Transaction, entries: Sequence[Mapping[str, Any]]) -> None:
        """Adds entries of the history; ``event`` is the id of the event that caused the change."""
        for entry in entries:
            event = entry.get("event")
            linked = {**entry, "event": {"id": event} if isinstance(event, str) else event}
            self._records.append(tx, HISTORY, [linked], entry["at"])

    def events(self, tx: Transaction, entries: Sequence[Mapping[str, Any]]) -> None:
        """Adds entries of the event log."""
        for entry in entries:
            self._records.append(tx, EVENT, [entry], entry["at"])

    def of(self, tx: Transaction, model: str, key: str, *, limit: int) -> list[Record]:
        """The entries about a record, newest first."""
        rows = tx.rows(self._of, (key, limit))
        return [entry for entry in self._loader.records(tx, HISTORY, rows) if entry["model"] == model]


def differences(before: Record | None, after: Record, fields: Mapping[str, Field]) -> Differences:
    """What differs between two states of a record, in wire form. ``before`` is None for a new one.

    A row that is new or gone is one entry: its values, or null.
    """
    found: Differences = {}
    for name, field in fields.items():
        if name in BOOKKEEPING:
            continue
        if isinstance(field, RowsField):
            _differing_rows(found, f"{name}.", before[name] if before else [], after[name], field)
        elif field.stored:
            old, new = before[name] if before else None, after.get(name)
            if _differs(old, new):
                found[name] = [_wire(field, old), _wire(field, new)]
    return found


def _differing_rows(found: Differences, at: str, before: list[Record], after: list[Record], field: RowsField) -> None:
    past = {row["id"]: row for row in before}
    for row in after:
        old = past.pop(row.get("id"), None)
        place = f"{at}[{row.get('id')}]"
        if old is None:
            found[place] = [None, _wire_row(field, row)]
            continue
        for name, inner in field.of.items():
            if isinstance(inner, RowsField):
                _differing_rows(found, f"{place}.{name}.", old[name], row[name], inner)
            elif inner.stored and _differs(old[name], row[name]):
                found[f"{place}.{name}"] = [_wire(inner, old[name]), _wire(inner, row[name])]
    for key, row in past.items():
        found[f"{at}[{key}]"] = [_wire_row(field, row), None]


def _differs(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict) and "id" in old and "id" in new:
        return bool(old["id"] != new["id"])
    return bool(old != new)


def _wire(field: Field, value: Any) -> Any:
    return field.wire(value) if value is not None else None


def _wire_row(field: RowsField, row: Record) -> dict[str, Any]:
    """The row with what it has, nulls left out."""
    wire: dict[str, Any] = {}
    for name, inner in field.of.items():
        value = row.get(name)
        if isinstance(inner, RowsField):
            wire[name] = [_wire_row(inner, nested) for nested in value or ()]
        elif value is not None:
            wire[name] = inner.wire(value)
    return wire
