"""Steps that name, set, test and repeat: ``let set when require for_each spread``. They ask nothing of the database but
``set``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from engine.errors import Complaint, Label, Refused
from engine.expressions.types import BOOLEAN, DECIMAL, ListType, Member, RecordType, Scope, SimpleShape
from engine.fields.field import Linker
from engine.money import spread
from engine.ports import Change, Reason
from engine.registry import did_you_mean
from engine.source.shape import Formula, Name, option
from engine.steps.step import Frame, Step, Steps, link_steps, run_steps


@dataclass(frozen=True, kw_only=True)
class Let(Step):
    """Names values for the steps that follow."""

    word: ClassVar[str] = "let"

    let: Mapping[Name, Formula]

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        for name, formula in self.let.items():
            expression = linker.compile(formula, scope)
            if expression is not None:
                scope = linker.naming(scope, name, expression.type, self, "let")
        return scope

    def run(self, frame: Frame) -> Steps:
        for name, formula in self.let.items():
            frame.names[name] = formula.expression(frame.record, frame.names)
        yield from ()


@dataclass(frozen=True, kw_only=True)
class Set(Step):
    """Sets fields of the record, or with `of` those of its rows, as its editor would: computed fields and checks
    follow."""

    word: ClassVar[str] = "set"

    set: Mapping[Name, Formula]
    of: Formula | None = option(None, help="A row of the record, or a list of them; the record itself when absent")
    as_: Name = option("row", key="as", help="What the expressions call the row that is set")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        if model is None:
            linker.report("E405", "`set` needs a record: say `for:` which model this is about", self)
        elif self.of is None:
            link_values(linker, self, "set", model, self.set, scope)
        else:
            self._link_rows(linker, model, self.of, scope)
        return scope

    def _link_rows(self, linker: Linker, model: str, of: Formula, scope: Scope) -> None:
        found = linker.compile(of, scope)
        if found is None:
            return
        row = found.type.item if isinstance(found.type, ListType) else found.type
        if not isinstance(row, RecordType) or not row.shape.name.startswith(f"{model}."):
            linker.report("E205", f"`of` needs rows of {model}, and this is {found.type}", self, "of")
        else:
            link_values(linker, self, "set", row.shape.name, self.set, linker.naming(scope, self.as_, row, self, "as"))

    def run(self, frame: Frame) -> Steps:
        model, record = frame.subject
        if self.of is None:
            yield Change(model, record, self._values(frame))
            return
        found = self.of.expression(record, frame.names)
        rows = found if isinstance(found, list) else [found] if found is not None else []
        yield Change(model, record, {}, [(row, self._values(frame.inner(**{self.as_: row}))) for row in rows])

    def _values(self, frame: Frame) -> dict[str, Any]:
        return {name: formula.expression(frame.record, frame.names) for name, formula in self.set.items()}


@dataclass(frozen=True, kw_only=True)
class When(Step):
    """Steps under a condition. Unknown counts as no."""

    word: ClassVar[str] = "when"

    when: Formula
    then: tuple[Step, ...] = option(key="do", one_or_many=True)
    otherwise: tuple[Step, ...] = option((), one_or_many=True)

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        linker.compile(self.when, scope, BOOLEAN)
        link_steps(self.then, linker, model, scope)
        link_steps(self.otherwise, linker, model, scope)
        return scope

    def run(self, frame: Frame) -> Steps:
        holds = self.when.expression(frame.record, frame.names) is True
        yield from run_steps(self.then if holds else self.otherwise, frame.inner())


@dataclass(frozen=True, kw_only=True)
class Require(Step):
    """Refuses the whole act unless the condition is true. Unknown counts as no."""

    word: ClassVar[str] = "require"

    require: Formula
    code: str | None = None
    message: Label | None = None
    at: str | None = option(None, help="The field that the complaint points at")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        linker.compile(self.require, scope, BOOLEAN)
        return scope

    def run(self, frame: Frame) -> Steps:
        if self.require.expression(frame.record, frame.names) is not True:
            message: Label = self.message or f"not so: {self.require.text}"
            code = self.code or "REQUIREMENT_FAILED"
            raise Refused(
                message,
                code=code,
                complaints=[Complaint(self.at or "", code, message)],
                reasons=[Reason("require", "refused", message, self.require.span)],
            )
        yield from ()


@dataclass(frozen=True, kw_only=True)
class ForEach(Step):
    """The same steps for every item of a list. Names given inside do not leak out."""

    word: ClassVar[str] = "for_each"

    for_each: Formula
    as_: Name = option(key="as")
    do: tuple[Step, ...] = option(one_or_many=True)

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        items = linker.compile(self.for_each, scope)
        if items is None:
            return scope
        if not isinstance(items.type, ListType):
            linker.report("E205", f"`for_each` needs a list, and this is {items.type}", self, "for_each")
            return scope
        link_steps(self.do, linker, model, linker.naming(scope, self.as_, items.type.item, self, "as"))
        return scope

    def run(self, frame: Frame) -> Steps:
        for item in list(self.for_each.expression(frame.record, frame.names) or ()):
            yield from run_steps(self.do, frame.inner(**{self.as_: item}))


@dataclass(frozen=True, kw_only=True)
class Spread(Step):
    """Divides an amount over the items of a list by weight; the parts always add up (largest remainder)."""

    word: ClassVar[str] = "spread"

    spread: Formula
    over: Formula
    as_: Name = option("item", key="as")
    by: Formula
    digits: int = 2
    into: Name = option(help="Names the list of parts: each has `item` and `amount`")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        linker.compile(self.spread, scope, DECIMAL)
        over = linker.compile(self.over, scope)
        if over is None:
            return scope
        if not isinstance(over.type, ListType):
            linker.report("E205", f"`over` needs a list, and this is {over.type}", self, "over")
            return scope
        linker.compile(self.by, linker.naming(scope, self.as_, over.type.item, self, "as"), DECIMAL)
        part = SimpleShape("part", {"item": Member(over.type.item), "amount": Member(DECIMAL, nullable=False)})
        return linker.naming(scope, self.into, ListType("list", item=RecordType.of(part)), self, "into")

    def run(self, frame: Frame) -> Steps:
        amount: Decimal | None = self.spread.expression(frame.record, frame.names)
        items = list(self.over.expression(frame.record, frame.names) or ())
        weights = [
            self.by.expression(frame.record, frame.inner(**{self.as_: item}).names) or Decimal(0) for item in items
        ]
        parts = spread(amount or Decimal(0), weights, self.digits)
        frame.names[self.into] = [{"item": item, "amount": part} for item, part in zip(items, parts, strict=True)]
        yield from ()


def link_values(linker: Linker, step: Step, key: str, model: str, values: Mapping[Name, Formula], scope: Scope) -> None:
    """Checks that each name is a field of the model that may be set, and compiles its expression in ``scope``."""
    shape = linker.shape(model)
    if shape is None:
        return
    for name, formula in values.items():
        member = shape.member(name)
        if member is None:
            linker.report("E303", f"{model} has no field {name!r}", step, key, hint=did_you_mean(name, shape.names()))
        else:
            linker.compile(formula, scope, member.type)
