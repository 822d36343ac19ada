"""What a change of definitions means for workflows and the cases that are open in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from engine.catalog.catalog import Catalog
from engine.catalog.differences import Difference, differences
from engine.errors import Problem
from engine.registry import did_you_mean
from engine.store.migrate.schema import Schema
from engine.store.migrate.selecting import columns_of

CASE = "case"
#: So much of the name of a version tells it from all others that anybody will see.
SHORT = 8


@dataclass(frozen=True, slots=True)
class WorkflowChange:
    """A workflow that is in force and becomes another one, and what of it."""

    workflow: str
    before: str
    after: str
    differences: tuple[Difference, ...]

    def lines(self) -> list[str]:
        """The change for people: a heading, then a line for each difference."""
        # What a patch is laid over, or a comment of an action, changes the version and nothing that can be named.
        told = [f"  {each}" for each in self.differences] or ["  in its wording only"]
        return [f"{self.workflow} {self.before[:SHORT]} -> {self.after[:SHORT]}", *told]

    def as_data(self) -> dict[str, Any]:
        """The change as JSON."""
        parts = [{"part": each.part, "sort": each.sort, "now": each.now} for each in self.differences]
        return {"workflow": self.workflow, "before": self.before, "after": self.after, "differences": parts}


@dataclass(frozen=True, slots=True)
class OpenCases:
    """Open cases in one state of a version of a workflow that is not, or will not be, the present one. ``now`` is the
    state where they belong in that, None where it does not say."""

    workflow: str
    version: str
    state: str
    count: int
    now: str | None
    in_force: bool
    #: Definitions that have this version.
    definitions: str

    @property
    def gone(self) -> bool:
        """Whether there is no such state any more."""
        return self.now != self.state

    def as_data(self) -> dict[str, Any]:
        """The finding as JSON."""
        told = {name: getattr(self, name) for name in ("workflow", "version", "state", "count", "now", "in_force")}
        return {**told, "gone": self.gone}

    def __str__(self) -> str:
        cases = "1 case" if self.count == 1 else f"{self.count} cases"
        version = f"{self.version[:SHORT]}" + (" (in force)" if self.in_force else "")
        ending = "" if not self.gone else ", which is gone" if self.now is None else f", which is {self.now} now"
        return f"{self.workflow} {version}: {cases} in state {self.state}{ending}"


def changed_workflows(before: Catalog | None, after: Catalog) -> Iterator[WorkflowChange]:
    """The workflows of both that differ. A workflow without states is told with those that it adds to."""
    for name, flow in after.workflows.items():
        old = before.workflows.get(name) if before is not None else None
        if old is not None and old.fingerprint != flow.fingerprint and flow.states:
            yield WorkflowChange(name, old.fingerprint, flow.fingerprint, differences(old, flow))


def open_cases(
    connection: Connection, before: Catalog | None, catalog: Catalog, have: Schema
) -> tuple[list[OpenCases], list[Problem]]:
    """The open cases that run in another version of their workflow, by state; and a problem for each state that is gone
    without a word about where its cases belong."""
    if CASE not in have:
        return [], []
    there = columns_of(CASE, have[CASE].columns)
    group = (there.c["workflow"], there.c["state"], there.c["workflow_version"], there.c["model"])
    clause = select(*group, func.count(), func.min(there.c["definitions"])).where(
        there.c["ended_at"].is_(None), there.c["deleted_at"].is_(None)
    )
    found: list[OpenCases] = []
    lost: dict[tuple[str, str, str], int] = {}
    for name, state, version, model, count, definitions in connection.execute(clause.group_by(*group).order_by(*group)):
        flow = catalog.heir_of(name)
        if flow is not None and (flow.name, flow.fingerprint) == (name, version):
            continue
        present = before.workflows.get(name) if before is not None else None
        in_force = present is not None and present.fingerprint == version
        now = flow.place_of(state) if flow is not None else None
        found.append(OpenCases(name, version, state, count, now, in_force, definitions))
        if now is None:
            lost[name, state, model] = lost.get((name, state, model), 0) + count
    return found, list(_problems(catalog, lost))


def _problems(catalog: Catalog, lost: dict[tuple[str, str, str], int]) -> Iterator[Problem]:
    renamed = {model.was: model for model in catalog.models.values() if model.was is not None}
    for (name, state, key), count in lost.items():
        flow, model = catalog.heir_of(name), catalog.models.get(key) or renamed.get(key)
        cases = "1 open case stands" if count == 1 else f"{count} open cases stand"
        if flow is not None:
            known: Sequence[str] = [old for old in flow.former if old not in flow.states]
            guess = did_you_mean(state, known)
            hint = f"say `was: {state}` at the state where they belong" + (f" ({guess})" if guess else "")
            message = f"{cases} in '{state}' of {name}, which is gone"
            yield Problem("E411", message, flow.key_span("states"), hint)
        elif model is not None:  # else they are lost with their records, which the plan tells
            message = f"{cases} in '{state}' of {name}, and that workflow is gone"
            hint = f"say `was: {name}` in the workflow that takes its place"
            yield Problem("E411", message, model.key_span(), hint)
