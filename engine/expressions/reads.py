"""What an expression reads: the paths from the record, and from the names of the scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.expressions.functions.function import Functions
from engine.expressions.tree import (
    Call,
    Compare,
    Comprehension,
    Conditional,
    Each,
    ListOf,
    Member,
    Node,
    OwnRecord,
    ScopeName,
)
from engine.expressions.types import ListType, RecordType

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """Paths from the record (``("parcel", "weight")``) and from the scope (``("user", "team")``).

    A path ends at the value that is used: of a record that is only compared, tested for null or handed on, at its
    ``id``; of a list that is only counted, at the list.
    """

    record: frozenset[Path]
    scope: frozenset[Path]


def reads(tree: Node, functions: Functions) -> Reads:
    """What the tree reads."""
    reader = _Reader(functions)
    reader.use(tree)
    return Reads(frozenset(reader.record), frozenset(reader.scope))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a value comes from as it is."""

    own: bool
    path: Path

    def member(self, name: str) -> _Origin:
        return _Origin(self.own, (*self.path, name))


@dataclass
class _Reader:
    functions: Functions
    record: set[Path] = field(default_factory=set)
    scope: set[Path] = field(default_factory=set)
    variables: dict[str, Sequence[_Origin]] = field(default_factory=dict)

    def use(self, node: Node, *, identity: bool = False) -> None:
        """Notes the paths that the node's value ends. ``identity``: of the records of a list the ids count."""
        for origin in self.origins(node):
            compared = identity and isinstance(node.type, ListType) and isinstance(node.type.item, RecordType)
            self._note(origin.member("id") if compared or isinstance(node.type, RecordType) else origin)

    def origins(self, node: Node) -> Sequence[_Origin]:
        """Where the node's value comes from as it is; notes what is read on the way to it."""
        match node:
            case OwnRecord():
                return [_Origin(True, ())]
            case ScopeName(name=name):
                return self.variables.get(name, [_Origin(False, (name,))])
            case Member(base=base, name=name) | Each(base=base, name=name):
                return [origin.member(name) for origin in self.origins(base)]
            case Conditional():
                self.use(node.condition)
                return [*self.origins(node.then), *self.origins(node.otherwise)]
            case ListOf():
                return [origin for item in node.items for origin in self.origins(item)]
            case Comprehension():
                return self._loop(node)
            case Call():
                return self._call(node)
            case Compare(op="in" | "not in"):
                self.use(node.left)
                self.use(node.right, identity=True)
            case _:
                for child in node.children():
                    self.use(child)
        return []

    def _loop(self, node: Comprehension) -> Sequence[_Origin]:
        sources = self.origins(node.source)
        self.variables[node.variable] = sources
        if node.condition is not None:
            self.use(node.condition)
        elements = self.origins(node.element)
        del self.variables[node.variable]
        for source in sources:
            # `sum(1 for p in parts)` names nothing of a part, and depends on how many there are.
            named = {
                *(self.record if source.own else self.scope),
                *(at.path for at in elements if at.own == source.own),
            }
            if not any(path[: len(source.path)] == source.path for path in named):
                self._note(source)
        return elements

    def _call(self, node: Call) -> Sequence[_Origin]:
        form = self.functions[node.function].forms[node.form]
        self.scope |= {(name,) for name in form.hidden}
        made = node.type.item if isinstance(node.type, ListType) else node.type
        if isinstance(made, RecordType):
            # `first(parts).weight`: the records are handed on, and what is read of them comes after.
            if form.identity:
                for arg in node.args:
                    self.use(arg, identity=True)
            return [origin for arg in node.args for origin in self.origins(arg)]
        for arg in node.args:
            self.use(arg)
        return []

    def _note(self, origin: _Origin) -> None:
        (self.record if origin.own else self.scope).add(origin.path)
