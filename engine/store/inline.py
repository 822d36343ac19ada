"""Expressions in terms of what is stored: a field that has no column gives way to the expression that it stands for.

A lookup, or a field that follows links back, is worked out by the database wherever it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from engine.catalog.catalog import Catalog
from engine.expressions.language import Expression
from engine.expressions.tree import Member, Node, OwnRecord
from engine.expressions.types import RecordType
from engine.fields.field import Field
from engine.fields.link import LookupField

N = TypeVar("N", bound=Node)


def unstored_expression(field: Field) -> Expression | None:
    """The expression that a field without a column stands for; None where there is none."""
    formula = field.from_ if isinstance(field, LookupField) else field.value
    return formula.expression if formula is not None else None


def inlined(catalog: Catalog, expression: Expression) -> Expression:
    """The same expression, reading only what is stored."""
    tree = _inlined(catalog, expression.tree)
    return expression if tree is expression.tree else Expression(expression.text, tree, expression.functions)


def _inlined(catalog: Catalog, node: N) -> N | Node:
    if isinstance(node, Member) and isinstance(node.base.type, RecordType):
        stands_for = _unstored(catalog, node.base.type.name, node.name)
        if stands_for is not None:
            base = _inlined(catalog, node.base)
            return _inlined(catalog, _about(stands_for.tree, base))
    return _rebuilt(node, lambda child: _inlined(catalog, child))


def _unstored(catalog: Catalog, place: str, name: str) -> Expression | None:
    model, *path = place.split(".")
    if model not in catalog.models:
        return None
    field = catalog.row_fields(model, path).get(name)
    if field is None or (field.stored and (path or name not in catalog.live_fields(model))):
        return None
    return unstored_expression(field)


def _about(tree: Node, base: Node) -> Node:
    """The tree with another record in place of its own."""
    if isinstance(tree, OwnRecord):
        return base
    return _rebuilt(tree, lambda child: _about(child, base))


def _rebuilt(node: N, change: Callable[[Node], Node]) -> N:
    """The node with its children changed; itself where none has changed."""
    changes: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            changed = change(value)
            if changed is not value:
                changes[field.name] = changed
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            children = tuple(change(child) for child in value)
            if any(new is not old for new, old in zip(children, value, strict=True)):
                changes[field.name] = children
    return replace(node, **changes) if changes else node
