"""Pieces of generated source: what guards them, and the ids that stand for records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from engine.expressions.tree import Constant, Each, ListOf, Member, Node, holds_nulls
from engine.expressions.types import TEXT, ListType, RecordType


class Code(NamedTuple):
    """Source that is right unless a guard is null; then the value is null.

    A guard is a local, or ``(name := source)``. ``open``: the source itself may give null too.
    """

    source: str
    guards: tuple[str, ...] = ()
    open: bool = False


def closed(code: Code) -> str:
    """Source of the value, None where a guard is null."""
    if not code.guards:
        return code.source
    return f"(None if {' or '.join(f'{guard} is None' for guard in once(code.guards))} else {code.source})"


def once(guards: Iterable[str]) -> Iterable[str]:
    """Each guard once, in order."""
    return dict.fromkeys(guards)


def identity(node: Node) -> Node:
    """Records are the same when their ids are: the id in place of a record, the ids in place of records."""
    if isinstance(node.type, RecordType):
        return Member(type=TEXT, nullable=node.nullable, start=node.start, end=node.end, base=node, name="id")
    if isinstance(node.type, ListType) and isinstance(node.type.item, RecordType):
        if isinstance(node, ListOf):
            return replace(node, type=ListType("list", TEXT), items=tuple(map(identity, node.items)))
        return Each(
            type=ListType("list", TEXT),
            nullable=node.nullable,
            start=node.start,
            end=node.end,
            base=node,
            name="id",
            gaps=holds_nulls(node),
        )
    return node


def is_present(node: Node) -> bool:
    """Whether the node is a constant other than null."""
    return isinstance(node, Constant) and node.value is not None
