"""``route``: asks a routing from where the record is supplied, and names the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.expressions.types import ListType, Scope
from engine.fields.field import Linker
from engine.ports import Route
from engine.source.shape import Name, option
from engine.steps.flow import Aimed
from engine.steps.step import Frame, Steps


@dataclass(frozen=True, kw_only=True)
class RouteStep(Aimed):
    """Asks a routing, or what the record's channel has laid over it. `into` names the parts: each has the record of the
    supply (by its model's name), the place and the item (as they are called there), a `quantity` and the `row`."""

    word: ClassVar[str] = "route"

    route: Name
    into: Name = option(help="Names the list of parts for the steps that follow")
    missing: Name | None = option(None, help="Names the list of what could not be had: item, `quantity` and `row`")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        routing = linker.reference("routing", self.route, self, "route")
        about = self.aim(linker, model, scope)
        if routing is None:
            return scope
        if about is not None and about != routing.for_:
            linker.report("E405", f"{self.route} is for {routing.for_}, and this is about {about}", self, "route")
        part, missing = routing.part_type(linker), routing.missing_type(linker)
        if part is not None:
            scope = linker.naming(scope, self.into, ListType("list", item=part), self, "into")
        if missing is not None and self.missing is not None:
            scope = linker.naming(scope, self.missing, ListType("list", item=missing), self, "missing")
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        parts, missing = (yield Route(self.route, *about, frame.names)) if about is not None else ([], [])
        frame.names[self.into] = parts
        if self.missing is not None:
            frame.names[self.missing] = missing
