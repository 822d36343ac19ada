"""``approval`` of a state: who has to agree, in which sequence, and how many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.onward import always
from engine.errors import Label
from engine.expressions.types import BOOLEAN, Scope
from engine.registry import did_you_mean
from engine.source.shape import Duration, Formula, Located, Name, option
from engine.steps.late import Rung, check_span
from engine.steps.who import Who

if TYPE_CHECKING:
    from engine.catalog.kinds.workflow import State

Mode = Literal["any", "all", "in_turn", "vote"]
#: What people may do with their task besides agreeing or not.
Freedom = Literal["transfer", "delegate", "add_signer", "return", "withdraw"]


@dataclass(frozen=True, kw_only=True)
class Signature(Located):
    """People who are asked together: what one task is about."""

    label: Label | None = None
    by: Who | None = option(None, help="Who is asked")
    nobody: Who | Literal["skip", "refuse"] | None = option(
        None, help="Who is asked where `by` finds nobody; `skip`: that counts as agreed; `refuse`: it cannot go on"
    )
    mode: Mode = option(
        "any", help="`any`: the first decides; `all`: each has to agree; `in_turn`: one after the other; `vote`"
    )
    pass_: str | Decimal | None = option(
        None, key="pass", help="With `vote`: the part of all who have to agree, such as 2/3 or 0.5"
    )
    veto: Who | None = option(None, help="With `vote`: those of them whose no is enough")
    self_: Literal["next_level", "skip", "allow"] = option(
        "next_level", key="self", help="Who would decide about their own: their manager does, they are left out, or may"
    )
    repeated: Literal["ask", "skip"] = option("ask", help="`skip`: who has agreed at an earlier step agrees here, too")
    may: tuple[Freedom, ...] = option((), one_or_many=True, help="What they may do besides agreeing or not")
    urge: Name | None = option(None, help="The message to those who are asked, when whoever has asked wants haste")
    cc: tuple[Who, ...] = option((), one_or_many=True, help="Who is told, and not asked")
    skip_if: Formula | None = option(None, help="Nobody is asked where this is true; that counts as agreed")
    due: Duration | None = option(None, help="How long they have")
    late: tuple[Rung, ...] = option((), help="What happens while they have not answered, each rung after so long")

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def share(self) -> Fraction:
        """The part of all who have to agree, under `vote`."""
        return Fraction(self.pass_ if self.pass_ is not None else "1/2")

    def link_signature(self, linker: DefinitionLinker, scope: Scope) -> None:
        """Checks who is asked, how their answers count, and what happens without them."""
        check_span(linker, self, "due", self.due)
        for rung in self.late:
            rung.link(linker, scope.record.name if scope.record is not None else None)
        check_decided(linker, self.late)
        linker.reference("message", self.urge, self, "urge")
        link_skipping(linker, self, scope)
        for who in (self.by, self.nobody, self.veto, *self.cc):
            if isinstance(who, Who):
                who.link(linker, scope)
        if self.by is not None and self.nobody is None:
            hint = "a role, or `skip`, or `refuse`"
            linker.report_key(
                "E105", f"'{self.name}' needs `nobody:`, who is asked if `by` finds nobody", self, (), hint
            )
        for key, given in (("pass", self.pass_), ("veto", self.veto)):
            if given is not None and self.mode != "vote":
                linker.report("E110", f"`{key}` goes with `mode: vote`", self, key)
        if self.pass_ is not None:
            try:
                if not 0 < self.share <= 1:
                    raise ValueError
            except (ValueError, ZeroDivisionError):
                linker.report("E106", f"'{self.pass_}' is no part of a whole", self, "pass", "write it as 2/3 or 0.5")


@dataclass(frozen=True, kw_only=True)
class Count(Located):
    """So many branches have to agree."""

    count: int


@dataclass(frozen=True, kw_only=True)
class Step(Signature):
    """One step of an approval: people who are asked, or several groups of them at once."""

    __exactly_one__: ClassVar[tuple[tuple[str, ...], ...]] = (("by", "split"),)

    after: Name | None = option(None, help="The step that comes before; without it this one begins at once")
    split: Mapping[Name, Signature] = option(default_factory=dict, help="Groups that are asked at the same time")
    join: Literal["all", "any"] | Count = option("all", help="With `split`: how many of the groups have to agree")
    first_reject: Literal["cancel_others", "wait"] = option(
        "cancel_others", help="With `split`, once too many have refused: the others need not answer, or still shall"
    )

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The groups of people by their names: itself, or those of its split."""
        return self.split or {self.name: self}

    @property
    def needed(self) -> int:
        """How many of the groups have to agree."""
        if isinstance(self.join, Count):
            return self.join.count
        return 1 if self.join == "any" else len(self.signatures)


