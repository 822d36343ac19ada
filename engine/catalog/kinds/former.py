"""``was`` of states and of workflows: what they were called before, and so where cases of older versions belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker

if TYPE_CHECKING:
    from engine.catalog.kinds.workflow import State, Workflow


def former_states(states: Mapping[str, State]) -> Mapping[str, str]:
    """The states by what they, or those that they take the place of, were called before."""
    return {old: name for name, state in states.items() for old in state.was}


def check_former(linker: DefinitionLinker, workflow: Workflow) -> None:
    """Reports a former name that something still has, and one that two claim: nobody could say where its cases
    belong."""
    claimed: dict[str, str] = {}
    for name, state in workflow.states.items():
        for at, old in enumerate(state.was):
            if old in workflow.states:
                message = f"there still is a state '{old}', so '{name}' was not it before"
                linker.report("E405", message, state, ("was", at))
            elif old in claimed:
                linker.report("E405", f"'{claimed[old]}' was '{old}' before, as it says", state, ("was", at))
            claimed.setdefault(old, name)
    for at, old in enumerate(workflow.was):
        if linker.get("workflow", old) is not None:
            message = f"there still is a workflow '{old}', so '{workflow.name}' does not take its place"
            linker.report("E405", message, workflow, ("was", at))
