"""The checked tree of an expression: the one form that all backends translate.

Every node knows its type, whether it may be null, and which characters of the text it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.expressions.types import ListType, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    type: Type
    nullable: bool
    start: int
    end: int

    def children(self) -> Iterator[Node]:
        """The nodes directly below, in the order of the text."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Node):
    """A literal, or the bare name of an option in a choice's place."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord(Node):
    """The record whose fields stand without a prefix (``record``, or the model's own name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeName(Node):
    """A name of the scope: ``user``, ``now``, ``input``, what ``let``, ``as`` or a comprehension names."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Node):
    """A member of a record. An own field is a member of OwnRecord. ``base`` null makes it null."""

    base: Node
    name: str

    def children(self) -> Iterator[Node]:
        yield self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(Node):
    """A member of every record of a list: a list of the values.

    ``flat``: the member is itself a list, and all of them are laid end to end (null ones add nothing).
    ``gaps``: the list may hold nulls, since the member, or a record of the list, may be null.
    """

    base: Node
    name: str
    flat: bool = False
    gaps: bool = True

    def children(self) -> Iterator[Node]:
        yield self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    """``-x``, ``+x`` or ``not x``."""

    op: str
    operand: Node

    def children(self) -> Iterator[Node]:
        yield self.operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """``+ - * / // %`` on two operands."""

    op: str
    left: Node
    right: Node

    def children(self) -> Iterator[Node]:
        yield self.left
        yield self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(Node):
    """``and`` / ``or`` over two or more parts, three-valued."""

    op: str
    parts: tuple[Node, ...]

    def children(self) -> Iterator[Node]:
        yield from self.parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Node):
    """A comparison of two operands: ``== != < <= > >= in 'not in'``. A chain is a Logic ``and`` of these.

    ``x == null`` and ``x != null`` are presence tests and never null. Records are compared by ``id``; a record beside a
    text has been turned into a Member of its key by the checker.
    """

    op: str
    left: Node
    right: Node

    def children(self) -> Iterator[Node]:
        yield self.left
        yield self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional(Node):
    """``a if condition else b``; an unknown condition takes ``b``."""

    condition: Node
    then: Node
    otherwise: Node

    def children(self) -> Iterator[Node]:
        yield self.condition
        yield self.then
        yield self.otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Node):
    """A literal list."""

    items: tuple[Node, ...]

    def children(self) -> Iterator[Node]:
        yield from self.items


@dataclass(frozen=True, slots=True, kw_only=True)
class Comprehension(Node):
    """``element for variable in source if condition``: the argument of ``sum any all count min max mean``."""

    element: Node
    variable: str
    source: Node
    condition: Node | None

    def children(self) -> Iterator[Node]:
        yield self.source
        if self.condition is not None:
            yield self.condition
        yield self.element


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert(Node):
    """An integer as a decimal (``type`` says so): where a branch, an item or an argument is one and its place is not.

    Operands of ``+ - * / // %`` and of comparisons are not converted: numbers mix there.
    """

    operand: Node

    def children(self) -> Iterator[Node]:
        yield self.operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A registered function on its arguments; ``form`` says which of the function's forms fits them."""

    function: str
    args: tuple[Node, ...]
    form: int = 0

    def children(self) -> Iterator[Node]:
        yield from self.args


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, parents first."""
    yield node
    for child in node.children():
        yield from walk(child)


def any_node(node: Node, test: Callable[[Node], bool]) -> bool:
    """Whether a node of the tree passes the test."""
    return any(test(found) for found in walk(node))


def holds_nulls(node: Node) -> bool:
    """Whether the list that the node makes may have null items. A list that comes from outside never has."""
    match node:
        case Each(gaps=gaps):
            return gaps
        case ListOf(items=items):
            return any(item.nullable for item in items)
        case Comprehension(element=element):
            return element.nullable
        case Conditional(then=then, otherwise=otherwise):
            return holds_nulls(then) or holds_nulls(otherwise)
        case Call(args=args):
            return any(holds_nulls(arg) for arg in args if isinstance(arg.type, ListType))
        case _:
            return False
