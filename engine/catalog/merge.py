"""Patches by name: a document that `extends` another becomes one whole document, whose every value keeps its own
place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.catalog.kinds.onward import Branch
from engine.catalog.kinds.workflow import Event, State, Workflow
from engine.errors import Span
from engine.source.document import Document, Path

#: Keys whose maps are one value that may be said in several ways: laid over each other they would say two of them.
ONE_VALUE = frozenset({"by", "nobody", "veto", "join"})


def merged(base: Any, patch: Any) -> Any:
    """The base with the patch laid over it: maps merge by key, deeply; null removes; anything else replaces."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return without_nulls(patch)
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif key in result and key not in ONE_VALUE:
            result[key] = merged(result[key], value)
        else:
            result[key] = without_nulls(value)
    return result


def without_nulls(value: Any) -> Any:
    """The value without what its maps set to null: there was nothing to remove."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def replaced(base: Any, patch: Any) -> Any:
    """The base with the keys of the patch in the place of its own, each as a whole; null removes."""
    return {key: without_nulls(value) for key, value in {**base, **patch}.items() if value is not None}


class MergedDocument(Document):
    """A patch laid over its bases, which are given first. Since maps merge by name and lists are replaced whole, a path
    means the same in all of them, and the last one that knows it is where the value comes from."""

    __slots__ = ("layers",)

    def __init__(self, layers: Sequence[Document], lay: Callable[[Any, Any], Any] = merged) -> None:
        patch = layers[-1]
        data: dict[str, Any] = layers[0].data
        for layer in layers[1:]:
            data = lay(data, layer.data)
        super().__init__(patch.source, patch.kind, patch.name, data, patch.marks)
        self.layers = tuple(layers)

    def origin(self, path: Path) -> Document:
        """The document that the value at the path comes from; the patch when it stands in none."""
        for layer in reversed(self.layers):
            if _stands(layer.data, path):
                return layer
        return self.origin(path[:-1]) if path else self.layers[-1]

    def span(self, path: Path = ()) -> Span:
        return self.origin(path).span(path)

    def key_span(self, path: Path) -> Span:
        return self.origin(path).key_span(path)

    def within(self, path: Path, start: int, end: int) -> Span:
        return self.origin(path).within(path, start, end)


def _stands(data: Any, path: Path) -> bool:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def take_over(workflow: Workflow) -> Workflow:
    """The workflow with every ``after: X`` carried out: the new state takes over X's last branch, and continues where
    that went (its events that lead nowhere lead there; a state without any way on goes there at once)."""
    if all(state.after is None for state in workflow.states.values()):
        return workflow
    states = dict(workflow.states)
    for name, state in workflow.states.items():
        earlier = states.get(state.after) if state.after is not None else None
        if earlier is None or not earlier.next:
            continue  # linking says so
        last = list(earlier.next)[-1]
        onward = earlier.next[last]
        states[earlier.name] = replace(earlier, next={**earlier.next, last: replace(onward, to=name)})
        states[name] = continued(states[name], onward)
    return replace(workflow, states=states)


def continued(state: State, onward: Branch) -> State:
    """The state with its open ends leading where the branch led."""
    events: Mapping[str, Event] = {
        name: event if event.to is not None else replace(event, to=onward.to) for name, event in state.events.items()
    }
    if state.approval and state.approved is None:
        return replace(state, events=events, approved=onward.to)
    if events or state.next or state.approval:
        return replace(state, events=events)
    return replace(state, next={onward.name: replace(onward, if_=None)})
