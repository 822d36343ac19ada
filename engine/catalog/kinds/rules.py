"""``checks`` and ``action``: what is tested and what is done, by name, inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.errors import Label
from engine.expressions.types import BOOLEAN, RecordType, Scope
from engine.fields.field import Field
from engine.source.shape import Formula, Located, Name, option
from engine.steps.step import Step, link_steps


@dataclass(frozen=True, kw_only=True)
class Rule(Located):
    """A condition and what follows when it does not hold: a refusal, or the steps of `otherwise`."""

    __short__ = "require"

    when: Formula | None = option(None, help="The rule only counts where this is true")
    require: Formula
    unknown: Literal["pass", "fail"] | None = option(
        None, help="`pass` or `fail` (unless said) when the condition is unknown because of a null"
    )
    at: str | None = option(None, help="The field that the complaint points at")
    code: str | None = None
    message: Label | None = None
    otherwise: tuple[Step, ...] = option((), one_or_many=True, help="What to do instead of refusing")

    @property
    def name(self) -> str:
        return str(self.path[-1])

    def link(self, linker: DefinitionLinker, model: str, scope: Scope) -> None:
        """Compiles the rule for records of the model."""
        linker.compile(self.when, scope, BOOLEAN)
        linker.compile(self.require, scope, BOOLEAN)
        if self.at is not None:
            linker.field(model, self.at, self, "at")
        link_steps(self.otherwise, linker, model, scope)


@dataclass(frozen=True, kw_only=True)
class Checks(Definition):
    """Rules that a `run` step works through, all of them, each with its own consequence."""

    kind: ClassVar[str] = "checks"
    link_order: ClassVar[int] = 40

    checks: Name
    for_: Name = option(key="for")
    label: Label | None = None
    rules: Mapping[Name, Rule]

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.for_, self, "for") is not None:
            for rule in self.rules.values():
                rule.link(linker, self.for_, linker.scope(self.for_))


@dataclass(frozen=True, kw_only=True)
class Action(Definition):
    """Steps under a name, with input of their own."""

    kind: ClassVar[str] = "action"
    link_order: ClassVar[int] = 40

    action: Name
    for_: Name | None = option(None, key="for")
    label: Label | None = None
    input: Mapping[Name, Field] = option(default_factory=dict)
    steps: tuple[Step, ...] = option(one_or_many=True)

    def link(self, linker: DefinitionLinker) -> None:
        if self.for_ is not None and linker.reference("model", self.for_, self, "for") is None:
            return
        scope = linker.scope(self.for_)
        if self.input:
            scope = link_input(linker, f"{self.name} input", self.input, self.for_)
        link_steps(self.steps, linker, self.for_, scope)


def link_input(linker: DefinitionLinker, name: str, fields: Mapping[Name, Field], model: str | None) -> Scope:
    """Links what an event or an action is given, and the scope of what runs with it: that of the model, and ``input``.

    The fields' own expressions see the other fields of the input, and the record by its model's name.
    """
    if model is not None and "input" in linker.fields(model):
        linker.report_key(
            "E304", f"{model} has a field 'input', which hides what is put in", next(iter(fields.values())), ()
        )
    shape = linker.input_shape(name, fields)
    scope = linker.scope(model)
    about = (
        {}
        if scope.record is None
        else {"record": RecordType.of(scope.record), scope.record.name: RecordType.of(scope.record)}
    )
    for field in fields.values():
        field.link(linker, Scope(shape, {**about, **scope.names}))
    return scope.having(input=RecordType.of(shape))
