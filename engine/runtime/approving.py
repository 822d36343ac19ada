"""Approvals inside one act: opens tasks for the people who are found, counts their votes, and closes what is decided.

The record is locked first; what its approval comes to is counted anew from the stored tasks and votes, so that of two
people at a time the later sees what the earlier has done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.catalog.kinds.approval import Signature, Step, signatures
from engine.catalog.kinds.workflow import State
from engine.errors import Refused
from engine.policy.approve import CANCELLED, HANDED_ON, RETURNED, Outcome, Tally, standing, tally
from engine.policy.deadlines import due_at
from engine.ports import Reason, Record
from engine.runtime.act import Working, plain_reason
from engine.runtime.people import Found, People
from engine.runtime.titles import title_of
from engine.steps.who import Who

if TYPE_CHECKING:
    from engine.runtime.effects import Effects

TASK, VOTE = "task", "vote"
#: Tasks and votes of one case that are read: an approval that has gone round so often needs somebody to look at it.
MOST = 5_000
#: Why a group that has agreed in an earlier round is not asked again.
KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task ends."""

    outcome: str
    by: Record | None = None
    comment: str | None = None
    why: Reason | None = None


class Approving:
    """The approval of the state in which one record in hand stands. ``round`` is the present one."""

    def __init__(self, effects: Effects, working: Working, state: State) -> None:
        self._effects = effects
        self._service = effects.service
        self._act = effects.act
        self._working = working
        self.state = state
        self._brought: Record | None = None
        self.people = People(effects.act)
        case = effects.act.case_of(working)
        if case is None:
            raise RuntimeError(f"{working.model} {working.record['id']} has no case")
        self.case: Record = case
        effects.act.flush()
        query, tx = effects.act.store.query, effects.act.tx
        every = query.equal(tx, TASK, {"case": case}, limit=MOST)
        self.round: int = max((task["round"] for task in every), default=0)
        self.tasks = [task for task in every if task["round"] == self.round]
        self.votes = query.equal(tx, VOTE, {"case": case, "round": self.round}, limit=MOST) if self.tasks else []

    # What is asked --------------------------------------------------------------------------------------------------

    def begin(self) -> Outcome | None:
        """What a new round of the approval comes to at once; None where it waits for people. What an earlier one has
        left open is over; what it has agreed holds where it was sent back to go on from there."""
        back = any(task["outcome"] == RETURNED and task["resume"] and self._is_here(task) for task in self.tasks)
        return self.again(self.agreed() - self._by_starter() if back else set())

    def _by_starter(self) -> set[str]:
        """The groups in which somebody has agreed who now brings the record back: it has become their own."""
        starter = self._act.author()
        if starter is None:
            return set()
        theirs = {"case": self.case, "person": starter, "decision": "approve"}
        steps = {vote["task"]["step"] for vote in self._act.store.query.equal(self._act.tx, VOTE, theirs, limit=MOST)}
        return {each.name for each in signatures(self.state.approval) if each.name in steps and each.self_ != "allow"}

    def _is_here(self, task: Record) -> bool:
        """Whether a task is of this state, which may have had another name by then."""
        workflow = self._service.workflow_of(self._act, self._working)
        return workflow is not None and workflow.place_of(task["state"]) == self.state.name

    def again(self, keep: Collection[str], starter: Record | None = None) -> Outcome | None:
        """What a new round comes to at once, in which the groups of ``keep`` need not be asked anew."""
        self.cancel()
        past, self.round = self.round, self.round + 1
        self.tasks, self.votes = [], []
        self._brought = starter
        for signature in signatures(self.state.approval):
            if signature.name in keep:
                why = Reason(self._rule(signature.name), KEPT, f"agreed in round {past}", signature.span)
                self._skip(signature, why)
        return self.advance()

    def agreed(self) -> set[str]:
        """The groups that have agreed in this round, or in one before that it goes on from. Whom a condition has passed
        over has agreed to nothing: it is looked at anew."""
        return {task["step"] for task in self.tasks if task["outcome"] == "approved" or _kept(task)}

    def advance(self) -> Outcome | None:
        """What the approval comes to now: closes what is not needed any more, and asks whoever comes next."""
        while True:
            found = standing(self.state.approval, self.tasks)
            for task in found.needless:
                self.close(task, Ended(CANCELLED, why=Reason(self._rule(task["step"]), "not needed any more")))
            if found.outcome is not None or not found.opening:
                return found.outcome
            for step, signature in found.opening:
                self._open(step, signature)

    def cancel(self, why: str = "left") -> None:
        """Closes every open task: the record has gone on without it, or begins again."""
        for task in self.tasks:
            if task["outcome"] is None:
                self.close(task, Ended(CANCELLED, why=Reason(self._rule(task["step"]), why)))

    def _open(self, step: Step, signature: Signature) -> None:
        """Opens the task of a signature. Where nobody needs to be asked it is closed at once, and says why."""
        frame = self._effects.frame(self._working)
        rule = self._rule(signature.name)
        for part in (step,) if step is signature else (step, signature):
            if part.skip_if is not None and part.skip_if.expression(frame.record, frame.names) is True:
                self._skip(signature, Reason(rule, "skipped", part.skip_if.text, part.skip_if.span))
                return
        by = signature.by
        assert by is not None  # linking sees to it
        found, own = self._asked(signature, by)
        if not found and own:
            self._skip(signature, Reason(rule, "skipped", "nobody but who has asked", signature.span, parts=own))
            return
        if not found:
            instead = signature.nobody
            if instead == "skip":
                self._skip(signature, Reason(rule, "skipped", "nobody was found", signature.span_of("nobody")))
                return
            if isinstance(instead, Who):
                by, (found, _) = instead, self._asked(signature, instead)
            if not found:
                raise Refused(
                    f"nobody was found whom '{signature.name}' could ask",
                    code="NOBODY_TO_ASK",
                    reasons=[Reason(rule, "nobody", span=by.span)],
                )
        deadline = {"due_at": due_at(self._act.moment, signature, self._act.catalog.working_time)}
        task = self._task(signature, by, found, **deadline)
        self._service.deadlines.open(self._act, TASK, task, signature, step=signature.name, round=self.round)
        vetoes = self._meant(signature.veto)
        agreed = self._agreed() if signature.repeated == "skip" else {}
        for turn, one in enumerate(found, 1):
            earlier = agreed.get(one.person["id"])
            why = Reason("repeated: skip", "approve", span=signature.span, parts=(one.why,)) if earlier else one.why
            self.vote(
                task,
                one,
                turn=turn,
                veto=any(person["id"] in vetoes for person in (one.person, one.acting_for) if person is not None),
                decision="approve" if earlier else None,
                decided_at=self._act.moment if earlier else None,
                why=plain_reason(why),
            )
        for who in signature.cc:
            for one in self.people.meant(who, frame):
                if all(one.person["id"] != vote["person"]["id"] for vote in self.votes_of(task)):
                    self.vote(task, one, part="cc", asked_at=self._act.moment)
        reasons = tuple(one.why for one in found)
        names = ", ".join(str(one.person["login"]) for one in found)
        self._working.trail.append(Reason(rule, "asked", names, signature.span, parts=reasons))
        self.count(task, signature)

    def _asked(self, signature: Signature, who: Who) -> tuple[list[Found], tuple[Reason, ...]]:
        """The people whom a signature asks, and the reasons of those who are left out since it is their own."""
        own = self.own()
        found: dict[str, Found] = {}
        left_out: list[Reason] = []
        meant = self.people.meant(who, self._effects.frame(self._working))
        self.people.look_up(meant)
        for one in meant:
            present = self.people.present(one)
            if present is not None and present.person["id"] in own and signature.self_ != "allow":
                if signature.self_ == "skip":
                    left_out.append(replace(present.why, outcome="left out: their own"))
                    continue
                present = self.people.next_level(present, own)
            if present is not None:
                found.setdefault(present.person["id"], present)
        return list(found.values()), tuple(left_out)

    def own(self) -> list[str]:
        """The ids of those whose own it is: who has made the record, and who has brought it here."""
        starter = self._starter()
        people = (self._working.record["created_by"], starter)
        return [person["id"] for person in people if person is not None]

    def _starter(self) -> Record | None:
        """Who has brought the record here in this round."""
        return self.tasks[0]["starter"] if self.tasks else self._brought or self._act.author()

    def _meant(self, who: Who | None) -> set[str]:
        if who is None:
            return set()
        return {one.person["id"] for one in self.people.meant(who, self._effects.frame(self._working))}

    def _agreed(self) -> dict[str, Record]:
        """The votes of those who have agreed in this round, by person."""
        return {vote["person"]["id"]: vote for vote in self.votes if vote["decision"] == "approve"}

    # Tasks and votes ------------------------------------------------------------------------------------------------

    def _task(self, signature: Signature, by: Who | None, found: Sequence[Found], **more: Any) -> Record:
        record, model = self._working.record, self._working.model
        values = {
            "case": self.case,
            "model": model,
            "record": record["id"],
            "state": self.state.name,
            "step": signature.name,
            "round": self.round,
            "title": title_of(self._act.catalog, model, record),
            "assignee_role": by.role if by is not None else None,
            "assignee_team": by.team if by is not None else None,
            "assignee": found[0].person if len(found) == 1 else None,
            "starter": self._starter(),
            "opened_at": self._act.moment,
            **more,
        }
        task = self._service.make(self._effects, TASK, values).record
        self.tasks.append(task)
        return task

    def _skip(self, signature: Signature, why: Reason) -> None:
        """Leaves a task that was closed as soon as it was opened: the path taken shows it."""
        closed = {"closed_at": self._act.moment, "outcome": "skipped", "why": plain_reason(why)}
        self._task(signature, None, (), **closed)
        self._working.trail.append(why)

    def vote(self, task: Record, found: Found, *, part: str = "sign", **more: Any) -> Record:
        """A new part in a task."""
        values = {
            "task": task,
            "case": self.case,
            "round": self.round,
            "person": found.person,
            "acting_for": found.acting_for,
            "part": part,
            "why": plain_reason(found.why),
            **more,
        }
        vote = self._service.make(self._effects, VOTE, values).record
        self.votes.append(vote)
        return vote

    def may_take(self, task: Record, vote: Record, person: Record) -> bool:
        """Whether what a vote asks of its person can be given to somebody: not to who has another part in the task, for
        they sign before, beside or after those whom they would replace."""
        theirs = self._theirs(task, person)
        return theirs is None or _is_free(theirs) or theirs["part"] == vote["part"]

    def has_part(self, task: Record, person: Record) -> bool:
        """Whether something is asked of somebody: not of who is only told, or has given their part away."""
        theirs = self._theirs(task, person)
        return theirs is not None and not _is_free(theirs)

    def hand(self, task: Record, vote: Record, found: Found) -> None:
        """Gives what a vote asks of its person to somebody else, who may have been told of it only, or have given
        their own part away."""
        same = {"part": vote["part"], "turn": vote["turn"], "veto": vote["veto"]}
        theirs = self._theirs(task, found.person)
        if theirs is None:
            self.vote(task, found, **same)
        elif _is_free(theirs):
            again = {"decision": None, "decided_at": None, "comment": None, "asked_at": None}
            why = {"acting_for": found.acting_for, "why": plain_reason(found.why)}
            self.set(VOTE, theirs, **again, **why, **same)
        elif theirs["decision"] is None and vote["veto"]:
            self.set(VOTE, theirs, veto=True)

    def _theirs(self, task: Record, person: Record) -> Record | None:
        return next((vote for vote in self.votes_of(task) if vote["person"]["id"] == person["id"]), None)

    def votes_of(self, task: Record) -> list[Record]:
        """The parts that people have in a task."""
        return [vote for vote in self.votes if vote["task"]["id"] == task["id"]]

    def count(self, task: Record, signature: Signature) -> Tally:
        """What the votes of the task come to; closes it when it is decided, and asks those whose turn it is."""
        votes = self.votes_of(task)
        found = tally(signature.mode, signature.share, votes)
        for vote in votes:
            waits = vote["id"] in found.ask
            if waits and not vote["waiting"]:
                self.set(VOTE, vote, waiting=True, asked_at=self._act.moment)
            elif vote["waiting"] and not waits:
                self.set(VOTE, vote, waiting=False)
        if found.outcome is not None:
            by = found.by
            self.close(task, Ended(found.outcome, by["person"] if by else None, by["comment"] if by else None))
        return found

    def signature(self, task: Record) -> Signature:
        """What of the definitions the task is about."""
        for step in self.state.approval.values():
            found = step.signatures.get(task["step"])
            if found is not None:
                return found
        raise RuntimeError(f"{self._rule(task['step'])} does not exist")

    def close(self, task: Record, how: Ended) -> None:
        """Ends a task; whoever has not answered need not any more, and is not reminded."""
        self._service.deadlines.close(self._act, task["id"])
        self.set(
            TASK,
            task,
            closed_at=self._act.moment,
            closed_by=how.by,
            outcome=how.outcome,
            comment=how.comment,
            **({"why": plain_reason(how.why)} if how.why is not None else {}),
        )
        for vote in self.votes_of(task):
            if vote["decision"] is None and vote["part"] != "cc":
                self.set(VOTE, vote, decision="moot", decided_at=self._act.moment, waiting=False)
        rule = self._rule(task["step"])
        message = f"{how.by['login']}: {how.comment}" if how.by and how.comment else how.by["login"] if how.by else None
        self._working.trail.append(Reason(rule, how.outcome, message, self.span(task)))

    def forget(self, task: Record) -> None:
        """Lets what was agreed in a closed task, by itself and because of what is taken back now, count no more."""
        for vote in self.votes_of(task):
            if vote["decision"] == "approve":
                self.set(VOTE, vote, decision="moot")

    def reopen(self, task: Record, vote: Record) -> None:
        """Opens a task again for a vote that was taken back, and for those that were not needed because of it. Where it
        was decided nobody was late meanwhile: what is due counts from now."""
        signature, now = self.signature(task), self._act.moment
        since = now if task["closed_at"] is not None else task["opened_at"]
        deadline = due_at(since, signature, self._act.catalog.working_time)
        self.set(TASK, task, closed_at=None, closed_by=None, outcome=None, comment=None, due_at=deadline)
        for other in self.votes_of(task):
            if other["id"] == vote["id"] or other["decision"] == "moot":
                self.set(VOTE, other, decision=None, decided_at=None, comment=None)
        self._service.deadlines.open(
            self._act, TASK, task, signature, step=signature.name, round=self.round, since=since
        )
        self.count(task, signature)

    def remind_anew(self, task: Record) -> None:
        """Sets when an open task is due, and what happens while it waits, as the definitions say it now. A rung that
        has gone off does not do so again."""
        self._service.deadlines.close(self._act, task["id"])
        signature = self.signature(task)
        moment = due_at(task["opened_at"], signature, self._act.catalog.working_time)
        self.set(TASK, task, due_at=moment)
        self._service.deadlines.open(self._act, TASK, task, signature, step=signature.name, round=self.round)

    def span(self, task: Record) -> Any:
        """Where the task's step stands; the state's place where there is no such step any more."""
        for step in self.state.approval.values():
            if task["step"] in step.signatures:
                return step.signatures[task["step"]].span
        return self.state.span

    def set(self, model: str, record: Record, **values: Any) -> None:
        """Changes a task or a vote."""
        self._service.assign(self._act, self._act.hold_on(model, record, self._effects.event), values)

    def _rule(self, step: str) -> str:
        return f"{self.case['workflow']}.{self.state.name}.{step}"


def _is_free(vote: Record) -> bool:
    """Whether nothing is asked by a vote: it is for information, or somebody else has it now."""
    return vote["part"] == "cc" or vote["decision"] in HANDED_ON


def _kept(task: Record) -> bool:
    """Whether nobody was asked because they have agreed in an earlier round."""
    return bool(task["outcome"] == "skipped" and (task["why"] or {}).get("outcome") == KEPT)
