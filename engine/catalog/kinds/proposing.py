"""Events that propose: what is put in are values of the record's own fields, kept as a pending version of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker
from engine.catalog.shapes import PROPOSED
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.registry import did_you_mean
from engine.source.formulas import parts
from engine.steps.propose import ApplyStep

if TYPE_CHECKING:
    from engine.catalog.kinds.workflow import Event, Workflow


def proposable(event: Event, own: Mapping[str, Field]) -> dict[str, Field]:
    """The fields that the event takes values for, of the model's ``own``: those that it names, or all that people put
    in."""
    if event.propose is False:
        return {}
    names = own if event.propose is True else event.propose
    return {name: own[name] for name in names if name in own and not own[name].read_only}


def proposers(workflows: Iterable[Workflow]) -> Iterator[tuple[Workflow, Event]]:
    """The events that propose, each with its workflow."""
    for flow in workflows:
        for event in flow.all_events():
            if event.propose:
                yield flow, event


def link_proposal(linker: DefinitionLinker, event: Event, model: str) -> None:
    """Reports what an event proposes that nobody can put in, and what its input would hide."""
    system = linker.system_fields(model)
    own = {name: field for name, field in linker.fields(model).items() if name not in system}
    if PROPOSED in own:
        message = f"{model} has a field '{PROPOSED}', which hides the version that is proposed"
        linker.report("E304", message, event, "propose", f"`was: {PROPOSED}` renames the field")
    if event.by == "system":
        linker.report("E110", "only people propose: an event that the engine fires uses `set`", event, "propose")
    for at, name in enumerate(event.propose if isinstance(event.propose, tuple) else ()):
        _check_name(linker, event, model, own, at, name)
    for name, field in event.input.items():
        if name in proposable(event, own):
            message = f"'{name}' is a field of {model} that this event proposes already"
            linker.report_key("E304", message, field, (), "choose another name")


def _check_name(
    linker: DefinitionLinker, event: Event, model: str, own: Mapping[str, Field], at: int, name: str
) -> None:
    """Reports a name that is no field of the model, or one that the engine gives its value."""
    field, key = own.get(name), ("propose", at)
    if name in linker.system_fields(model):
        linker.report("E405", f"'{name}' is a column of the system: nobody puts it in", event, key)
    elif field is None:
        if linker.complete("model", model):
            linker.report("E303", f"{model} has no field '{name}'", event, key, did_you_mean(name, own))
    elif field.read_only:
        how = "is worked out" if field.computed or field.generated else "is set by steps only"
        linker.report("E405", f"'{name}' {how}: nobody puts it in", event, key)
    elif isinstance(field, RowsField) and all(inner.read_only for inner in field.of.values()):
        linker.report("E405", f"nobody puts anything into the rows of '{name}'", event, key)


def check_applied(linker: DefinitionLinker, flow: Workflow) -> None:
    """Reports events whose proposals nothing ever applies."""
    for _, event in proposers([flow]):
        if not linker.complete("workflow") or not linker.complete("action"):
            return
        documents = [linker.get(kind, name) for kind in ("workflow", "action") for name in linker.known(kind)]
        about = (found for found in documents if found.for_ in (flow.for_, None))
        if not any(True for found in about for _ in parts(found, ApplyStep)):
            hint = "a state, an event or an action says `apply: proposed`"
            linker.report("E405", f"nothing applies what '{event.name}' proposes", event, "propose", hint)
