"""How two versions of a workflow differ, part by part: what somebody reads before the new one comes into force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.catalog.kinds.workflow import State, Workflow

Sort = Literal["new", "gone", "changed"]

#: What of a state says where it leads, or who has to agree there, by name.
NAMED = ("events", "next", "timers", "approval")
#: What of a state is one thing.
SINGLE = ("do", "notify", "leave", "approved", "rejected", "returned", "label", "color")


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that differs, such as ``states.packed`` or ``states.packed.events.ship``. ``now`` is the state that a
    state which is gone is called from now on."""

    part: str
    sort: Sort
    now: str | None = None

    def __str__(self) -> str:
        return f"{self.part}: {self.sort}" + (f", its cases belong to {self.now}" if self.now is not None else "")


def differences(before: Workflow, after: Workflow) -> tuple[Difference, ...]:
    """What differs, in the order of the new version; what is gone comes last of its sort."""
    return tuple(_between(before, after))


def _between(before: Workflow, after: Workflow) -> Iterator[Difference]:
    if before.start != after.start:
        yield Difference("start", "changed")
    for name, state in after.states.items():
        if name in before.states:
            yield from _states(f"states.{name}", before.states[name], state)
        else:
            yield Difference(f"states.{name}", "new")
    for name in before.states:
        if name not in after.states:
            yield Difference(f"states.{name}", "gone", after.former.get(name))
    yield from _named("events", before.events, after.events)


def _states(part: str, before: State, after: State) -> Iterator[Difference]:
    for key in NAMED:
        yield from _named(f"{part}.{key}", getattr(before, key), getattr(after, key))
    for key in SINGLE:
        if _said(getattr(before, key)) != _said(getattr(after, key)):
            yield Difference(f"{part}.{key}", "changed")


def _named(part: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name, found in after.items():
        if name not in before:
            yield Difference(f"{part}.{name}", "new")
        elif _said(before[name]) != _said(found):
            yield Difference(f"{part}.{name}", "changed")
    for name in before:
        if name not in after:
            yield Difference(f"{part}.{name}", "gone")
    common = [name for name in after if name in before]
    if common != [name for name in before if name in after]:
        yield Difference(part, "changed")  # of branches the first that holds is taken


def _said(value: Any) -> Any:
    """What a part says, wherever it stands; with where it leads, for a patch may have led it elsewhere."""
    if isinstance(value, tuple):
        return tuple(_said(each) for each in value)
    return (value.print, getattr(value, "to", None)) if hasattr(value, "print") else value
