"""``workflow``: the states of a record, and what moves it between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker, Key
from engine.catalog.kinds.approval import Step as ApprovalStep
from engine.catalog.kinds.approval import link_approval
from engine.catalog.kinds.former import check_former, former_states
from engine.catalog.kinds.onward import Branch, Notification
from engine.catalog.kinds.proposing import check_applied, link_proposal
from engine.catalog.kinds.rules import link_input
from engine.catalog.kinds.timers import Timer
from engine.catalog.kinds.ways import check_ways
from engine.errors import Label
from engine.expressions.types import BOOLEAN, Scope
from engine.fields.field import Field
from engine.registry import did_you_mean
from engine.source.formulas import formulas, parts
from engine.source.shape import Formula, Located, Name, option
from engine.steps.flow import FireStep
from engine.steps.step import Step, link_steps


@dataclass(frozen=True, kw_only=True)
class Event(Located):
    """Something that may be fired on a record in certain states."""

    to: Name | None = option(None, help="The state it leads to; absent: the state stays")
    from_: tuple[Name, ...] = option(
        (), key="from", one_or_many=True, help="The states it may be fired in; for events that stand on their own"
    )
    label: Label | None = None
    by: str | None = option(None, help="`system`: only the engine fires it; a role's name: only that role")
    require: Formula | None = option(None, help="The guard")
    message: Label | None = option(None, help="What to say when the guard refuses")
    input: Mapping[Name, Field] = option(default_factory=dict, help="What must be put in: a small model")
    propose: bool | tuple[Name, ...] = option(
        False,
        one_or_many=True,
        help="The record's own fields that are put in, kept as a pending version of it; `true`: all that people put in",
    )
    do: tuple[Step, ...] = option((), one_or_many=True)
    notify: tuple[Notification, ...] = option((), one_or_many=True)

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def asks(self) -> bool:
        """Whether anything is put in."""
        return bool(self.input or self.propose)

    def link(self, linker: DefinitionLinker, model: str, scope: Scope) -> None:
        """Compiles the guard and the steps; they see the input."""
        if self.propose:
            link_proposal(linker, self, model)
        if self.input:
            scope = link_input(linker, f"{self.name} input", self.input, model)
        linker.compile(self.require, scope, BOOLEAN)
        if self.by is not None and self.by != "system":
            linker.reference("access", self.by, self, "by")
        link_steps(self.do, linker, model, scope)
        for notification in self.notify:
            notification.link(linker, model)


@dataclass(frozen=True, kw_only=True)
class State(Located):
    """Where a record may stand. Entry runs ``do``, sends ``notify``, then tries ``next`` from top to bottom; whichever
    way it goes on, ``leave`` runs first."""

    label: Label | None = None
    was: tuple[Name, ...] = option(
        (),
        one_or_many=True,
        help="What it was called before, and the states whose place it takes: their cases belong here",
    )
    after: Name | None = option(None, help="In an `extends`: the state whose last branch this one takes over")
    do: tuple[Step, ...] = option((), one_or_many=True)
    notify: tuple[Notification, ...] = option((), one_or_many=True)
    leave: tuple[Step, ...] = option(
        (), one_or_many=True, help="What is done whichever way the record goes on: what it has begun is called off here"
    )
    events: Mapping[Name, Event] = option(default_factory=dict)
    next: Mapping[Name, Branch] = option(default_factory=dict)
    timers: Mapping[Name, Timer] = option(
        default_factory=dict, help="What happens at a moment, as long as the record stands here"
    )
    approval: Mapping[Name, ApprovalStep] = option(
        default_factory=dict, help="Who has to agree before it goes on: steps, one `after:` the other or at once"
    )
    approved: Name | None = option(None, help="The state that the approval leads to when all have agreed")
    rejected: Name | None = option(None, help="The state that it leads to when somebody has not")
    returned: Name | None = option(None, help="The state in which whoever asked mends what was sent back")
    color: Literal["ok", "warn", "bad", "info"] | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def decided(self) -> Mapping[str, str]:
        """The states that its approval leads to, by outcome."""
        ways = {"approved": self.approved, "rejected": self.rejected, "returned": self.returned}
        return {outcome: to for outcome, to in ways.items() if to is not None}

    def link(self, linker: DefinitionLinker, model: str, scope: Scope) -> None:
        """Links what happens on entry and on leaving, the events, the branches and the approval."""
        link_steps(self.do, linker, model, scope)
        link_steps(self.leave, linker, model, scope)
        for step in parts(self.leave, FireStep):
            if step.record is None:
                mend = "lead it on by `next` or `events`; `leave` says what becomes of others"
                linker.report("E405", "the record is on its way out of this state already", step, "fire", mend)
        for notification in self.notify:
            notification.link(linker, model)
        for event in self.events.values():
            event.link(linker, model, scope)
        for branch in self.next.values():
            linker.compile(branch.if_, scope, BOOLEAN)
        for timer in self.timers.values():
            timer.link(linker, model, scope)
        link_approval(linker, self, self.approval, scope)

    def branches(self) -> Iterator[Branch]:
        """Every way on that no event takes: those of the state, then those of its timers."""
        yield from self.next.values()
        for timer in self.timers.values():
            yield from timer.next.values()


@dataclass(frozen=True, kw_only=True)
class Workflow(Definition):
    """States, events and what happens between them. With `extends`, a patch by name over another workflow.

    One without states only adds its events to the other workflows of the model.
    """

    kind: ClassVar[str] = "workflow"
    link_order: ClassVar[int] = 30

    workflow: Name
    label: Label | None = None
    for_: Name = option(key="for")
    start: Name | None = None
    extends: Name | None = None
    was: tuple[Name, ...] = option(
        (), one_or_many=True, help="What it was called before, and the workflows whose place it takes"
    )
    states: Mapping[Name, State] = option(default_factory=dict)
    events: Mapping[Name, Event] = option(
        default_factory=dict, help="Events that stand on their own: each names its `from`"
    )

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what the workflow says, patches and added events included: a case keeps it as its version."""
        parts = {id(part.document): part.document.data for part in chain([self], self.events.values())}
        return sha256(repr(list(parts.values())).encode()).hexdigest()

    @cached_property
    def has_timers(self) -> bool:
        """Whether any state has timers: for the others nothing is ever asked about them."""
        return any(state.timers for state in self.states.values())

    @cached_property
    def proposing(self) -> frozenset[str]:
        """The names of the events that propose."""
        return frozenset(event.name for event in self.all_events() if event.propose)

    @cached_property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The paths of the record that any expression of the workflow reads."""
        found = (formula.expression for formula in formulas(self))
        return frozenset(read for expression in found if expression is not None for read in expression.reads)

    @cached_property
    def former(self) -> Mapping[str, str]:
        """The states by what they were called in older versions."""
        return former_states(self.states)

    def place_of(self, state: str) -> str | None:
        """The state in which a case belongs that stands in this state of an older version; None where nobody says."""
        return state if state in self.states else self.former.get(state)

    @cached_property
    def final(self) -> frozenset[str]:
        """The states in which nothing can happen any more to a record: its case is over."""
        left = {name for event in self.events.values() for name in event.from_}
        quiet = {
            name
            for name, state in self.states.items()
            if not (state.events or state.next or state.timers or state.approval)
        }
        return frozenset(quiet - left)

    def every_event(self) -> Iterator[str]:
        """The names of all events, those of states first; one that several states have comes several times."""
        yield from (event.name for event in self.all_events())

    def all_events(self) -> Iterator[Event]:
        """The events, those of states first."""
        for state in self.states.values():
            yield from state.events.values()
        yield from self.events.values()

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.for_, self, "for") is None:
            return
        scope = linker.scope(self.for_)
        for state in self.states.values():
            state.link(linker, self.for_, scope)
        for event in self.events.values():
            if event.document is self.document:  # an added one is linked where it stands
                event.link(linker, self.for_, scope)
        self._check_targets(linker)
        check_ways(linker, self)
        check_applied(linker, self)
        check_former(linker, self)

    def _check_targets(self, linker: DefinitionLinker) -> None:
        """Reports every name of a state that is none."""
        if not self.states:
            if self.start is not None:
                linker.report("E405", "a workflow without states starts nowhere", self, "start")
        elif self.start is None:
            linker.report_key("E105", "a workflow needs a `start:`, the state of a new record", self, self.kind)
        else:
            self._check_state(linker, self.start, self, "start")
        for state in self.states.values():
            for event in state.events.values():
                self._check_event(linker, event)
            for branch in state.branches():
                self._check_state(linker, branch.to, branch, "to")
            for outcome, to in state.decided.items():
                self._check_state(linker, to, state, outcome)
            if state.after is not None:
                self._check_after(linker, state)
        for event in self.events.values():
            if event.document is self.document:
                self._check_event(linker, event)
                if not event.from_:
                    linker.report_key(
                        "E105", "an event outside of a state needs `from:`, the states it may be fired in", event, ()
                    )

    def _check_event(self, linker: DefinitionLinker, event: Event) -> None:
        if event.to is not None:
            self._check_state(linker, event.to, event, "to")
        for at, name in enumerate(event.from_):
            self._check_state(linker, name, event, ("from", at))

    def _check_after(self, linker: DefinitionLinker, state: State) -> None:
        earlier = self.states.get(state.after or "")
        if earlier is None:
            self._check_state(linker, state.after or "", state, "after")
        elif not earlier.next:
            linker.report("E405", f"'{state.after}' has no branch to take over", state, "after")

    def _check_state(self, linker: DefinitionLinker, name: str, at: Located, key: Key) -> None:
        known = self.states or dict.fromkeys(linker.states(self.for_))
        if name not in known and (self.states or linker.complete("workflow")):
            linker.report("E302", f"there is no state '{name}'", at, key, did_you_mean(name, known))
