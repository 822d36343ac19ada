"""Timers in a running server: the due ones become jobs, in turn, and each job lets its timer go off."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from engine.ports import Job, Outcome
from engine.store.keys import new_key
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.engine import Engine
    from engine.runtime.service import Service

_log = logging.getLogger(__name__)

#: The queue of the jobs.
TIMER = "timer"
#: Timers that one transaction fires.
BATCH = 200


class Timers:
    """Fires timers. Any number of processes may do so at once: each timer becomes one job."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: The service whose calendar all timers are known to follow.
        self._followed: Service | None = None

    def turn(self) -> int:
        """How many timers have been fired, the longest due first; at most one batch."""
        engine, service = self._engine, self._engine.service
        self._follow_calendar(service)
        rows, now = service.store.timers, engine.clock.now()
        if not engine.database.read(lambda tx: rows.any_due(tx, now)):
            return 0

        def work(tx: Transaction) -> int:
            fired = rows.claim(tx, now, BATCH)
            jobs = [
                {"id": new_key(now), "queue": TIMER, "payload": {"timer": key}, "due_at": due_at}
                for key, due_at in fired
            ]
            service.store.jobs.add(tx, jobs)
            return len(fired)

        return engine.write(work)

    def _follow_calendar(self, service: Service) -> None:
        """Moves what was counted by another version of the calendar, once for each version that comes into force."""
        if self._followed is not service:
            while self._engine.write(service.deadlines.follow_calendar):
                pass
            self._followed = service


class GoingOff:
    """The handler of the queue. A timer goes off in an act of its own, which also writes that it has: however often
    the job runs, that happens once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def perform(self, job: Job) -> Outcome:
        """What came of the timer. Those of the same record that were due before it go off before it."""
        engine, service = self._engine, self._engine.service
        key = job.payload["timer"]
        for earlier in engine.database.read(lambda tx: _before(service, tx, key)):
            try:
                engine.write(partial(service.deadlines.go_off, key=earlier))
            except Exception:  # noqa: BLE001 - it has a job of its own, which is told what went wrong
                _log.exception("timer %s, before %s", earlier, key)
        gone_off = engine.write(partial(service.deadlines.go_off, key=key))
        return Outcome("done", data={"gone_off": gone_off})

    def record(self, tx: Transaction, job: Job, outcome: Outcome) -> None:
        """Nothing follows: the act has written everything."""


def _before(service: Service, tx: Transaction, key: str) -> list[str]:
    """The ids of the timers of the same record that are under way, and due before this one."""
    timer = service.store.timers.get(tx, key)
    if timer is None:
        return []
    under_way = service.store.timers.under_way(tx, timer["record"], timer["due_at"])
    return under_way[: under_way.index(key)] if key in under_way else []
