"""Finds the formulas inside a definition, wherever its annotations put them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from engine.source.shape import Formula, Located


def formulas(part: Any) -> Iterator[Formula]:
    """Every formula in a located object, its maps and lists, in the order in which they are declared."""
    if isinstance(part, Formula):
        yield part
    elif isinstance(part, Located):
        for field in fields(part):
            if field.name not in ("document", "path"):
                yield from formulas(getattr(part, field.name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from formulas(value)
    elif isinstance(part, tuple | list):
        for value in part:
            yield from formulas(value)
