"""``list``: a list of values that people keep while the application runs, and that expressions ask."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.catalog.kind import Definition
from engine.errors import Label
from engine.expressions.faults import Fault
from engine.expressions.functions.lists import IN_LIST
from engine.expressions.tree import Call, Constant, Node, walk
from engine.registry import did_you_mean
from engine.source.shape import Name

#: The model whose records are the values on lists.
LIST_ENTRY = "list_entry"


@dataclass(frozen=True, kw_only=True)
class ListOfValues(Definition):
    """A name for a list. Its values are records of `list_entry`, each until it expires."""

    kind: ClassVar[str] = "list"

    list: Name
    label: Label | None = None


def list_faults(tree: Node, known: Collection[str]) -> Iterator[Fault]:
    """What is wrong with the lists that an expression asks: each must be one of the ``known``, and be named by a
    text, so that what it reads is settled when it is defined."""
    for node in walk(tree):
        if isinstance(node, Call) and node.function == IN_LIST:
            name = node.args[1]
            if not isinstance(name, Constant):
                yield Fault("E205", "the name of a list is a text", 'in_list(…, "name")', name.start, name.end)
            elif name.value not in known:
                hint = did_you_mean(name.value, known) or f"declare it: `list: {name.value}`"
                yield Fault("E302", f"there is no list '{name.value}'", hint, name.start, name.end)
