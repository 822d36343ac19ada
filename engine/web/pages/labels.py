"""What people call things that a record only knows by name."""

from __future__ import annotations

from engine.policy.transition import events_from
from engine.web.pages.visit import Visit


def event_label(visit: Visit, model: str, name: str) -> str:
    """What people call an event of the model, fired or arising when fields change; its name where it has no label."""
    arising = visit.catalog.models[model].changes.get(name)
    if arising is not None and arising.label is not None:
        return visit.words.say(arising.label)
    for workflow in visit.catalog.workflows.values():
        if workflow.for_ != model:
            continue
        for state in workflow.states:
            event = events_from(workflow, state).get(name)
            if event is not None and event.label is not None:
                return visit.words.say(event.label)
    return name
