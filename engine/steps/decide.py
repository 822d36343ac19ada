"""``decide``: asks a decision table, and names its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.expressions.types import DATE, DATETIME, Scope
from engine.fields.field import Linker
from engine.ports import Decide
from engine.registry import did_you_mean
from engine.source.shape import Formula, Name, option
from engine.steps.flow import Aimed
from engine.steps.step import Frame, Steps


@dataclass(frozen=True, kw_only=True)
class DecideStep(Aimed):
    """Asks a decision table. Its answer, named by `into`, is a map of outputs, a list of those, or a number."""

    word: ClassVar[str] = "decide"
    __at_most_one__ = (("binding", "as_of"),)

    decide: Name
    given: Mapping[Name, Formula] = option(default_factory=dict, help="The inputs that the table is given by name")
    into: Name | None = option(None, help="Names the answer for the steps that follow")
    binding: Literal["latest", "pinned"] = option(
        "latest", help="`pinned`: the table as it was when the record's case began"
    )
    as_of: Formula | None = option(None, help="The day or moment whose version of the table counts; today when absent")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        table = linker.reference("table", self.decide, self, "decide")
        as_of = linker.compile(self.as_of, scope)
        if as_of is not None and as_of.type not in (DATE, DATETIME):
            linker.report("E205", f"`as_of` needs a day or a moment, and this is {as_of.type}", self, "as_of")
        if table is None:
            return scope
        if table.for_ is not None or self.record is not None or self.binding == "pinned":
            about = self.aim(linker, model, scope)
            if table.for_ is not None and about is not None and about != table.for_:
                linker.report("E405", f"{self.decide} is for {table.for_}, and this is about {about}", self, "decide")
        for name, formula in self.given.items():
            found = table.inputs.get(name)
            if found is None or found.value is not None:
                hint = did_you_mean(name, table.needs)
                linker.report("E303", f"{self.decide} is not given '{name}'", self, "given", hint)
            else:
                linker.compile(formula, scope, table.given_type(name))
        missing = [name for name in table.needs if name not in self.given]
        if missing:
            linker.report("E105", f"{self.decide} has to be given {', '.join(missing)}", self, "decide")
        return linker.naming(scope, self.into, table.result_type, self, "into")

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame) if self.record is not None or frame.record is not None else None
        model, record = about if about is not None else (None, None)
        answer = yield Decide(
            self.decide,
            model,
            record,
            frame.names,
            {name: formula.expression(frame.record, frame.names) for name, formula in self.given.items()},
            self.as_of.expression(frame.record, frame.names) if self.as_of is not None else None,
            self.binding == "pinned",
        )
        if self.into is not None:
            frame.names[self.into] = answer
