"""What a bare word stands for: what a loop names, a field of the record, a name of the scope, the record itself."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.expressions.tree import Constant, Member, Node, OwnRecord, ScopeName
from engine.expressions.types import BOOLEAN, NULL, ChoiceType, ListType, RecordType, Scope, Type
from engine.registry import did_you_mean

#: Words that cannot name a field: an expression could not say it.
RESERVED = frozenset(keyword.kwlist) | {"true", "false", "null", "record"}

LITERALS = {"true": (BOOLEAN, True), "false": (BOOLEAN, False), "null": (NULL, None)}


@dataclass(frozen=True, slots=True)
class Variable:
    """What a loop names."""

    type: Type
    nullable: bool


@dataclass
class Names:
    """The names of a scope, and of the loops around the place that is looked at."""

    scope: Scope
    variables: dict[str, Variable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        record = self.scope.record
        self._own = None if record is None else RecordType.of(record)

    def find(self, name: str, start: int, end: int) -> Node | None:
        """The node that the name stands for, or None when it is unknown."""
        if name in LITERALS:
            type_, value = LITERALS[name]
            return Constant(type=type_, nullable=value is None, start=start, end=end, value=value)
        if name in self.variables:
            variable = self.variables[name]
            return ScopeName(type=variable.type, nullable=variable.nullable, start=start, end=end, name=name)
        own_type = self._own
        member = own_type.shape.member(name) if own_type is not None else None
        if own_type is not None and member is not None:
            own = OwnRecord(type=own_type, nullable=False, start=start, end=start)
            return Member(type=member.type, nullable=member.nullable, start=start, end=end, base=own, name=name)
        if name in self.scope.names:
            return ScopeName(type=self.scope.names[name], nullable=True, start=start, end=end, name=name)
        if own_type is not None and name in ("record", own_type.name):
            return OwnRecord(type=own_type, nullable=False, start=start, end=end)
        return None

    def knows(self, name: str) -> bool:
        """Whether the name stands for something."""
        if name in LITERALS or name in self.variables or name in self.scope.names:
            return True
        record = self.scope.record
        return record is not None and (name in ("record", record.name) or record.member(name) is not None)

    def hint(self, name: str, place: Type | None) -> str | None:
        """What was meant by an unknown name, likely; ``place`` is the type beside it or expected of it."""
        options = options_of(place)
        if name in options:
            return f'a text is quoted: "{name}"'
        record = self.scope.record
        fields = record.names() if record is not None else ()
        return did_you_mean(name, [*fields, *self.scope.names, *self.variables, *LITERALS, *options])


def options_of(place: Type | None) -> Sequence[str]:
    """The options of a choice, or of a list of choices; else none."""
    if isinstance(place, ListType):
        place = place.item
    return place.options if isinstance(place, ChoiceType) else ()
