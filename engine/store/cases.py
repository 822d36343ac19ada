"""The cases of records: which workflow runs on a record, in which version, and where it stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, bindparam, select

from engine.ports import Record
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

CASE, TASK = "case", "task"
#: What changes when a case moves.
MOVED = ("state", "entered_at", "ended_at")
#: What changes when a case goes on under other definitions.
PINNED = ("workflow", "workflow_version", "definitions")


class Cases:
    """Starts, finds and moves cases. A case is written with its record, whose version guards it."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._records = records
        self._loader = loader
        table = tables[CASE]
        clause = loader.selection(CASE).select().where(table.c["record"] == bindparam("which"))
        clause = clause.where(table.c["deleted_at"].is_(None)).order_by(table.c["id"].desc()).limit(1)
        self._of = Statement(clause, loader.dialect, ("which",), raw=True)
        task = tables[TASK]
        which = task.c["id"] == bindparam("which")
        self._about = Statement(select(task.c["model"], task.c["record"]).where(which), loader.dialect, ("which",))
        self._move = self._writing(table, MOVED)
        self._pin = self._writing(table, PINNED)

    def _writing(self, table: Table, names: tuple[str, ...]) -> Statement:
        given: dict[str, Any] = {name: bindparam(f"{name}_") for name in names}
        update = table.update().where(table.c["id"] == bindparam("which"))
        update = update.values({**given, "version": table.c["version"] + 1})
        return Statement(update, self._loader.dialect, (*(f"{name}_" for name in names), "which"))

    def of(self, tx: Transaction, record: str) -> Record | None:
        """The last case of the record, or None when it has none."""
        found = self._loader.records(tx, CASE, tx.rows(self._of, (record,)))
        return found[0] if found else None

    def about(self, tx: Transaction, task: str) -> tuple[str, str] | None:
        """The model and the id of the record that a task is about, without loading the task: it is read once the record
        is locked. None where there is no such task."""
        rows = tx.rows(self._about, (task,))
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def start(self, tx: Transaction, case: Record) -> None:
        """Writes a new case."""
        stamps = {"created_at": case["started_at"], "updated_at": case["started_at"]}
        self._records.append(tx, CASE, [{**case, **stamps}])

    def move(self, tx: Transaction, case: Record) -> None:
        """Writes where the case stands now."""
        tx.put(self._move, (*(case[name] for name in MOVED), case["id"]))

    def pin(self, tx: Transaction, case: Record) -> None:
        """Writes under which definitions the case goes on."""
        tx.put(self._pin, (*(case[name] for name in PINNED), case["id"]))
