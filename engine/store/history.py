"""What has happened to records: the log of events, and what each change made of what. Both only ever grow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, exists, or_

from engine.ports import Record
from engine.store.changes import Changes, Differences
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

HISTORY, EVENT = "history", "event"


class History:
    """Writes the logs, and reads that of one record. Nothing here changes or removes an entry, and nothing else may."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._tables = tables
        self._changes: dict[str, Changes] = {}
        self._records = records
        self._loader = loader
        table = tables[HISTORY]
        clause = loader.selection(HISTORY).select().where(table.c["record"] == bindparam("which"))
        clause = clause.where(table.c["deleted_at"].is_(None)).order_by(table.c["at"].desc(), table.c["id"].desc())
        self._of = Statement(clause.limit(bindparam("most")), loader.dialect, ("which", "most"), raw_rows=True)

    def differences(self, model: str, before: Record | None, after: Record) -> Differences:
        """What differs between two states of a record, in wire form. ``before`` is None for a new one.

        Keys are paths: ``weight``, ``items.[ROW ID].amount``. A row that is new or gone is one entry: its values, or
        null."""
        changes = self._changes.get(model)
        if changes is None:
            changes = self._changes[model] = Changes(self._tables.level(model).all_fields)
        return changes.between(before, after)

    def append(self, tx: Transaction, entries: Sequence[Mapping[str, Any]]) -> None:
        """Adds entries of the history; ``event`` is the id of the event that caused the change."""
        linked = []
        for entry in entries:
            event = entry.get("event")
            linked.append({**entry, "event": {"id": event} if isinstance(event, str) else event})
        self._records.append(tx, HISTORY, [_stamped(entry) for entry in linked])

    def events(self, tx: Transaction, entries: Sequence[Mapping[str, Any]]) -> None:
        """Adds entries of the event log."""
        self._records.append(tx, EVENT, [_stamped(entry) for entry in entries])

    def tells_of(self, name: str) -> ColumnElement[bool]:
        """Whether an entry has a reason of a rule of the document with that name."""
        # Looked for in the text: to read the reasons of every entry takes longer than to decide anew. In a message the
        # quotes would be escaped. PostgreSQL writes JSON with a space. The pattern does not begin with a quote: LIKE
        # would try the rest of it at each of the many.
        reasons = cast(self._tables[HISTORY].c["reasons"], Text)
        key = 'rule": ' if self._loader.dialect.name == "postgresql" else 'rule":'
        return or_(*(reasons.contains(f'{key}"{name}{end}', autoescape=True) for end in (".", '"')))

    def at_event(self, names: Collection[str]) -> ColumnElement[bool]:
        """Whether one of these events has happened to the record of an entry in its act."""
        entry, log = self._tables[HISTORY], self._tables[EVENT]
        # The index is of those that are not in the trash; none ever is.
        same = (log.c["record"] == entry.c["record"], log.c["at"] == entry.c["at"], log.c["deleted_at"].is_(None))
        return exists().where(*same, log.c["name"].in_(list(names)))

    def of(self, tx: Transaction, model: str, key: str, *, limit: int) -> list[Record]:
        """The entries about a record, newest first."""
        rows = tx.rows(self._of, (key, limit))
        return [entry for entry in self._loader.records(tx, HISTORY, rows) if entry["model"] == model]


def _stamped(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "created_at": entry["at"], "updated_at": entry["at"]}
