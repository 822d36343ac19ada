"""What somebody may do with a task, and why not: one answer for the act itself and for the page that offers it.

Pure: everything is told from the definition, the stored tasks and votes, and the moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from engine.catalog.kinds.approval import following, step_of
from engine.catalog.kinds.workflow import State
from engine.errors import AccessDenied, Refused, RequestError, TooOften
from engine.policy.approve import CANCELLED
from engine.ports import Record

#: All that people do with tasks, in the sequence in which a page offers it.
VERBS = ("approve", "reject", "transfer", "delegate", "add_signer", "return", "withdraw", "comment", "urge")
#: What only those do whose turn it is.
IN_TURN = frozenset({"approve", "reject", "transfer", "delegate", "add_signer", "return"})
#: What the definition has to allow with `may:`.
BY_MAY = frozenset({"transfer", "delegate", "add_signer", "return", "withdraw"})
#: Whoever asks for haste does so once in this time: more often would be noise that nobody reads.
URGE_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """A task as one person sees it. ``state`` is the one whose approval waits, None where the record asks nobody (any
    more); ``tasks`` and ``votes`` are those of its present ``round``; ``own`` are the ids of those whose own request it
    is; ``vote`` is the person's own part, ``urged`` when they last asked for haste."""

    person: str | None
    task: Record
    vote: Record | None
    state: State | None = None
    round: int = 0
    tasks: Sequence[Record] = ()
    votes: Sequence[Record] = ()
    own: Collection[str] = ()
    urged: datetime | None = None
    now: datetime


def possible(at: Standpoint) -> tuple[str, ...]:
    """The verbs that the person may use now."""
    return tuple(verb for verb in VERBS if refusal(verb, at) is None)


def refusal(verb: str, at: Standpoint) -> RequestError | None:
    """Why the person may not do it, as the act refuses it; None where they may."""
    refused = _out_of_turn(at) if verb in IN_TURN else None
    if refused is None and verb == "withdraw":
        refused = _too_late(at)
    if refused is None and verb in BY_MAY:
        refused = _not_foreseen(verb, at)
    if refused is None and verb == "withdraw":
        refused = _overtaken(at)
    if refused is None and verb == "return" and not list(earlier_steps(at)) and _returned(at) is None:
        refused = Refused("there is nobody whom it could be sent back to", code="CANNOT_RETURN")
    if refused is None and verb == "urge":
        refused = _no_haste(at)
    return refused


def earlier_steps(at: Standpoint) -> Iterator[str]:
    """The steps that a task may be sent back to, in the order of the text."""
    approval = at.state.approval if at.state is not None else {}
    step = step_of(approval, at.task["step"])
    return (name for name in approval if step is not None and step.name in following(approval, name))


def _returned(at: Standpoint) -> str | None:
    return at.state.returned if at.state is not None else None


def over(task: Record) -> RequestError:
    """Why nothing can be done with a closed task any more: who has decided it, or that it was called off."""
    by, outcome = task["closed_by"], task["outcome"]
    if outcome == CANCELLED:
        return Refused("this task was called off: the record has gone on without it", code="TASK_OVER")
    who = by["name"] if by is not None else "the engine"
    return Refused(f"{who} has decided this already: {outcome}", code="ALREADY_DECIDED")


def _out_of_turn(at: Standpoint) -> RequestError | None:
    vote, task = at.vote, at.task
    if vote is None or vote["part"] == "cc":
        return AccessDenied("you are not asked about this", code="NOT_ASKED")
    if vote["decision"] not in (None, "moot"):
        return Refused(f"you have answered already: {vote['decision']}", code="ALREADY_ANSWERED")
    if task["outcome"] is not None:
        return over(task)
    if at.state is None or task["round"] != at.round:
        return Refused("this task belongs to an earlier round", code="TASK_OVER")
    if vote["decision"] == "moot":
        return Refused("your answer is not needed any more", code="ALREADY_DECIDED")
    if not vote["waiting"]:
        return Refused("it is not your turn yet", code="NOT_YOUR_TURN")
    return None


def _not_foreseen(verb: str, at: Standpoint) -> RequestError | None:
    step = step_of(at.state.approval, at.task["step"]) if at.state is not None else None
    if step is None or verb not in step.signatures[at.task["step"]].may:
        return Refused(f"the definition of '{at.task['step']}' has no `may: [{verb}]`", code="NOT_FORESEEN")
    return None


def _too_late(at: Standpoint) -> RequestError | None:
    if at.vote is None or at.vote["decision"] != "approve":
        return Refused("you have agreed to nothing here that you could take back", code="CANNOT_WITHDRAW")
    if at.state is None or at.task["round"] != at.round or at.task["outcome"] not in (None, "approved"):
        return Refused("this has gone on: it is too late to take it back", code="CANNOT_WITHDRAW")
    return None


def later_tasks(at: Standpoint) -> list[Record]:
    """The tasks of the steps that come after this one and were not called off."""
    approval = at.state.approval if at.state is not None else {}
    step = step_of(approval, at.task["step"])
    names = following(approval, step.name) if step is not None else set()
    leaves = {leaf for name in names for leaf in approval[name].signatures}
    return [task for task in at.tasks if task["step"] in leaves and task["outcome"] != CANCELLED]


def _overtaken(at: Standpoint) -> RequestError | None:
    later = {task["id"] for task in later_tasks(at)}
    # Who has agreed before and so agrees again was never asked: nobody has acted there.
    acted = (vote for vote in at.votes if vote["task"]["id"] in later and vote["asked_at"] is not None)
    if any(vote["decision"] not in (None, "moot") for vote in acted):
        return Refused("somebody has acted since: it is too late to take it back", code="CANNOT_WITHDRAW")
    return None


def _no_haste(at: Standpoint) -> RequestError | None:
    if at.task["outcome"] is not None:
        return over(at.task)
    if at.state is None or at.person not in at.own:
        return AccessDenied("only whoever has asked may ask for haste")
    again = at.urged + URGE_EVERY if at.urged is not None else at.now
    if again > at.now:
        wait = ceil((again - at.now).total_seconds())
        return TooOften(
            f"you have asked for haste already, and can again at {again:%Y-%m-%dT%H:%M:%SZ}",
            code="URGED_ALREADY",
            headers={"Retry-After": str(wait)},
        )
    return None
