"""Applying definitions to a database, and taking the last application back: all of it or nothing.

Everything happens in one transaction, on SQLite too: our connections leave it to us when a transaction begins and ends,
so that statements which change tables are part of it like all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from engine.catalog.catalog import Catalog
from engine.errors import DefinitionError, EngineError
from engine.expressions.postgres import install_functions
from engine.store.database import Database
from engine.store.migrate.cases import open_cases
from engine.store.migrate.fills import Fill, WorkOut, filled_from_data
from engine.store.migrate.operations import (
    Doing,
    Operation,
    Progress,
    from_data,
)
from engine.store.migrate.plan import Loss, Plan, find_losses, plan_within, readable
from engine.store.migrate.reflect import reflect
from engine.store.snapshots import Snapshot, Snapshots
from engine.store.transaction import Transaction

#: One process at a time changes the tables of a PostgreSQL database.
_LOCK = 0x6F6C5F61
#: What has Alembic do the steps.
ALEMBIC = "engine.store.migrate.through_alembic"


class StalePlan(EngineError):
    """The database or the definitions are no longer what the plan was made for."""


class LossRefused(EngineError):
    """Data would be lost, and nobody gave leave."""

    def __init__(self, losses: Sequence[Loss]) -> None:
        self.losses = tuple(losses)
        lines = "\n".join(f"  {loss}" for loss in losses)
        super().__init__(f"this would lose data for good:\n{lines}\nallow it with --allow-loss")


class Impossible(EngineError):
    """Rows that are there stand against it, or the database has refused a step."""


class NotAdditive(EngineError):
    """It does more than add to what is there, so somebody has to see the plan first."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        todo = f"see `orderloom plan`, then run `orderloom apply {plan.hash}`"
        text = f"the definitions change or take away what is there, so they wait: {todo}"
        super().__init__("\n".join([text, *map(str, plan.occupied)]) if plan.occupied else text)


class NotInvertible(EngineError):
    """Only what was applied last can be taken back."""


@dataclass(frozen=True)
class Applied:
    """What was done: the steps, and what was lost by them. ``number`` is that of the snapshot, None where there was
    nothing to do. ``empty``: what came back without the values it once had."""

    number: int | None
    fingerprint: str
    operations: tuple[Operation, ...] = ()
    losses: tuple[Loss, ...] = ()
    empty: tuple[str, ...] = ()


def quiet(_what: str, _done: int, _all: int) -> None:
    """Progress that nobody watches."""


def apply(
    database: Database,
    plan: Plan,
    catalog: Catalog,
    *,
    at: datetime,
    actor: str | None,
    work_out: WorkOut,
    allow_loss: bool = False,
    progress: Progress = quiet,
) -> Applied:
    """What was done so that the tables are those of the catalogue, whose definitions are in force from then on.

    The plan is made anew inside the transaction. Raises StalePlan when that gives another one, LossRefused, Impossible,
    DefinitionError for states that are gone while cases stand in them; then nothing has changed. With nothing to do,
    nothing is written.
    """

    def work(tx: Transaction) -> Applied:
        _lock(tx)
        fresh = plan_within(tx, database, catalog)
        if fresh.hash != plan.hash:
            raise StalePlan("the database or the definitions have changed since the plan was made: plan again")
        if fresh.blocked:
            raise Impossible("\n".join(["rows that are there stand against it:", *(f"  {r}" for r in fresh.blocked)]))
        if fresh.occupied:
            raise DefinitionError(fresh.occupied)
        if fresh.lossy and not allow_loss:
            raise LossRefused(fresh.losses)
        return _carry_out(tx, database, fresh, catalog, at, actor, work_out, progress)

    return database.write(work).result()


def apply_additions(
    database: Database,
    catalog: Catalog,
    *,
    at: datetime,
    work_out: WorkOut,
    present: Catalog | None = None,
    progress: Progress = quiet,
) -> Applied:
    """The same without a plan that somebody has seen, where it only adds to what is there; else raises NotAdditive.
    ``present`` as for a plan."""

    def work(tx: Transaction) -> Applied:
        _lock(tx)
        fresh = plan_within(tx, database, catalog, present)
        if not fresh.additive:
            raise NotAdditive(fresh)
        return _carry_out(tx, database, fresh, catalog, at, None, work_out, progress)

    return database.write(work).result()


