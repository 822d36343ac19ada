"""What moves a record through its workflow: guards, leaving, entry, and the branches that lead on.

Pure: generators of effects over definitions and a frame. As in SCXML, but that an event's own steps see the
state in which it is fired as it is: the event's steps, what leaving its state calls off, the entry of the state it
leads to, then that state's branches, each hop to its end before the next.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.catalog.kinds.onward import Branch, Notification
from engine.catalog.kinds.timers import Timer
from engine.catalog.kinds.workflow import Event, State, Workflow
from engine.errors import Refused
from engine.expressions.language import Expression
from engine.ports import Ask, Effect, Move, Notify, Reason, Record, Refresh, Verdict
from engine.steps.step import Frame, Steps, run_steps

#: What `by` says of an event that only the engine fires.
SYSTEM_ONLY = "system"
#: More hops than this in one act are a circle of branches that all hold.
MOST_HOPS = 50


def events_from(workflow: Workflow, state: str | None) -> dict[str, Event]:
    """The events that the workflow lets fire in a state, by name: the state's own, then those that
    stand on their own."""
    standing = workflow.states.get(state) if state is not None else None
    own = standing.events if standing is not None else {}
    return {
        **own,
        **{name: event for name, event in workflow.events.items() if state in event.from_ and name not in own},
    }


def may_fire(workflow: Workflow, event_name: str, frame: Frame, holds: Sequence[Record]) -> Verdict:
    """Whether the event may be fired now: the state knows it, no open hold blocks it, its guard is true.

    ``holds`` are the open holds of the record. An unknown guard is a no.
    """
    _, record = frame.subject
    verdict = may_begin(workflow, event_name, record, holds)
    if not verdict:
        return verdict
    event = events_from(workflow, record["status"])[event_name]
    return guard(event, event.require.expression if event.require else None, frame)


def may_begin(workflow: Workflow, event_name: str, record: Record, holds: Sequence[Record]) -> Verdict:
    """The same but for the guard, which may turn on what is put in."""
    if event_name not in events_from(workflow, record["status"]):
        known = any(event_name in state.events for state in workflow.states.values()) or event_name in workflow.events
        text = f"not possible in the state {record['status']!r}" if known else "the workflow has no such event"
        return Verdict(False, (Reason(f"{workflow.name}.{event_name}", "TRANSITION_REFUSED", text, workflow.span),))
    blocking = [hold for hold in holds if event_name in (hold["blocks"] or ())]
    if blocking:
        parts = tuple(
            Reason(f"hold.{hold['name']}", "HELD", hold["message"], read={"hold": hold["id"]}) for hold in blocking
        )
        names = ", ".join(hold["name"] for hold in blocking)
        return Verdict(False, (Reason(f"{workflow.name}.{event_name}", "HELD", f"held: {names}", parts=parts),))
    return Verdict(True)


def waited_for_elsewhere(workflow: Workflow, event_name: str) -> bool:
    """Whether only the engine fires the event, and other states know it: a record that is not, or no longer, waiting
    for such news is passed over."""
    return any(
        name == event_name and event.by == SYSTEM_ONLY
        for state in workflow.states.values()
        for name, event in state.events.items()
    )


def guard(event: Event, condition: Expression | None, frame: Frame) -> Verdict:
    """Whether the event's condition is true on the frame, with the reason."""
    if condition is None:
        return Verdict(True)
    answer = condition(frame.record, frame.names)
    span = event.require.span if event.require else event.span
    reason = Reason(
        f"{event.name}.require", "passed" if answer is True else "GUARD_REFUSED", event.message or condition.text, span
    )
    return Verdict(answer is True, (reason,))


def take(workflow: Workflow, event: Event, frame: Frame) -> Steps:
    """The effects of an event that may be fired: its steps, its news, and where it leads."""
    _, record = frame.subject
    before = record["status"]
    yield from run_steps(event.do, frame)
    yield from tell(event.notify, frame)
    if event.to is not None and record["status"] == before:
        yield from enter(
            workflow, event.to, frame, Reason(f"{workflow.name}.{event.name}", event.to, event.label, event.span)
        )


