"""The types of values in expressions, and the shapes whose members a path may name.

At run time a value is plain data: text ``str``, integer ``int``, decimal ``Decimal``, boolean ``bool``, date
``date``, datetime aware UTC ``datetime``, time ``time``, duration ``timedelta``, json ``dict | list | …``; a list is
a ``list``; a record (a stored one, a row of it, the record behind a link, an input) is a ``dict`` of its members'
values, with ``id`` where it is stored. No value is None, whatever its type; a list from outside holds no None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Type:
    """One sort of value. The subclasses below carry more; compare with ``==``."""

    name: str

    def __str__(self) -> str:
        return self.name


TEXT = Type("text")
INTEGER = Type("integer")
DECIMAL = Type("decimal")
BOOLEAN = Type("boolean")
DATE = Type("date")
DATETIME = Type("datetime")
TIME = Type("time")
DURATION = Type("duration")
JSON = Type("json")
NULL = Type("null")

NUMBERS = (INTEGER, DECIMAL)


@dataclass(frozen=True, slots=True)
class ChoiceType(Type):
    """A text out of a closed list. A bare option name is a constant where a choice is expected or compared."""

    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListType(Type):
    """Many values of one type."""

    item: Type = NULL

    def __str__(self) -> str:
        return f"list of {self.item}"


class Shape(Protocol):
    """A thing with named members: a model, the rows of one, an input, a user, an event."""

    @property
    def name(self) -> str:
        """The model's name (``parcel``), or a path for what is part of one (``parcel.lines``)."""
        ...

    @property
    def key(self) -> str | None:
        """The member that a text is compared with when this record stands beside a text; None: it cannot."""
        ...

    def member(self, name: str) -> Member | None:
        """The member of that name, or None."""
        ...

    def names(self) -> Iterable[str]:
        """All member names, for suggestions."""
        ...


@dataclass(frozen=True, slots=True)
class RecordType(Type):
    """A record of a shape: what a link leads to, a row, ``record``, ``user``. Equal when the shape's name is."""

    shape: Shape = field(compare=False, repr=False, kw_only=True)

    @classmethod
    def of(cls, shape: Shape) -> RecordType:
        return cls(shape.name, shape=shape)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a shape: its type, and whether it may be null."""

    type: Type
    nullable: bool = True


@dataclass(frozen=True)
class SimpleShape:
    """A shape from a mapping of members, for inputs, events, ``let`` names and tests."""

    name: str
    members: Mapping[str, Member]
    key: str | None = None

    def member(self, name: str) -> Member | None:
        return self.members.get(name)

    def names(self) -> Iterable[str]:
        return self.members


@dataclass(frozen=True)
class ManyShape:
    """All records of a group at once, for measures: each member is the list of their values (``sum(weight)``)."""

    each: Shape

    @property
    def name(self) -> str:
        return self.each.name

    @property
    def key(self) -> str | None:
        return None

    def member(self, name: str) -> Member | None:
        found = self.each.member(name)
        if found is None or isinstance(found.type, ListType):
            return found
        return Member(ListType("list", found.type), nullable=False)

    def names(self) -> Iterable[str]:
        return self.each.names()


@dataclass(frozen=True)
class Scope:
    """What an expression may name: the members of ``record`` directly, then ``names``.

    In generated code the record is the argument ``r`` and the names are the mapping ``s``.
    """

    record: Shape | None = None
    names: Mapping[str, Type] = field(default_factory=dict)

    def having(self, **names: Type) -> Scope:
        """The same scope with more names."""
        return replace(self, names={**self.names, **names})
