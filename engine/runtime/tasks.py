"""What people do with their tasks: each act in one transaction, on the locked record that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from engine.catalog.kinds.workflow import State, Workflow
from engine.errors import AccessDenied, Complaint, InvalidValues, NotFound, Refused, RequestError
from engine.policy.access import Actor
from engine.policy.approve import CANCELLED
from engine.ports import Reason, Record
from engine.runtime.act import Working
from engine.runtime.approving import TASK, Approving
from engine.runtime.effects import Effects
from engine.runtime.people import USER
from engine.runtime.service import Service
from engine.store.keys import is_key
from engine.store.transaction import Transaction

#: Longer comments than this belong into a document.
LONGEST_COMMENT = 4_000


@dataclass(slots=True)
class Hand:
    """A task in hand: the record that it is about, its approval, and the actor's own part in it, if any."""

    effects: Effects
    working: Working
    workflow: Workflow
    state: State | None
    approving: Approving | None
    task: Record
    vote: Record | None


class Tasks:
    """The acts of one service on tasks."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def decide(self, tx: Transaction, actor: Actor, key: str, decision: str, comment: str = "") -> Record:
        """The task after the actor has agreed (``approve``) or not (``reject``), and all that follows from that."""
        comment = self._comment(comment, required=decision == "reject")
        hand = self._open(tx, actor, key, decision)
        approving, vote = self._turn(hand, decision)
        act = hand.effects.act
        approving.set("vote", vote, decision=decision, decided_at=act.moment, comment=comment or None, waiting=False)
        person = Reason(f"vote.{hand.task['step']}", decision, comment or None, read=self._named(vote))
        hand.working.trail.append(person)
        approving.count(hand.task, approving.signature(hand.task))
        return self._done(hand, decision, {"step": hand.task["step"], **({"comment": comment} if comment else {})})

    # Opening --------------------------------------------------------------------------------------------------------

    def _open(self, tx: Transaction, actor: Actor, key: str, verb: str) -> Hand:
        """The task in hand, its record locked. NotFound where there is none, or none that the actor may know of."""
        service = self._service
        table = service.store.tables[TASK]
        named = select(table.c["model"], table.c["record"]).where(table.c["id"] == key)
        found = tx.core(named) if is_key(key) else []
        if not found or found[0]["model"] not in service.catalog.models:
            raise NotFound(f"there is no task {key[:100]}")
        model, about = found[0]["model"], str(found[0]["record"])
        act = service.act(tx, actor)
        self._demand_present(act.store, tx, actor)
        # The record first: who comes second waits here, and then sees what the first has done.
        working = act.take(model, about, verb, service.plan(model).reads)
        [task] = act.store.records.load(tx, TASK, [key])
        workflow = service.workflow_of(act, working)
        if workflow is None:
            raise NotFound(f"there is no task {key}")
        effects = Effects(service, act, verb)
        state = workflow.states.get(working.record["status"])
        approving = Approving(effects, working, state) if state is not None and state.approval else None
        task, vote = self._mine(act.store, tx, approving, task, actor)
        if vote is None and not service.rights.may_read(
            actor, model, working.record, act.names(model, working.record, verb)
        ):
            raise NotFound(f"there is no task {key}")
        return Hand(effects, working, workflow, state, approving, task, vote)

    @staticmethod
    def _mine(store: Any, tx: Transaction, approving: Approving | None, task: Record, actor: Actor) -> Any:
        """The task as the approval has it, and the actor's part in it, also where it is over."""
        if approving is not None and any(task["id"] == other["id"] for other in approving.tasks):
            task = next(other for other in approving.tasks if other["id"] == task["id"])
        votes = store.query.equal(tx, "vote", {"task": task, "person": {"id": actor.id}}, limit=1) if actor.id else []
        return task, votes[0] if votes else None

    @staticmethod
    def _demand_present(store: Any, tx: Transaction, actor: Actor) -> None:
        """Refuses somebody who has left, however long ago they logged in."""
        found = store.records.load(tx, USER, [actor.id]) if actor.id is not None else []
        if not found or found[0]["active"] is False:
            raise AccessDenied("only people who are still here decide", code="ACCESS_DENIED")

    def _turn(self, hand: Hand, verb: str) -> tuple[Approving, Record]:
        """The approval and the actor's own vote, if it is their turn now. Refused where it is not, and says why."""
        vote, task = hand.vote, hand.task
        if vote is None or vote["part"] == "cc":
            raise AccessDenied("you are not asked about this", code="NOT_ASKED")
        if vote["decision"] not in (None, "moot"):
            raise Refused(f"you have answered already: {vote['decision']}", code="ALREADY_ANSWERED")
        if task["outcome"] is not None:
            raise self._over(task)
        if hand.approving is None or task["round"] != hand.approving.round:
            raise Refused("this task belongs to an earlier round", code="TASK_OVER")
        if vote["decision"] == "moot":
            raise Refused("your answer is not needed any more", code="ALREADY_DECIDED")
        if not vote["waiting"]:
            raise Refused("it is not your turn yet", code="NOT_YOUR_TURN")
        return hand.approving, vote

    @staticmethod
    def _over(task: Record) -> RequestError:
        """Why nothing can be done with a closed task any more: who has decided it, or that it was called off."""
        by, outcome = task["closed_by"], task["outcome"]
        if outcome == CANCELLED:
            return Refused("this task was called off: the record has gone on without it", code="TASK_OVER")
        who = by["name"] if by is not None else "the engine"
        return Refused(f"{who} has decided this already: {outcome}", code="ALREADY_DECIDED")

    # Ending ---------------------------------------------------------------------------------------------------------

    def _done(self, hand: Hand, verb: str, put_in: Mapping[str, Any]) -> Record:
        """Lets the approval go on, writes everything, and gives the task as it is then."""
        effects, working = hand.effects, hand.working
        before = working.record["status"]
        entry = effects.act.note(working, verb, before, before, dict(put_in))
        if hand.approving is not None and hand.state is not None:
            effects.go_on(working, hand.workflow, hand.state, hand.approving.advance())
        effects.settle()
        entry["to_state"] = working.record["status"]
        effects.act.finish()
        return hand.task

    @staticmethod
    def _comment(text: str, *, required: bool) -> str:
        text = text.strip()
        if required and not text:
            raise InvalidValues(complaints=[Complaint("comment", "VALUE_REQUIRED", "say why")])
        if len(text) > LONGEST_COMMENT:
            message = f"at most {LONGEST_COMMENT} characters"
            raise InvalidValues(complaints=[Complaint("comment", "VALUE_LENGTH", message)])
        return text

    @staticmethod
    def _named(vote: Record) -> dict[str, Any]:
        """Who votes, and for whom, for the history."""
        acting_for = vote["acting_for"]
        return {
            "person": vote["person"]["login"],
            **({"acting_for": acting_for["login"]} if acting_for is not None else {}),
        }
