"""Finds the expressions of a definition, and its other parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from engine.source.declare import Located
from engine.source.leaves import Formula

T = TypeVar("T")


def formulas(value: Any) -> Iterator[Formula]:
    """Every expression in a definition or a part of one, in the order of its keys."""
    return parts(value, Formula)


def parts(value: Any, wanted: type[T]) -> Iterator[T]:
    """Everything of a type in a definition or a part of one, itself included, in the order of its keys."""
    if isinstance(value, wanted):
        yield value
    if isinstance(value, Located):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name), wanted)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item, wanted)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from parts(item, wanted)
