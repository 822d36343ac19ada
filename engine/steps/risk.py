"""The outcomes of risk rules: ``freeze review allow``, and with them ``hold``. They belong into a rule's `do`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.errors import Label
from engine.expressions.types import TEXT, RecordType, Scope
from engine.fields.field import Linker
from engine.ports import PlaceHold
from engine.source.shape import Formula, Name
from engine.steps.flow import Holding
from engine.steps.step import Frame, Step, Steps

#: What a rule may come to, the strictest first.
Strictness = Literal["refuse", "freeze", "hold", "review", "allow"]
STRICTEST: tuple[Strictness, ...] = ("refuse", "freeze", "hold", "review", "allow")
#: The name under which the scope of a rule has that of its risk. No expression can say it.
RULE = "_risk"


def in_a_rule(scope: Scope) -> Scope:
    """The scope in which these steps may stand."""
    return scope.having(**{RULE: TEXT})


@dataclass(frozen=True, kw_only=True)
class FreezeStep(Step):
    """Puts what a link leads to on ice: a hold of the risk's name on it. While that stands, the records of the risk's
    model that lead there are held."""

    word: ClassVar[str] = "freeze"

    freeze: Formula

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        _demand_rule(self, linker, scope)
        found = linker.compile(self.freeze, scope)
        if found is not None and (not isinstance(found.type, RecordType) or "." in found.type.name):
            linker.report(
                "E205",
                f"`freeze` needs a link to a record, and this is {found.type}",
                self,
                "freeze",
                "name a field that links to who is to be frozen; `hold` holds the record itself",
            )
        return scope

    def run(self, frame: Frame) -> Steps:
        expression = self.freeze.expression
        model, record = expression.type.name, expression(frame.record, frame.names)
        if record is None:  # it leads nowhere: then the record itself must not get away
            model, record = frame.subject
        yield PlaceHold(model, record, frame.names[RULE], (), {})


@dataclass(frozen=True, kw_only=True)
class ReviewStep(Holding):
    """Holds the record until somebody has looked at it. What `hold` does, and less strict."""

    word: ClassVar[str] = "review"

    review: Name

    @property
    def hold_name(self) -> str:
        return self.review

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        _demand_rule(self, linker, scope)
        return super().link(linker, model, scope)


@dataclass(frozen=True, kw_only=True)
class AllowStep(Step):
    """Lets the record pass, and says why: it counts where no other rule is stricter."""

    word: ClassVar[str] = "allow"

    allow: Label

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        _demand_rule(self, linker, scope)
        return scope

    def run(self, frame: Frame) -> Steps:
        yield from ()


def _demand_rule(step: Step, linker: Linker, scope: Scope) -> None:
    if RULE not in scope.names:
        linker.report("E405", f"`{step.word}` belongs into the `do` of a rule of a risk", step, step.word)
