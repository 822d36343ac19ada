"""A record's case for somebody who reads it: its workflow, its tasks and votes, its timers, and what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.catalog.kinds.workflow import State, Workflow
from engine.errors import NotFound
from engine.policy.access import Actor
from engine.policy.handling import VERBS, Standpoint
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.approving import MOST, TASK, VOTE
from engine.runtime.service import Service
from engine.store.keys import is_key
from engine.store.store import Store
from engine.store.transaction import Transaction

EVENT = "event"


@dataclass(frozen=True, slots=True)
class Casework:
    """A case in the version of the workflow that it pins. ``tasks`` and ``votes`` are those of all rounds, the first
    first; ``timers`` those that still wait for the record, its tasks or its holds, the next first; ``events`` what
    people have done with its tasks."""

    case: Record
    workflow: Workflow
    record: Record
    tasks: Sequence[Record]
    votes: Sequence[Record]
    timers: Sequence[Record]
    events: Sequence[Record]

    @property
    def state(self) -> State | None:
        """Where the record stands."""
        return self.workflow.states.get(self.record["status"] or "")

    @property
    def round(self) -> int:
        """The present round of its approvals; 0 before the first."""
        return max((task["round"] for task in self.tasks), default=0)

    def votes_of(self, task: Record) -> list[Record]:
        """The parts that people have in a task."""
        return [vote for vote in self.votes if vote["task"]["id"] == task["id"]]

    def acts_on(self, task: Record) -> list[Record]:
        """What people have done with a task besides voting. Of the tasks of one step one is open at a time."""
        same = [one["opened_at"] for one in self.tasks if one["step"] == task["step"]]
        until = min((moment for moment in same if moment > task["opened_at"]), default=None)
        return [
            one
            for one in self.events
            if one["input"]["step"] == task["step"]
            and task["opened_at"] <= one["at"]
            and (until is None or one["at"] < until)
        ]

    def waiting_for(self, task: Record) -> list[Record]:
        """The parts of those who are asked now."""
        return [vote for vote in self.votes_of(task) if vote["waiting"]]


def casework(service: Service, tx: Transaction, actor: Actor, model: str, record: Record) -> Casework | None:
    """The case of a record; None where it has none."""
    act = Act(service.catalog, service.store, tx, actor, service.clock.now())
    working = act.hold_on(model, record, "read")
    workflow, case = service.workflow_of(act, working), act.case_of(working)
    if workflow is None or case is None:
        return None
    query = service.store.query
    asks = any(state.approval for state in workflow.states.values())
    tasks = query.equal(tx, TASK, {"case": case}, limit=MOST) if asks else []
    votes = query.equal(tx, VOTE, {"case": case}, limit=MOST) if tasks else []
    timers = service.store.timers.waiting(tx, record["id"])
    log = query.equal(tx, EVENT, {"model": model, "record": record["id"]}, limit=MOST) if tasks else []
    acts = [one for one in log if one["name"] in VERBS and "step" in (one["input"] or {})]
    return Casework(case, workflow, record, tasks, votes, timers, acts)


def standpoint(work: Casework, task: Record, actor: Actor, now: datetime) -> Standpoint:
    """The task as the actor sees it, for `engine.policy.handling`."""
    state = work.state if work.state is not None and work.state.approval else None
    present = [one for one in work.tasks if one["round"] == work.round] if state is not None else []
    ids = {one["id"] for one in present}
    starters = [work.record["created_by"], present[0]["starter"] if present else None]
    own = [person["id"] for person in starters if person is not None]
    mine = [vote for vote in work.votes_of(task) if vote["person"]["id"] == actor.id]
    return Standpoint(
        person=actor.id,
        task=task,
        vote=mine[0] if mine else None,
        state=state,
        round=work.round,
        tasks=present,
        votes=[vote for vote in work.votes if vote["task"]["id"] in ids],
        own=own,
        urged=_urged(work.events, task, actor.id),
        now=now,
    )


def urged_at(store: Store, tx: Transaction, task: Record, person: str | None) -> datetime | None:
    """When the person has last asked for haste with a task, by the log of events."""
    if person is None:
        return None
    about = {"model": task["model"], "record": task["record"], "name": "urge", "actor": {"id": person}}
    return _urged(store.query.equal(tx, EVENT, about, limit=MOST), task, person)


def _urged(events: Sequence[Record], task: Record, person: str | None) -> datetime | None:
    own = [
        one["at"]
        for one in events
        if one["name"] == "urge"
        and one["actor"] is not None
        and one["actor"]["id"] == person
        and one["at"] >= task["opened_at"]
        and (one["input"] or {}).get("step") == task["step"]
    ]
    return max(own, default=None)


def task_for(service: Service, tx: Transaction, actor: Actor, key: str) -> tuple[Casework, Record]:
    """A task with its case, for somebody who has a part in it, or may read what it is about. NotFound for others."""
    found = service.store.cases.about(tx, key) if is_key(key) else None
    if found is not None and found[0] in service.catalog.models:
        model, about = found
        for record in service.store.records.load(tx, model, [about]):
            work = casework(service, tx, actor, model, record)
            task = next((one for one in work.tasks if one["id"] == key), None) if work is not None else None
            if work is None or task is None:
                continue
            names = Act(service.catalog, service.store, tx, actor, service.clock.now()).names(model, record, "read")
            asked = any(vote["person"]["id"] == actor.id for vote in work.votes_of(task))
            if asked or service.rights.may_read(actor, model, record, names):
                return work, task
    raise NotFound(f"there is no task {key[:100]}")
