"""What applying definitions to a database would do and what it would cost, found without changing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.catalog.kinds.workflow import Workflow
from engine.errors import DefinitionError, Problem
from engine.fields.columns import dump_json
from engine.store.database import Database
from engine.store.migrate.cases import OpenCases, WorkflowChange, changed_workflows, open_cases
from engine.store.migrate.compare import compare, find_renames, renamed_values, wanted
from engine.store.migrate.convert import unfit
from engine.store.migrate.fills import Fill, Filled, find_fills, worked_out
from engine.store.migrate.findings import Endpoints, Failing, changed_endpoints, failing_rows
from engine.store.migrate.operations import (
    ConvertColumn,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropTable,
    Operation,
    RebuildTable,
    RenameColumn,
    RenameTable,
)
from engine.store.migrate.pinned import stranded
from engine.store.migrate.reflect import reflect
from engine.store.migrate.schema import Schema, as_data
from engine.store.migrate.selecting import count_rows, count_values
from engine.store.snapshots import Snapshots
from engine.store.tables import Path, Tables
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Loss:
    """What would be gone for good: a table's rows, a column's values, or those that do not fit what it becomes."""

    table: str
    column: str | None
    count: int
    how: str

    def __str__(self) -> str:
        return self.how


@dataclass(frozen=True)
class Plan:
    """What would be done, in order, and what it means. ``present`` and ``fingerprint`` are the definitions in force and
    those to be applied. ``hash`` stands for the state of the tables and the definitions together: as long as neither
    changes, so does the plan not."""

    present: str | None
    fingerprint: str
    hash: str
    operations: tuple[Operation, ...]
    fills: tuple[Fill, ...]
    work: Mapping[str, tuple[tuple[Path, str], ...]]
    losses: tuple[Loss, ...]
    failing: tuple[Failing, ...]
    workflows: tuple[WorkflowChange, ...]
    cases: tuple[OpenCases, ...]
    #: States and fields that would be gone while open cases stand in them or read them.
    occupied: tuple[Problem, ...]
    endpoints: Endpoints
    #: The tables that are the application's own afterwards; what else is in the database belongs to others.
    tables: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether applying would do anything, be it that other definitions come into force."""
        return bool(self.operations) or self.present != self.fingerprint

    @property
    def additive(self) -> bool:
        """Whether it only adds: tables, columns that may be null, indexes; and every row there is meets the rules, and
        every open case has its state."""
        found = self.losses or self.failing or self.occupied
        return all(step.additive for step in self.operations) and not found

    @property
    def lossy(self) -> bool:
        """Whether data would be lost."""
        return bool(self.losses)

    @property
    def blocked(self) -> tuple[Failing, ...]:
        """What keeps it from being applied at all: rows that would break a unique index."""
        return tuple(rule for rule in self.failing if rule.blocks)

    def text(self) -> str:
        """The plan for people, a line for each point; new tables have their indexes without a word."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if not self.changes:
            yield f"Nothing to do: the definitions {self.fingerprint[:12]} are in force."
            return
        yield f"Definitions {self.present[:12] if self.present else '(none)'} -> {self.fingerprint[:12]}"
        new = {step.table for step in self.operations if isinstance(step, CreateTable)}
        told = [step for step in self.operations if not (isinstance(step, CreateIndex) and step.table in new)]
        yield from _section("Tables", told)
        work = [
            f"work out {'.'.join((model, *path, name))}" for model, all_ in self.work.items() for path, name in all_
        ]
        yield from _section("Rows that are there", [*self.fills, *work])
        yield from _section("LOST FOR GOOD, only with --allow-loss", self.losses)
        yield from _section("NOT POSSIBLE", [*self.blocked, *self.occupied])
        yield from _section("Rows that do not meet a new rule", [rule for rule in self.failing if not rule.blocks])
        yield from _section("Workflows", [line for change in self.workflows for line in change.lines()])
        yield from _section("Open cases, which stay on theirs until `orderloom migrate-cases` moves them", self.cases)
        yield from _section("Endpoints", self.endpoints.lines())
        yield f"Plan {self.hash}"

    def as_data(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "hash": self.hash,
            "present": self.present,
            "fingerprint": self.fingerprint,
            "changes": self.changes,
            "additive": self.additive,
            "lossy": self.lossy,
            "operations": [step.as_data() | {"text": str(step)} for step in self.operations],
            "fills": [str(fill) for fill in self.fills],
            "work_out": {model: [".".join((*path, name)) for path, name in all_] for model, all_ in self.work.items()},
            "losses": [
                {"table": loss.table, "column": loss.column, "count": loss.count, "text": str(loss)}
                for loss in self.losses
            ],
            "failing": [rule.as_data() for rule in self.failing],
            "workflows": [change.as_data() for change in self.workflows],
            "cases": [cases.as_data() for cases in self.cases],
            "occupied": [str(problem) for problem in self.occupied],
            "endpoints": {"added": list(self.endpoints.added), "removed": list(self.endpoints.removed)},
            "tables": list(self.tables),
        }


def _section(title: str, lines: Any) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        for line in lines:
            yield f"  {line}"


def plan(database: Database, catalog: Catalog, *, present: Catalog | None = None) -> Plan:
    """What applying the catalogue to the database would do. ``present`` is the catalogue in force, where the caller has
    it at hand. Raises Unchangeable for tables that no step can mend."""
    return database.read(lambda tx: plan_within(tx, database, catalog, present))


def plan_within(tx: Transaction, database: Database, catalog: Catalog, present: Catalog | None = None) -> Plan:
    """The same inside a transaction."""
    snapshots = Snapshots(database)
    newest = next(iter(snapshots.list(tx, limit=1)), None)
    before = _in_force(tx, snapshots, newest.fingerprint if newest is not None else None, catalog, present)
    tables = catalog.memo(Tables, lambda: Tables(catalog))
    connection = tx.connection()  # taken after all that the transaction itself has asked
    have, want = reflect(connection), wanted(tables, database.dialect)
    renames = find_renames(catalog, tables, have)
    ours = {*newest.plan["tables"]} if newest is not None else set()
    steps = compare(have, want, renames, ours, renamed_values(catalog, tables, have, renames))
    known = {*ours, *map(renames.table, want)}
    state = {name: as_data(table) for name, table in have.items() if name in known}
    number = newest.number if newest is not None else 0
    cases, occupied = open_cases(connection, before, catalog, have)

    def flow_of(found: OpenCases) -> Workflow | None:
        texts = {} if found.in_force else snapshots.sources(tx, found.definitions)
        pinned = before if found.in_force else readable(texts)
        return pinned.workflows.get(found.workflow) if pinned is not None else None

    occupied += stranded(before, catalog, cases, flow_of)
    connection = tx.connection()  # again: what cases pin was asked of the transaction
    return Plan(
        present=newest.fingerprint if newest is not None else None,
        fingerprint=catalog.fingerprint,
        hash=sha256(dump_json([state, number, catalog.fingerprint]).encode()).hexdigest()[:16],
        operations=steps,
        fills=find_fills(connection, catalog, tables, have, renames, steps),
        work=worked_out(catalog, tables, steps),
        losses=tuple(find_losses(connection, steps, have)),
        failing=tuple(failing_rows(connection, before, tables, have, renames, steps)),
        workflows=tuple(changed_workflows(before, catalog)),
        cases=tuple(cases),
        occupied=tuple(occupied),
        endpoints=changed_endpoints(before, catalog),
        tables=tuple(sorted(want)),
    )


def _in_force(
    tx: Transaction, snapshots: Snapshots, fingerprint: str | None, catalog: Catalog, present: Catalog | None
) -> Catalog | None:
    """The catalogue in force. None when there is none that this engine can read: then all rules count as new."""
    if fingerprint is None:
        return None
    for known in (catalog, present):
        if known is not None and known.fingerprint == fingerprint:
            return known
    return readable(snapshots.sources(tx, fingerprint))


def readable(texts: Mapping[str, str] | None) -> Catalog | None:
    """The catalogue of the texts of a snapshot; None where there are none that this engine can read."""
    try:
        return build_texts(texts) if texts else None
    except DefinitionError:
        return None


def find_losses(
    connection: Connection, steps: Sequence[Operation], have: Schema, filled: Filled | None = None
) -> Iterator[Loss]:
    """What the steps would take away that is there now, except for what was only filled in."""
    names, own = _Names(), filled or {}
    for step in steps:
        table = names.table(step.table)
        if isinstance(step, DropTable):
            if count := count_rows(connection, table):
                yield Loss(table, None, count, f"table {table}: {_rows(count)}")
        elif isinstance(step, DropColumn | RebuildTable):
            gone = [step.column] if isinstance(step, DropColumn) else step.before.columns.keys() - step.after.columns
            for column in (names.column(table, name) for name in gone):
                if count := count_values(connection, table, column, own.get((table, column))):
                    yield Loss(table, column, count, f"column {table}.{column}: {_values(count)}")
        elif isinstance(step, ConvertColumn):
            column = names.column(table, step.column)
            if count := unfit(connection, table, have[table].primary, column, step.before, step.after):
                how = f"column {table}.{column}: {_values(count)} that {step.after} cannot hold as it is"
                yield Loss(table, column, count, how)
        else:
            names.follow(step)


class _Names:
    """What tables and columns are called before the first step, by what they are called when a later one comes."""

    def __init__(self) -> None:
        self._tables: dict[str, str] = {}
        self._columns: dict[tuple[str, str], str] = {}

    def table(self, name: str) -> str:
        return self._tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        return self._columns.get((table, name), name)

    def follow(self, step: Operation) -> None:
        """Notes what the step renames."""
        if isinstance(step, RenameTable):
            self._tables[step.to] = self._tables.pop(step.table, step.table)
        elif isinstance(step, RenameColumn):
            table = self.table(step.table)
            self._columns[table, step.to] = self._columns.pop((table, step.column), step.column)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
