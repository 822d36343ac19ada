"""Timers: moments at which something of a case falls due. The due ones become jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.ports import Record
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

#: The system model, and the queue of the jobs.
TIMER = "timer"
#: Timers that one transaction fires.
BATCH = 200


class Timers:
    """Fires timers. Any number of processes may do so at once: each timer becomes one job, which has the timer's id.

    The job's handler looks whether the case is still where the timer saw it, so nothing needs to be called off in time.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def turn(self) -> int:
        """How many timers have been fired, the longest due first; at most one batch."""
        engine = self._engine
        table = engine.service.store.tables[TIMER]
        due = (table.c["fired_at"].is_(None)) & (table.c["due_at"] <= engine.clock.now())
        first = select(table.c["id"]).where(due).order_by(table.c["due_at"], table.c["id"]).limit(BATCH)
        if not engine.database.read(lambda tx: tx.core(first.limit(1))):
            return 0

        def work(tx: Transaction) -> int:
            # The condition stands in the UPDATE too: who comes second waits for the first, and then finds nothing.
            claim = table.update().where(table.c["id"].in_(first), due).values(fired_at=engine.clock.now())
            fired = tx.core(claim.returning(table))
            engine.service.store.jobs.add(tx, [_job(timer) for timer in sorted(fired, key=_turn)])
            return len(fired)

        return engine.write(work)


def _turn(timer: Record) -> tuple[object, ...]:
    return timer["due_at"], timer["id"]


def _job(timer: Record) -> Record:
    payload = {name: timer[name] for name in ("case", "step", "round", "rung")}
    return {"id": timer["id"], "queue": TIMER, "payload": payload, "due_at": timer["due_at"]}
