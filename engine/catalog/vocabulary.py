"""The parts that definitions are made of, passed explicitly to whoever needs them: tests bring their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from engine.catalog.kind import Definition
from engine.expressions.functions.function import Function, Functions, functions
from engine.fields.field import Field
from engine.registry import Registry
from engine.source.shape import Family, Grammar
from engine.steps.step import Step


@dataclass(frozen=True)
class Vocabulary:
    """The kinds of definitions, the field types, the functions of expressions, the steps."""

    kinds: Registry[type[Definition]]
    fields: Registry[type[Field]]
    functions: Functions
    steps: Registry[type[Step]]

    @classmethod
    def of(
        cls,
        kinds: Iterable[type[Definition]],
        fields: Iterable[type[Field]],
        known_functions: Iterable[Function],
        steps: Iterable[type[Step]],
    ) -> Vocabulary:
        """The vocabulary of these parts, each under its own name."""
        return cls(
            Registry("kinds", ((kind.kind, kind) for kind in kinds)),
            Registry("field types", ((field.type_name, field) for field in fields)),
            functions(known_functions),
            Registry("steps", ((step.word, step) for step in steps)),
        )

    @cached_property
    def grammar(self) -> Grammar:
        """What reads documents into the kinds, with these field types and steps inside them."""
        return Grammar({Field: Family("field types", self.fields, by="type"), Step: Family("steps", self.steps)})
