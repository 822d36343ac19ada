"""Shapes from types: the grammar that reads located documents into frozen dataclasses, and writes their JSON Schemas.

What an author may declare is in ``declare.py``, what may stand in a place in ``leaves.py``; both are given
on from here.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from engine.errors import Problem
from engine.source.containers import ListShape, MapShape, OptionalShape, TupleShape, UnionShape
from engine.source.declare import Family, Located, Option, option
from engine.source.document import Document, Path
from engine.source.leaves import SPELLED, Duration, Formula, Name, Rate, TimeOfDay, Window
from engine.source.nodes import (
    FAILED,
    AnyShape,
    Definitions,
    FormulaShape,
    LiteralShape,
    NameShape,
    Reading,
    ScalarShape,
    Shape,
    SpelledShape,
)
from engine.source.objects import FamilyShape, Key, ObjectShape, OneOfObjects, keys_of
from engine.source.problems import Problems

__all__ = [
    "SCHEMA_DIALECT",
    "Document",
    "Duration",
    "Family",
    "Formula",
    "Grammar",
    "Located",
    "Name",
    "Option",
    "Problem",
    "Problems",
    "Rate",
    "TimeOfDay",
    "Window",
    "option",
]

T = TypeVar("T")
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Grammar:
    """The shapes of some types. ``families`` says for a base class which members it stands for.

    Shapes are worked out once for each type, when first needed.
    """

    def __init__(self, families: Mapping[type[Any], Family] | None = None) -> None:
        self._families = families or {}
        self._shapes: dict[Any, Shape] = {}

    def parse(self, type_: type[T], document: Document, problems: Problems, path: Path = ()) -> T | None:
        """The value at that path of the document as the type; None when it has problems, all of which are reported."""
        value = self.shape(type_).read(document.value(path), path, Reading(document, problems))
        return None if value is FAILED else typing.cast(T, value)

    def json_schema(self, type_: type[Any], title: str | None = None) -> dict[str, Any]:
        """The JSON Schema (2020-12) of what ``parse`` takes for that type."""
        definitions = Definitions()
        reference = self.shape(type_).schema(definitions)
        head = {"$schema": SCHEMA_DIALECT, **({"title": title} if title else {})}
        return {**head, **reference, "$defs": definitions.schemas}

    def shape(self, annotation: Any, one_or_many: bool = False) -> Shape:
        """The shape of an annotation. TypeError for one that no YAML can be."""
        known = self._shapes.get((annotation, one_or_many))
        if known is None:
            known = self._shapes[annotation, one_or_many] = self._made(annotation, one_or_many)
        return known

    def _made(self, annotation: Any, one_or_many: bool) -> Shape:
        if annotation is Any:
            return AnyShape()
        if annotation is Name:
            return NameShape()
        if annotation is Formula:
            return FormulaShape()
        if annotation in (str, int, bool, Decimal):
            return ScalarShape(annotation)
        if annotation in SPELLED:
            return SpelledShape(annotation)
        if annotation in self._families:
            return FamilyShape(annotation, self._families[annotation], self._object)
        if isinstance(annotation, type) and issubclass(annotation, Located):
            return ObjectShape(annotation, self._keys)
        return self._generic(annotation, typing.get_origin(annotation), typing.get_args(annotation), one_or_many)

    def _generic(self, annotation: Any, origin: Any, arguments: tuple[Any, ...], one_or_many: bool) -> Shape:
        if origin is typing.Literal:
            return LiteralShape(arguments)
        if origin in (typing.Union, types.UnionType):
            return self._union(arguments, one_or_many)
        if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
            return ListShape(self.shape(arguments[0]), one_or_many)
        if origin is tuple:
            return TupleShape([self.shape(argument) for argument in arguments])
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return MapShape(self.shape(arguments[0]), self.shape(arguments[1]))
        raise TypeError(f"{annotation!r} is no shape of YAML")

    def _union(self, arguments: tuple[Any, ...], one_or_many: bool) -> Shape:
        present = [argument for argument in arguments if argument is not type(None)]
        shapes = [self.shape(argument, one_or_many) for argument in present]
        objects = [shape for shape in shapes if isinstance(shape, ObjectShape)]
        if len(objects) > 1:
            shapes = [shape for shape in shapes if not isinstance(shape, ObjectShape)] + [OneOfObjects(objects)]
        whole = shapes[0] if len(shapes) == 1 else UnionShape(shapes)
        return OptionalShape(whole) if len(present) < len(arguments) else whole

    def _object(self, type_: type[Any]) -> ObjectShape:
        """The shape of a class itself, also of one that stands for a family."""
        key = ("member", type_)
        known = self._shapes.get(key)
        if not isinstance(known, ObjectShape):
            known = self._shapes[key] = ObjectShape(type_, self._keys)
        return known

    def _keys(self, type_: type[Located]) -> list[Key]:
        return keys_of(type_, typing.get_type_hints(type_), self.shape)