def _carry_out(
    tx: Transaction,
    database: Database,
    plan: Plan,
    catalog: Catalog,
    at: datetime,
    actor: str | None,
    work_out: WorkOut,
    progress: Progress,
) -> Applied:
    if not plan.changes:
        return Applied(None, catalog.fingerprint)
    doing = _doing(tx, progress)
    if database.dialect == "postgresql":
        install_functions(doing.connection)
    _run((*plan.operations, *plan.fills), doing)
    for model, places in plan.work.items():
        work_out(tx, catalog, model, places, progress)
    number = Snapshots(database).add(
        tx,
        catalog.fingerprint,
        catalog.sources,
        plan=plan.as_data(),
        inverse=_inverse(plan.operations, plan.losses, plan.fills),
        at=at,
        by=actor,
    )
    return Applied(number, catalog.fingerprint, plan.operations, plan.losses)


def invert(
    database: Database,
    fingerprint: str,
    *,
    at: datetime,
    actor: str | None,
    allow_loss: bool = False,
    progress: Progress = quiet,
) -> Applied:
    """What was done to take the application of these definitions back, which must be the last one. The definitions
    before them are in force again. Columns and tables that were dropped come back empty.

    Raises NotInvertible, LossRefused (of what was put in since), Impossible (as where open cases stand in states that
    the definitions before do not have); then nothing has changed.
    """

    def work(tx: Transaction) -> Applied:
        _lock(tx)
        snapshots = Snapshots(database)
        last, before = _last_two(snapshots.list(tx, limit=2), fingerprint)
        steps = tuple(from_data(step) for step in last.inverse["operations"])
        sources = snapshots.sources(tx, before.fingerprint) or {}
        connection = tx.connection()
        _keep_cases(connection, readable(sources))
        filled = filled_from_data(last.inverse["filled"])
        losses = tuple(find_losses(connection, steps, reflect(connection), filled))
        if losses and not allow_loss:
            raise LossRefused(losses)
        _run(steps, _doing(tx, progress))
        number = snapshots.add(
            tx,
            before.fingerprint,
            sources,
            plan={
                "inverse_of": last.number,
                "operations": last.inverse["operations"],
                "tables": before.plan["tables"],
            },
            inverse=_inverse(steps, losses, ()),
            at=at,
            by=actor,
        )
        return Applied(number, before.fingerprint, steps, losses, tuple(last.inverse["lost"]))

    return database.write(work).result()


def _keep_cases(connection: Connection, earlier: Catalog | None) -> None:
    """Refuses to bring earlier definitions back that do not know where open cases stand by now. Those that another
    release wrote cannot be asked."""
    if earlier is not None:
        _, occupied = open_cases(connection, None, earlier, reflect(connection))
        if occupied:
            found = "\n".join(f"  {problem.message}" for problem in occupied)
            mend = "take back what `orderloom migrate-cases` has moved, or apply files that say where they belong"
            raise Impossible(f"the definitions before have no place for cases:\n{found}\n{mend}")


def _last_two(found: Sequence[Snapshot], fingerprint: str) -> tuple[Snapshot, Snapshot]:
    """The last application and the one before."""
    if not found or found[0].fingerprint != fingerprint:
        raise NotInvertible(f"the definitions {fingerprint[:12]} are not in force, so they cannot be taken back")
    if len(found) < 2:
        raise NotInvertible("nothing was in force before these definitions")
    return found[0], found[1]


def _inverse(steps: Sequence[Operation], losses: Sequence[Loss], fills: Sequence[Fill]) -> Mapping[str, Any]:
    """What undoes the steps, as data, with what that cannot bring back, and what it may take away unasked."""
    return {
        "operations": [step.inverse().as_data() for step in reversed(steps)],
        "lost": [str(loss) for loss in losses],
        "filled": [fill.as_data() for fill in fills if fill.missing is None],
    }


def _lock(tx: Transaction) -> None:
    """Waits until no other process changes the tables. SQLite has one writer anyway."""
    if tx.database.dialect == "postgresql":
        tx.connection().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _doing(tx: Transaction, progress: Progress) -> Doing:
    connection: Connection = tx.connection()
    return Doing(import_module(ALEMBIC).operations(connection), connection, progress)


def _run(steps: Sequence[Operation | Fill], doing: Doing) -> None:
    for done, step in enumerate(steps):
        doing.progress(str(step), done, len(steps))
        try:
            step.run(doing)
        except SQLAlchemyError as error:
            raise Impossible(f"{step}: the database refuses: {getattr(error, 'orig', None) or error}") from error
