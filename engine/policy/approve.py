"""What the votes of people come to: who is asked now, what is decided, and what opens next.

Pure: everything is counted anew from the tasks and votes that there are, so no count can drift from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal

from engine.catalog.kinds.approval import Approval, Mode, Signature, Step
from engine.ports import Record

Outcome = Literal["approved", "rejected"]

#: How a task may have ended that counts as agreed; a cancelled one counts as never opened.
AGREED = ("approved", "skipped")
CANCELLED = "cancelled"
#: Sent back: to an earlier step, or to whoever asked.
RETURNED = "returned"
#: The votes of whom somebody else answers for.
HANDED_ON = ("transferred", "delegated")


@dataclass(frozen=True, slots=True)
class Tally:
    """What the votes of one task come to: ``outcome`` None as long as it is open, and then ``ask`` are the ids of the
    votes whose turn it is. ``by`` is the vote that decided."""

    outcome: Outcome | None
    ask: tuple[str, ...] = ()
    by: Record | None = None


def tally(mode: Mode, share: Fraction, votes: Sequence[Record]) -> Tally:
    """What the votes come to: first those who sign before, then all who were asked and who sign beside them, then those
    who sign after."""
    counting = [vote for vote in votes if vote["part"] != "cc" and vote["decision"] not in HANDED_ON]

    def part(*names: str) -> list[Record]:
        return [vote for vote in counting if vote["part"] in names]

    before = _each(part("before"))
    if before.outcome != "approved":
        return before
    own, beside = _own(mode, share, part("sign")), _each(part("beside"))
    for found in (own, beside):
        if found.outcome == "rejected":
            return found
    if own.outcome is None or beside.outcome is None:
        return Tally(None, (*own.ask, *beside.ask))
    after = _each(part("after"))
    return after if after.outcome != "approved" or after.by is not None else own if own.by is not None else beside


def _each(votes: Sequence[Record]) -> Tally:
    """Each has to agree, in any sequence. Nobody: agreed."""
    refused = next((vote for vote in votes if vote["decision"] == "reject"), None)
    if refused is not None:
        return Tally("rejected", by=refused)
    waiting = tuple(vote["id"] for vote in votes if vote["decision"] is None)
    return Tally(None, waiting) if waiting else Tally("approved", by=_last(votes))


def _own(mode: Mode, share: Fraction, votes: Sequence[Record]) -> Tally:
    if mode == "all" or not votes:
        return _each(votes)
    waiting = [vote for vote in votes if vote["decision"] is None]
    agreed = [vote for vote in votes if vote["decision"] == "approve"]
    refused = [vote for vote in votes if vote["decision"] == "reject"]
    if mode == "any":
        decided = _last([*agreed, *refused])
        if decided is not None:
            return Tally("approved" if decided["decision"] == "approve" else "rejected", by=decided)
        return Tally(None, tuple(vote["id"] for vote in waiting))
    if mode == "in_turn":
        if refused:
            return Tally("rejected", by=refused[0])
        if not waiting:
            return Tally("approved", by=_last(votes))
        first = min(vote["turn"] for vote in waiting)
        return Tally(None, tuple(vote["id"] for vote in waiting if vote["turn"] == first))
    return _ballot(share, votes, waiting, agreed, refused)


def _ballot(
    share: Fraction,
    votes: Sequence[Record],
    waiting: Sequence[Record],
    agreed: Sequence[Record],
    refused: Sequence[Record],
) -> Tally:
    """A vote ends as soon as the rest cannot change it any more."""
    vetoed = next((vote for vote in refused if vote["veto"]), None)
    if vetoed is not None:
        return Tally("rejected", by=vetoed)
    needed = ceil(share * len(votes))
    # Whoever may still say no for all of them has to be heard.
    vetoes = tuple(vote["id"] for vote in waiting if vote["veto"])
    if len(agreed) >= needed:
        return Tally(None, vetoes) if vetoes else Tally("approved", by=_last(agreed))
    if len(agreed) + len(waiting) < needed:
        return Tally("rejected", by=_last(refused))
    return Tally(None, tuple(vote["id"] for vote in waiting))


def _last(votes: Sequence[Record]) -> Record | None:
    return max((vote for vote in votes if vote["decided_at"] is not None), key=lambda v: v["decided_at"], default=None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an approval stands: its outcome, else whom to ask next; and the open tasks that are not needed any more."""

    outcome: Outcome | None
    opening: tuple[tuple[Step, Signature], ...] = ()
    needless: tuple[Record, ...] = ()


def standing(approval: Approval, tasks: Sequence[Record]) -> Standing:
    """Where the approval stands with the tasks of one round."""
    latest = {task["step"]: task for task in tasks if task["outcome"] != CANCELLED}
    found = {name: _joined(step, latest) for name, step in approval.items()}
    needless = [
        task
        for name, step in approval.items()
        if found[name] is not None
        for leaf in step.signatures
        if (task := latest.get(leaf)) is not None and task["outcome"] is None
    ]
    if any(outcome == "rejected" for outcome in found.values()):
        return Standing("rejected", needless=tuple(task for task in latest.values() if task["outcome"] is None))
    if all(outcome == "approved" for outcome in found.values()):
        return Standing("approved", needless=tuple(needless))
    opening = [
        (step, signature)
        for name, step in approval.items()
        if found[name] is None and _its_turn(approval, found, step)
        for leaf, signature in step.signatures.items()
        if leaf not in latest
    ]
    return Standing(None, tuple(opening), tuple(needless))


def _its_turn(approval: Approval, found: Mapping[str, Outcome | None], step: Step) -> bool:
    """Whether all that comes before a step has agreed; of a step that was sent back to, those that follow may have
    agreed before it."""
    while step.after is not None:
        if found[step.after] != "approved":
            return False
        step = approval[step.after]
    return True


def _joined(step: Step, latest: dict[str, Record]) -> Outcome | None:
    """What the groups of one step come to; None as long as that is open."""
    outcomes = [latest[leaf]["outcome"] if leaf in latest else None for leaf in step.signatures]
    agreed = sum(outcome in AGREED for outcome in outcomes)
    waiting = sum(outcome is None for outcome in outcomes)
    if agreed >= step.needed:
        return "approved"
    if agreed + waiting >= step.needed or (waiting and step.first_reject == "wait"):
        return None
    return "rejected"
