"""Constants of a condition, lifted out of it: conditions that differ only in these share one statement.

``status == "open"`` and ``status == "closed"`` are one question with two values, so that a list that is filtered by
whatever a request names is translated and compiled once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from engine.expressions.language import Expression
from engine.expressions.tree import Constant, Node, ScopeName

#: How lifted constants are named, beside the names of the scope.
PREFIX = "lifted_constant_"


@dataclass(frozen=True, slots=True)
class Lifted:
    """A condition without its constants, and these by the names that stand for them."""

    expression: Expression
    values: dict[str, Any]


def lifted(expression: Expression, first: int) -> Lifted:
    """The condition with its constants lifted, numbered from ``first`` on. Trees of equal questions are equal."""
    values: dict[str, Any] = {}
    tree = _lifted(expression.tree, values, first)
    return Lifted(Expression(expression.text, tree, expression.functions), values)


def _lifted(node: Node, values: dict[str, Any], first: int) -> Node:
    # Null stays: whether a value is compared with null decides the text.
    if isinstance(node, Constant) and node.value is not None:
        name = f"{PREFIX}{first + len(values)}"
        values[name] = node.value
        return ScopeName(type=node.type, nullable=False, start=0, end=0, name=name)
    changes: dict[str, Any] = {"start": 0, "end": 0}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            changes[field.name] = _lifted(value, values, first)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(_lifted(child, values, first) for child in value)
    return replace(node, **changes)
