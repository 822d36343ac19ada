"""The ways through a workflow, and what is certainly wrong with them. States without ways out are final, which is
right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.onward import Branch, always

if TYPE_CHECKING:
    from engine.catalog.kinds.workflow import State, Workflow


def ways_out(workflow: Workflow, state: State) -> Iterator[str]:
    """The states that an event, a branch, a timer or an approval leads to from this one."""
    yield from (event.to for event in state.events.values() if event.to is not None)
    yield from (branch.to for branch in state.branches())
    yield from state.decided.values()
    yield from (event.to for event in workflow.events.values() if event.to is not None and state.name in event.from_)


def reached(workflow: Workflow) -> set[str]:
    """The names of the states that a record can come to from the start."""
    found: set[str] = set()
    waiting = [workflow.start] if workflow.start is not None else []
    while waiting:
        name = waiting.pop()
        state = workflow.states.get(name)
        if state is not None and name not in found:
            found.add(name)
            waiting.extend(ways_out(workflow, state))
    return found


def check_ways(linker: DefinitionLinker, workflow: Workflow) -> None:
    """Reports states that nothing leads to, branches that are never taken, and circles that never come to rest."""
    if workflow.start not in workflow.states:
        return  # reported already, and without a start nothing can be reached
    found = reached(workflow)
    for name, state in workflow.states.items():
        if name not in found and linker.complete("workflow"):
            linker.report_key(
                "E403", f"nothing leads to the state '{name}'", state, (), "give an event or a branch `to:` it"
            )
        if leads_to_itself(workflow, state):
            text = f"a dead end: every way out of '{name}' leads back to it"
            linker.report_key("E403", text, state, (), "lead one of them on, or leave them out: then it is an end")
        if state.leave and not any(True for _ in ways_out(workflow, state)):
            linker.report_key(
                "E403", f"nothing ever leaves '{name}'", state, "leave", "give it a way out, or leave this out"
            )
        for branches in (state.next, *(timer.next for timer in state.timers.values())):
            _check_taken(linker, branches)
    for circle in endless(workflow.states):
        text = " → ".join((*circle, circle[0]))
        linker.report(
            "E403", f"a circle without a condition never comes to rest: {text}", workflow.states[circle[0]], "next"
        )


def leads_to_itself(workflow: Workflow, state: State) -> bool:
    """Whether a state never ends that asks or waits: its approval, its branches and timers, and all of its events, lead
    to nowhere else. What has no way out is an end, also where an event may be fired in it again and again."""
    asks = bool(state.decided) or any(True for _ in state.branches())
    return asks and set(ways_out(workflow, state)) == {state.name}


def _check_taken(linker: DefinitionLinker, branches: Mapping[str, Branch]) -> None:
    """Reports the branches whose condition is never true, and the first that stands behind one that is always taken."""
    taken = None
    for branch in branches.values():
        if always(branch.if_) is False:
            linker.report("E403", f"'{branch.name}' is never taken: this is never true", branch, "if")
        if taken is not None:
            linker.report_key(
                "E403", f"'{branch.name}' is never taken: '{taken}' before it is taken always", branch, ()
            )
            return
        taken = branch.name if always(branch.if_) else None


def endless(states: Mapping[str, State]) -> Iterator[list[str]]:
    """The circles of branches that are taken without a condition, each once."""
    onward: dict[str, str] = {}
    for name, state in states.items():
        first = next(iter(state.next.values()), None)
        if first is not None and always(first.if_):
            onward[name] = first.to
    done: set[str] = set()
    for start in onward:
        trail: list[str] = []
        name = start
        while name in onward and name not in done:
            done.add(name)
            trail.append(name)
            name = onward[name]
        if name in trail:
            yield trail[trail.index(name) :]
