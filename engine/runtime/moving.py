"""Moves an open case to another version of its workflow, in one act on the locked record: the case, its tasks with
their votes, its timers, and what the branches of the new version make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.approval import Signature, signatures
from engine.catalog.kinds.workflow import Workflow
from engine.errors import EngineError, NotFound
from engine.policy.approve import CANCELLED
from engine.ports import Reason, Record
from engine.runtime.act import Working
from engine.runtime.approving import TASK, Approving, Ended
from engine.runtime.effects import Effects
from engine.runtime.service import SYSTEM, Service
from engine.store.transaction import Transaction

#: What the log of events calls it.
MIGRATE = "migrate"
#: So much of the name of a version is told.
SHORT = 8


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a case is to be moved: a workflow of some definitions. ``state`` is said where a move is taken back; else a
    case goes where its present state belongs."""

    definitions: Catalog
    workflow: Workflow
    state: str | None = None

    def is_of(self, case: Record) -> bool:
        """Whether the case is there already."""
        return (case["workflow"], case["workflow_version"]) == (self.workflow.name, self.workflow.fingerprint)


class Stays(EngineError):
    """The case cannot be moved, and goes on as it is."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a case: the states it was moved from and to, the one in which it stands now, and what of its tasks
    is another thing now."""

    before: str
    after: str
    now: str
    notes: tuple[str, ...] = ()


def move(service: Service, tx: Transaction, model: str, key: str, goal: Goal, told: Mapping[str, Any]) -> Moved:
    """What became of the record's case, which must be open and of another version. ``told`` goes into the log of
    events. Raises Stays, and whatever refuses what follows from the move."""
    act = service.act(tx, SYSTEM)
    try:
        working = act.take(model, key, MIGRATE, service.plan(model).reads)
    except NotFound:
        raise Stays("in the trash: it can be moved when it has been restored") from None
    case = act.case_of(working)
    before = service.workflow_of(act, working)
    if case is None or before is None or case["ended_at"] is not None:
        raise Stays("it is over")
    if goal.is_of(case):
        raise Stays("it has been moved already")
    state = case["state"]
    to = goal.state or goal.workflow.place_of(state)
    if to is None:
        raise Stays(f"'{state}' is gone, and no state of {goal.workflow.name} says `was: {state}`")
    moving = Moving(Effects(service, act, MIGRATE), working, case, before, goal.workflow, to)
    notes = moving.check(back=goal.state is not None)
    past = {"workflow": case["workflow"], "version": case["workflow_version"], "definitions": case["definitions"]}
    entry = act.note(working, MIGRATE, state, to, {**told, "from": {**past, "state": state}, "to": to, "notes": notes})
    moving.carry_out(goal, notes)
    moving.effects.settle()
    entry["to_state"] = working.record["status"]
    act.finish()
    return Moved(state, to, str(working.record["status"]), tuple(notes))


class Moving:
    """One case that is being moved: ``before`` and ``after`` are the versions, ``to`` the state in the latter."""

    def __init__(
        self, effects: Effects, working: Working, case: Record, before: Workflow, after: Workflow, to: str
    ) -> None:
        self.effects = effects
        self._act, self._working, self._case = effects.act, working, case
        self._before, self._after, self._to = before, after, to
        self._state = before.states[case["state"]]
        self._was_asked: Mapping[str, Signature] = {each.name: each for each in signatures(self._state.approval)}
        self._is_asked = {each.name: each for each in signatures(after.states[to].approval)}
        query = effects.act.store.query
        self._open = query.equal(effects.act.tx, TASK, {"case": case, "outcome": None}, limit=1_000)
        #: Tasks at steps that the other version does not have.
        self._loose = [task for task in self._open if task["step"] not in self._is_asked]

    def check(self, *, back: bool) -> list[str]:
        """What of the open tasks is another thing in the other version. Raises Stays for those that it does not have:
        people have been asked, and nobody may forget them. Of a move that is taken ``back`` such tasks are what the
        move itself has opened."""
        if self._loose and not back:
            steps = ", ".join(f"'{task['step']}'" for task in self._loose)
            raise Stays(f"somebody is asked at {steps}, and '{self._to}' does not ask there any more")
        kept = [task["step"] for task in self._open if task not in self._loose]
        return [f"'{step}' is asked otherwise" for step in kept if self._changed(step)]

    def _changed(self, step: str) -> bool:
        was, now = self._was_asked.get(step), self._is_asked[step]
        return was is None or was.print != now.print

    def carry_out(self, goal: Goal, notes: list[str]) -> None:
        """Pins the other version, and makes tasks and timers those of it."""
        act, working, case = self._act, self._working, self._case
        if self._loose:
            approving = Approving(self.effects, working, self._state)
            for task in approving.tasks:
                if task["outcome"] is None and task["step"] not in self._is_asked:
                    approving.close(task, Ended(CANCELLED, why=Reason(MIGRATE, "not asked there")))
        why = Reason(
            f"{self._after.name}.{MIGRATE}",
            self._to,
            "; ".join([f"version {case['workflow_version'][:SHORT]} → {self._after.fingerprint[:SHORT]}", *notes]),
            self._after.span,
        )
        working.trail.append(why)
        case |= {
            "workflow": self._after.name,
            "workflow_version": self._after.fingerprint,
            "definitions": goal.definitions.fingerprint,
        }
        act.store.cases.pin(act.tx, case)
        working.workflow = self._after
        self._timers()
        if self._to != case["state"]:
            case["state"] = working.record["status"] = self._to
            working.dirty = True
        case["ended_at"] = act.moment if self._to in self._after.final else None
        working.moved = working.touched = True
        act.store.records.expand(act.tx, working.model, [working.record], self._after.reads)
        self._tasks()

    def _timers(self) -> None:
        """The timers of the state go by its name; what they have done stays known. Settling makes them those of the
        other version."""
        rows, tx, case = self._act.store.timers, self._act.tx, self._case
        if not self._after.has_timers:
            rows.clear(tx, case["id"])
        elif self._to != case["state"]:
            rows.rename(tx, case["id"], case["state"], self._to)

    def _tasks(self) -> None:
        """Counts the answers that there are by the rules of the other version, and asks whom it asks besides."""
        state = self._after.states[self._to]
        if not state.approval:
            return
        approving = Approving(self.effects, self._working, state)
        waiting = [task for task in approving.tasks if task["outcome"] is None]
        if not waiting and not self._state.approval:
            self.effects.go_on(self._working, self._after, state, approving.begin())
            return
        for task in approving.tasks:
            if task["state"] == self._state.name != state.name:
                approving.set(TASK, task, state=state.name)
        for task in waiting:
            if self._changed(task["step"]):
                approving.remind_anew(task)
            approving.count(task, approving.signature(task))
        self.effects.go_on(self._working, self._after, state, approving.advance())