Approval = Mapping[str, Step]


def following(approval: Approval, name: str) -> set[str]:
    """The steps that come after one, however late."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        at = waiting.pop()
        more = [step.name for step in approval.values() if step.after == at and step.name not in found]
        found.update(more)
        waiting.extend(more)
    return found


def step_of(approval: Approval, leaf: str) -> Step | None:
    """The step that a group of people belongs to, or is."""
    return next((step for step in approval.values() if leaf in step.signatures), None)


def signatures(approval: Approval) -> Iterator[Signature]:
    """Every group of people that is asked, in the order of the text."""
    for step in approval.values():
        yield from step.signatures.values()


def link_approval(linker: DefinitionLinker, state: State, approval: Approval, scope: Scope) -> None:
    """Checks the approval of a state: what it needs, what it leads to, and that it can come to an end."""
    if not approval:
        for outcome in state.decided:
            linker.report("E110", f"`{outcome}` says where an approval leads, and there is none", state, outcome)
        return
    for outcome in ("approved", "rejected"):
        if outcome not in state.decided:
            message = f"an approval needs `{outcome}:`, the state that it leads to"
            linker.report_key("E105", message, state, "approval")
    if state.next:
        linker.report_key("E110", "an approval leads on by `approved` and `rejected`, not by `next`", state, "next")
    known: dict[str, Signature] = {}
    for step in approval.values():
        _link_step(linker, step, scope)
        if step.after is not None and step.after not in approval:
            hint = did_you_mean(step.after, approval)
            linker.report("E302", f"there is no step '{step.after}' in this approval", step, "after", hint)
        for name, signature in step.signatures.items():
            if "return" in signature.may and step.after is None and "returned" not in state.decided:
                mend = "say `returned:`, the state in which whoever asked mends it"
                linker.report("E405", "there is nobody whom it could be sent back to", signature, "may", mend)
            if name in known:
                linker.report_key("E301", f"there are two steps '{name}' in this approval", signature, ())
            known[name] = signature
    for name in _endless(approval):
        linker.report("E403", f"'{name}' never begins: the steps wait for each other", approval[name], "after")


def _link_step(linker: DefinitionLinker, step: Step, scope: Scope) -> None:
    if not step.split:
        step.link_signature(linker, scope)
        if step.join != "all":
            linker.report("E110", "`join` goes with `split`", step, "join")
        return
    link_skipping(linker, step, scope)
    for key, given in (
        ("nobody", step.nobody),
        ("pass", step.pass_),
        ("veto", step.veto),
        ("urge", step.urge),
        ("due", step.due),
        ("late", step.late or None),
    ):
        if given is not None:
            linker.report("E110", f"`{key}` is said of each group of a split", step, key)
    for branch in step.split.values():
        branch.link_signature(linker, scope)
        if branch.by is None:
            linker.report_key("E105", f"'{branch.name}' needs `by:`, who is asked", branch, ())
    if isinstance(step.join, Count) and not 1 <= step.needed <= len(step.split):
        message = f"this never comes together: {step.needed} of {len(step.split)} have to agree"
        linker.report("E403", message, step.join, "count")


def link_skipping(linker: DefinitionLinker, signature: Signature, scope: Scope) -> None:
    """Compiles when nobody is asked, and reports where that is always or never so."""
    linker.compile(signature.skip_if, scope, BOOLEAN)
    known = always(signature.skip_if) if signature.skip_if is not None else None
    if known is not None:
        said = "nobody is ever asked: this is always true" if known else "this is never true"
        linker.report("E403", said, signature, "skip_if")


def check_decided(linker: DefinitionLinker, late: tuple[Rung, ...]) -> None:
    """Reports rungs that come after one that decides: nothing waits any more then."""
    for rung in late:
        for other in late:
            if other.do in ("approve", "reject") and rung is not other and _later(rung.after, other.after):
                said = f"this never happens: after {other.after} nobody is waited for any more"
                linker.report("E403", said, rung, "after")
                break


def _later(one: Duration, other: Duration) -> bool:
    """Whether a span certainly ends after another: of working time and plain time nobody can tell."""
    if one.of_working_time or other.of_working_time:
        return one.unit == other.unit and one.amount > other.amount
    return one.timedelta > other.timedelta


def _endless(approval: Approval) -> list[str]:
    """The steps that wait for themselves."""
    found = []
    for name in approval:
        at, seen = approval[name].after, {name}
        while at is not None and at in approval and at not in seen:
            seen.add(at)
            at = approval[at].after
        if at == name:
            found.append(name)
    return found
