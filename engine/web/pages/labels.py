"""What people call things that a record only knows by name."""

from __future__ import annotations

from collections.abc import Callable

from engine.policy.transition import events_from
from engine.web.pages.visit import Visit


def event_label(visit: Visit, model: str, name: str) -> str:
    """What people call an event of the model, fired or arising when fields change; its name where it has no label."""
    arising = visit.catalog.models[model].changes.get(name)
    if arising is not None and arising.label is not None:
        return visit.words.say(arising.label)
    own = _labels(visit, name, lambda other: other == model)
    if own:
        return own[0]
    # An event of another record may have changed this one; where several models call theirs so, none is named.
    elsewhere = set(_labels(visit, name, lambda other: other != model))
    return elsewhere.pop() if len(elsewhere) == 1 else name


def _labels(visit: Visit, name: str, of: Callable[[str], bool]) -> list[str]:
    """What the workflows of these models call an event."""
    return [
        visit.words.say(event.label)
        for workflow in visit.catalog.workflows.values()
        if of(workflow.for_)
        for state in workflow.states
        if (event := events_from(workflow, state).get(name)) is not None and event.label is not None
    ]
