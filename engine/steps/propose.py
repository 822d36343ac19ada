"""Steps that end what was proposed: ``apply`` makes it the record, ``drop`` leaves the record as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.expressions.types import TEXT, Scope
from engine.fields.field import Linker
from engine.ports import Apply, Drop
from engine.source.shape import Formula, option
from engine.steps.flow import Aimed
from engine.steps.step import Frame, Steps


@dataclass(frozen=True, kw_only=True)
class ApplyStep(Aimed):
    """Makes the version that is proposed the record, with all that follows from a change."""

    word: ClassVar[str] = "apply"

    apply: Literal["proposed"]

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        _check(linker, self, self.aim(linker, model, scope))
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        if about is not None:
            yield Apply(*about)


@dataclass(frozen=True, kw_only=True)
class DropStep(Aimed):
    """Gives up the version that is proposed; it is kept, with who has dropped it and why."""

    word: ClassVar[str] = "drop"

    drop: Literal["proposed"]
    why: Formula | None = option(None, help="The reason that is kept with it")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        _check(linker, self, self.aim(linker, model, scope))
        linker.compile(self.why, scope, TEXT)
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        if about is not None:
            why = self.why.expression(frame.record, frame.names) if self.why is not None else None
            yield Drop(*about, why)


def _check(linker: Linker, step: Aimed, model: str | None) -> None:
    """Reports a step about a model of which nobody proposes anything."""
    if model is not None and not linker.proposes(model):
        hint = "an event of its workflow says `propose:` which fields"
        linker.report("E405", f"no event proposes anything about {model}", step, step.word, hint)
