"""What people do with their tasks: each act in one transaction, on the locked record that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.catalog.kinds.approval import following, step_of
from engine.catalog.kinds.workflow import State, Workflow
from engine.errors import AccessDenied, Complaint, InvalidValues, NotFound, Refused
from engine.policy.access import Actor
from engine.policy.approve import CANCELLED, RETURNED
from engine.policy.handling import Standpoint, later_tasks, refusal
from engine.ports import Notify, Reason, Record
from engine.runtime.act import Working
from engine.runtime.approving import TASK, Approving, Ended
from engine.runtime.casework import urged_at
from engine.runtime.effects import Effects
from engine.runtime.people import USER, Found
from engine.runtime.service import Service
from engine.runtime.uploads import FILE, Upload, checked
from engine.store.keys import is_key
from engine.store.transaction import Transaction

#: Longer comments than this belong into a document.
LONGEST_COMMENT = 4_000
#: Where somebody who is added signs.
WHERE = ("before", "beside", "after")


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
        return self._done(hand, decision, _told(hand.task, comment))

    def hand_on(self, tx: Transaction, actor: Actor, key: str, verb: str, to: str, comment: str = "") -> Record:
        """The task after the actor has given their part to somebody else: for good (``transfer``), or so that they
        answer in the actor's name (``delegate``)."""
        comment = self._comment(comment, required=False)
        hand = self._open(tx, actor, key, verb)
        approving, vote = self._turn(hand, verb)
        mine = hand.effects.act.author() if verb == "delegate" else None
        found = self._somebody(hand, approving, to, verb)
        decision = "delegated" if verb == "delegate" else "transferred"
        moment = hand.effects.act.moment
        approving.set("vote", vote, decision=decision, decided_at=moment, comment=comment or None, waiting=False)
        approving.hand(hand.task, vote, replace(found, acting_for=found.acting_for or mine))
        if hand.task["assignee"] is not None and hand.task["assignee"]["id"] == vote["person"]["id"]:
            approving.set(TASK, hand.task, assignee=found.person)
        approving.count(hand.task, approving.signature(hand.task))
        return self._done(hand, verb, _told(hand.task, comment, to=found.person["login"]))

    def add(self, tx: Transaction, actor: Actor, key: str, to: str, where: str, comment: str = "") -> Record:
        """The task after somebody else has to sign as well: ``before`` the others, ``beside`` or ``after`` them."""
        comment = self._comment(comment, required=False)
        if where not in WHERE:
            message = f"one of {', '.join(WHERE)}"
            raise InvalidValues(complaints=[Complaint("where", "VALUE_CHOICE", message, {"options": list(WHERE)})])
        hand = self._open(tx, actor, key, "add_signer")
        approving, _ = self._turn(hand, "add_signer")
        found = self._somebody(hand, approving, to, "add_signer")
        approving.hand(hand.task, {"part": where, "turn": 1, "veto": False}, found)
        approving.count(hand.task, approving.signature(hand.task))
        return self._done(hand, "add_signer", _told(hand.task, comment, to=found.person["login"], where=where))

    def send_back(
        self, tx: Transaction, actor: Actor, key: str, comment: str, to: str | None = None, *, resume: bool = True
    ) -> Record:
        """The task after it was sent back: to an earlier step, or to whoever asked (``to`` None). With ``resume`` what
        others have agreed holds, else what follows is asked anew."""
        comment = self._comment(comment, required=True)
        hand = self._open(tx, actor, key, "return")
        approving, vote = self._turn(hand, "return")
        state, task, moment = approving.state, hand.task, hand.effects.act.moment
        step = step_of(state.approval, task["step"])
        earlier = state.approval.get(to) if to is not None else None
        if to is None and state.returned is None:
            raise Refused("this cannot be sent back to whoever asked: name an earlier step", code="CANNOT_RETURN")
        if to is not None and (earlier is None or step is None or step.name not in following(state.approval, to)):
            raise Refused(f"'{to}' is no step that comes before this one", code="CANNOT_RETURN")
        agreed = approving.agreed()
        approving.set("vote", vote, decision="sent_back", decided_at=moment, comment=comment, waiting=False)
        approving.set("task", task, resume=resume)
        approving.close(task, Ended(RETURNED, vote["person"], comment))
        told = _told(task, comment, to=to or "starter", resume=resume)
        if earlier is None:
            approving.cancel()
            return self._done(hand, "return", told, RETURNED)
        asked_anew = {earlier.name} if resume else {earlier.name, *following(state.approval, earlier.name)}
        keep = {leaf for leaf in agreed if (owner := step_of(state.approval, leaf)) and owner.name not in asked_anew}
        return self._done(hand, "return", told, approving.again(keep, task["starter"]))

    def withdraw(self, tx: Transaction, actor: Actor, key: str, comment: str = "") -> Record:
        """The task after the actor has taken their answer back: possible until somebody of a later step has acted."""
        comment = self._comment(comment, required=False)
        hand = self._open(tx, actor, key, "withdraw")
        at = self._demand(hand, "withdraw")
        approving, task, vote = hand.approving, hand.task, hand.vote
        assert approving is not None  # else it is refused
        assert vote is not None
        for other in later_tasks(at):
            approving.close(other, Ended(CANCELLED, why=Reason("withdraw", actor.login)))
            approving.forget(other)
        approving.reopen(task, vote)
        return self._done(hand, "withdraw", _told(task, comment))

    def remark(self, tx: Transaction, actor: Actor, key: str, comment: str) -> Record:
        """The task, to which the actor has something to say: whoever may know of it, as long as it is there."""
        comment = self._comment(comment, required=True)
        hand = self._open(tx, actor, key, "comment")
        return self._done(hand, "comment", _told(hand.task, comment))

    def attach(self, tx: Transaction, actor: Actor, key: str, uploads: Sequence[Upload], comment: str = "") -> Record:
        """The task, to which the actor has files to show: whoever may know of it, as long as it is there."""
        comment = self._comment(comment, required=not uploads)
        uploads = checked(uploads)
        hand = self._open(tx, actor, key, "comment")
        model, record = hand.working.model, hand.working.record
        files = []
        for upload in uploads:
            values = {
                "name": upload.name,
                "media_type": upload.media_type,
                "size": len(upload.content),
                "sha256": self._service.store.contents.keep(tx, upload.content),
                "model": model,
                "record": record["id"],
                "task": hand.task,
            }
            made = self._service.make(hand.effects, FILE, values).record
            files.append({"id": made["id"], "name": upload.name, "size": len(upload.content)})
        return self._done(hand, "comment", _told(hand.task, comment, files=files))

    def urge(self, tx: Transaction, actor: Actor, key: str) -> Record:
        """The task, of whose people whoever asked has asked for haste."""
        hand = self._open(tx, actor, key, "urge")
        self._demand(hand, "urge")
        approving = hand.approving
        assert approving is not None  # else it is refused
        approving.set("task", hand.task, reminded=(hand.task["reminded"] or 0) + 1)
        message = approving.signature(hand.task).urge
        if message is not None:
            self._tell(hand, approving, message)
        return self._done(hand, "urge", _told(hand.task, ""))

    @staticmethod
    def _tell(hand: Hand, approving: Approving, message: str) -> None:
        """Sends a message to everybody who is asked now."""
        model, record = hand.working.model, hand.working.record
        for vote in approving.votes_of(hand.task):
            if vote["waiting"]:
                to = {"model": USER, "id": vote["person"]["id"]}
                hand.effects.act.queue_message(Notify(message, to, model, record, {"step": hand.task["step"]}))

    def _somebody(self, hand: Hand, approving: Approving, to: str, verb: str) -> Found:
        """The person whom somebody names, or who covers for them."""
        act = hand.effects.act
        named = act.store.records.lookup(act.tx, USER, [to]).get(to) if to else None
        if named is None or named["active"] is False:
            raise InvalidValues(complaints=[Complaint("to", "LINK_UNKNOWN", f"there is no user {to[:100]!r}")])
        why = Reason(f"{verb} by {act.actor.login}", str(named["login"]), span=approving.span(hand.task))
        found = approving.people.present(Found(named, why))
        if found is None:
            raise Refused(f"{named['name']} is away, and so are their covers", code="NOBODY_TO_ASK")
        person = found.person
        if approving.has_part(hand.task, person):
            raise Refused(f"{person['name']} has a part in this task already", code="ASKED_ALREADY")
        if person["id"] in approving.own() and approving.signature(hand.task).self_ != "allow":
            raise Refused(f"it is {person['name']}'s own, and nobody decides about their own", code="OWN_REQUEST")
        return found

    # Opening --------------------------------------------------------------------------------------------------------

    def _open(self, tx: Transaction, actor: Actor, key: str, verb: str) -> Hand:
        """The task in hand, its record locked. NotFound where there is none, or none that the actor may know of."""
        service = self._service
        found = service.store.cases.about(tx, key) if is_key(key) else None
        if found is None or found[0] not in service.catalog.models:
            raise NotFound(f"there is no task {key[:100]}")
        model, about = found
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
        """The approval and the actor's own vote, which may do this now. Refused where it may not, and says why."""
        self._demand(hand, verb)
        assert hand.approving is not None  # else it is refused
        assert hand.vote is not None
        return hand.approving, hand.vote

    def _demand(self, hand: Hand, verb: str) -> Standpoint:
        """Where the actor stands. Refused where they may not do this from there."""
        act, approving = hand.effects.act, hand.approving
        at = Standpoint(
            person=act.actor.id,
            task=hand.task,
            vote=hand.vote,
            state=approving.state if approving is not None else None,
            round=approving.round if approving is not None else 0,
            tasks=approving.tasks if approving is not None else (),
            votes=approving.votes if approving is not None else (),
            own=approving.own() if approving is not None else (),
            urged=urged_at(act.store, act.tx, hand.task, act.actor.id) if verb == "urge" else None,
            now=act.moment,
        )
        refused = refusal(verb, at)
        if refused is not None:
            raise refused
        return at

    # Ending ---------------------------------------------------------------------------------------------------------

    def _done(self, hand: Hand, verb: str, put_in: Mapping[str, Any], outcome: str | None = None) -> Record:
        """Lets the approval go on, writes everything, and gives the task as it is then. ``outcome``: what it has come
        to already."""
        effects, working = hand.effects, hand.working
        before = working.record["status"]
        entry = effects.act.note(working, verb, before, before, dict(put_in))
        if hand.approving is not None and hand.state is not None:
            effects.go_on(working, hand.workflow, hand.state, outcome or hand.approving.advance())
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


def _told(task: Record, comment: str, **more: Any) -> dict[str, Any]:
    """What the log of events keeps of an act on a task."""
    return {"step": task["step"], **more, **({"comment": comment} if comment else {})}
