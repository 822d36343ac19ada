"""Finds the expressions of a definition."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from engine.source.declare import Located
from engine.source.leaves import Formula


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