def enter(workflow: Workflow, state_name: str, frame: Frame, why: Reason, *, new: bool = False) -> Steps:
    """The effects of leaving the state in which the record stands, unless it is ``new``, of entering another, and of
    the branches that follow from there."""
    model, record = frame.subject
    for _ in range(MOST_HOPS):
        state = workflow.states[state_name]
        left = workflow.states.get(record["status"]) if not new else None
        new = False
        if left is not None and left.leave:
            yield from run_steps(left.leave, frame.inner())
            if record["status"] != left.name:
                return  # what it has called off has moved it on
        yield Move(model, record, state_name, why)
        yield from run_steps(state.do, frame.inner())
        yield from tell(state.notify, frame)
        if record["status"] != state_name:
            return  # a step fired an event that moved the record on; that act has followed the branches there
        if state.approval:
            outcome = yield Ask(model, record, state_name)
            onward = decided(workflow, state, outcome) if outcome is not None else None
        else:
            onward = yield from look(f"{workflow.name}.{state.name}", state.next, frame)
        if onward is None:
            return
        state_name, why = onward
    raise Refused(
        f"more than {MOST_HOPS} states entered in one act: the branches of {workflow.name} go round in a circle",
        code="TOO_MANY_HOPS",
    )


def decided(workflow: Workflow, state: State, outcome: str) -> tuple[str, Reason]:
    """The state that an approval leads to with this outcome, and the reason."""
    to = state.decided[outcome]
    return to, Reason(f"{workflow.name}.{state.name}.{outcome}", to, span=state.span_of(outcome))


def proceed(workflow: Workflow, frame: Frame) -> Steps:
    """The effects of trying the branches of the state that the record stands in, after something has changed."""
    _, record = frame.subject
    state = workflow.states.get(record["status"])
    if state is None or not state.next:
        return
    onward = choose(f"{workflow.name}.{state.name}", state.next, frame)
    if onward is not None:
        yield from enter(workflow, onward[0], frame, onward[1])


def go_off(workflow: Workflow, state: State, timer: Timer, frame: Frame) -> Steps:
    """The effects of a timer of the state that the record stands in: its steps, its news, and where it leads."""
    _, record = frame.subject
    yield from run_steps(timer.do, frame.inner())
    yield from tell(timer.notify, frame)
    if record["status"] != state.name:
        return  # a step fired an event that moved the record on
    onward = yield from look(f"{workflow.name}.{state.name}.timers.{timer.name}", timer.next, frame)
    if onward is not None:
        yield from enter(workflow, onward[0], frame, onward[1])


def look(owner: str, branches: Mapping[str, Branch], frame: Frame) -> Generator[Effect, Any, tuple[str, Reason] | None]:
    """The answer of :func:`choose`, after steps that may have changed what the conditions read of other records."""
    if any(branch.if_ is not None for branch in branches.values()):
        yield Refresh(*frame.subject)
    return choose(owner, branches, frame)


def choose(owner: str, branches: Mapping[str, Branch], frame: Frame) -> tuple[str, Reason] | None:
    """The state that the first branch whose condition is true leads to, with the reason, whose parts are the branches
    that came before it; None: it stays where it is. ``owner`` is what the branches belong to."""
    passed_over: list[Reason] = []
    for name, branch in branches.items():
        answer = branch.if_ is None or branch.if_.expression(frame.record, frame.names)
        outcome = branch.to if answer is True else "unknown" if answer is None else "not so"
        text = branch.if_.text if branch.if_ else None
        reason = Reason(f"{owner}.next.{name}", outcome, text, branch.span)
        if answer is True:
            return branch.to, replace(reason, parts=tuple(passed_over))
        passed_over.append(reason)
    return None


def tell(notifications: Sequence[Notification], frame: Frame) -> Steps:
    """The messages that a state or an event sends."""
    for entry in notifications:
        yield Notify(entry.message, entry.to, frame.model, frame.record)
