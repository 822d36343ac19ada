"""Finds the expressions of a definition, and its parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from engine.source.declare import Located
from engine.source.leaves import Formula

L = TypeVar("L", bound=Located)


def parts(value: Any, type_: type[L]) -> Iterator[L]:
    """Every located object of that type in a definition or a part of one, in the order of its keys."""
    if isinstance(value, Located):
        if isinstance(value, type_):
            yield value
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name), type_)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item, type_)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from parts(item, type_)


def formulas(value: Any) -> Iterator[Formula]:
    """Every expression in a definition or a part of one, in the order of its keys."""
    if isinstance(value, Formula):
        yield value
    elif isinstance(value, Located):
        for field in dataclasses.fields(value):
            yield from formulas(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from formulas(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from formulas(item)
