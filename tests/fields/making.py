"""Fields made from YAML, linked against a few models, for the tests beside this file and the contract suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Problem
from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression, compile_expression
from engine.expressions.types import (
    DATE,
    DATETIME,
    TEXT,
    ListType,
    Member,
    RecordType,
    Scope,
    Shape,
    SimpleShape,
    Type,
)
from engine.fields import address, boolean, choice, file, json, link, moment, number, rows, sequence, text
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.registry import Registry
from engine.source.problems import Problems
from engine.source.reader import read_text
from engine.source.shape import Family, Formula, Grammar, Located, Name

FAMILIES = (text, number, boolean, moment, choice, link, rows, sequence, file, json, address)
TYPES: Mapping[str, type[Field]] = Registry(
    "field types", ((type_.type_name, type_) for family in FAMILIES for type_ in family.FIELD_TYPES)
)
FUNCTIONS = Registry("functions", ((function.name, function) for function in BUILTINS))
GRAMMAR = Grammar({Field: Family("field type", TYPES, by="type")})

#: What the models of the tests need besides the one under test.
OTHERS = """
model: user
fields: {name: text}
---
model: file
fields: {name: text}
---
model: place
fields:
  code: text
  name: {type: text, private: true}
  rate: {type: decimal, digits: 4}
  chief: user
  near: {type: link, to: place}
"""


@dataclass(frozen=True, kw_only=True)
class Described(Located):
    """A model, as far as fields need one."""

    model: Name
    fields: Mapping[Name, Field]


class TestLinker:
    """A linker over some models; keeps the problems."""

    __test__ = False

    def __init__(self, models: Iterable[Described]) -> None:
        self.models = {str(model.model): model for model in models}
        self.problems: list[Problem] = []

    def shape(self, model: str) -> Shape | None:
        name, *parts = model.split(".")
        if name not in self.models:
            return None
        shape: Shape = ModelShape(name, self.fields(name), self)
        for part in parts:
            member = shape.member(part)
            if member is None or not isinstance(member.type, ListType) or not isinstance(member.type.item, RecordType):
                return None
            shape = member.type.item.shape
        return shape

    def fields(self, model: str) -> Mapping[str, Field]:
        return {str(name): field for name, field in self.models[model].fields.items()} if model in self.models else {}

    def scope(self, model: str | None, **names: Type) -> Scope:
        record = self.shape(model) if model is not None else None
        return Scope(record, {"now": DATETIME, "today": DATE, "timezone": TEXT, **names})

    def compile(self, formula: Formula | None, scope: Scope, expects: Type | None = None) -> Expression | None:
        if formula is None:
            return None
        try:
            expression = compile_expression(formula.text, scope, expects=expects, functions=FUNCTIONS)
        except ExpressionProblems as problems:
            for fault in problems.faults:
                self.problems.append(Problem(fault.code, fault.message, formula.within(fault.start, fault.end)))
            return None
        formula.bind(expression)
        return expression

    def where(self, formula: Formula | None, scope: Scope) -> Expression | None:
        return self.compile(formula, scope)

    def naming(self, scope: Scope, name: str | None, type_: Type, at: Located, key: str) -> Scope:
        return scope if name is None else scope.having(**{name: type_})

    def report(
        self, code: str, message: str, at: Located, key: str | int | None = None, hint: str | None = None
    ) -> None:
        self.problems.append(Problem(code, message, at.span if key is None else at.span_of(key), hint))

    def known(self, kind: str) -> Iterable[str]:
        return self.models if kind == "model" else ()

    def get(self, kind: str, name: str) -> Any:
        return self.models.get(name) if kind == "model" else None

    def reference(self, kind: str, name: str | None, at: Located, key: str) -> Any:
        found = self.get(kind, str(name))
        if found is None:
            self.report("E302", f"there is no {kind} '{name}'", at, key)
        return found


@dataclass(frozen=True)
class ModelShape:
    """The shape of a model: its fields, and its id."""

    name: str
    fields: Mapping[str, Field]
    linker: TestLinker
    key: str | None = "code"

    def member(self, name: str) -> Member | None:
        if name == "id":
            return Member(TEXT, nullable=False)
        field = self.fields.get(name)
        if isinstance(field, RowsField):
            inner = {str(key): value for key, value in field.of.items()}
            shape = ModelShape(f"{self.name}.{name}", inner, self.linker, None)
            return Member(ListType("list", item=RecordType.of(shape)), nullable=False)
        return field.member(self.linker.shape) if field is not None else None

    def names(self) -> Iterable[str]:
        return ["id", *self.fields]


def described(yaml: str) -> list[Described]:
    """The models in the text. A problem of shape fails the test."""
    problems = Problems()
    found = [GRAMMAR.parse(Described, document, problems) for document in read_text(yaml, "test.yaml", problems)]
    problems.raise_errors()
    return [model for model in found if model is not None]


def linked(fields: str) -> tuple[Mapping[str, Field], list[Problem]]:
    """The fields of a model ``thing`` whose ``fields`` map this is, and the problems of linking them."""
    indented = "".join(f"  {line}\n" for line in fields.strip("\n").splitlines())
    models = described(f"model: thing\nfields:\n{indented}---{OTHERS}")
    linker = TestLinker(models)
    for field in linker.fields("thing").values():
        field.link(linker, linker.scope("thing"))
    return linker.fields("thing"), linker.problems


def make(field: str) -> Field:
    """The field, given as YAML such as ``{type: text, max: 3}`` or ``text``; linked without problems."""
    fields, problems = linked(f"it: {field}")
    assert not problems
    return fields["it"]


def inputs(name: str) -> SimpleShape:
    """An empty shape, for scopes of inputs."""
    return SimpleShape(name, {})
