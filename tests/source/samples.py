"""A small grammar that uses everything a kind of definition can declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from engine.errors import Label
from engine.source.problems import Problems
from engine.source.reader import read_text
from engine.source.shape import Duration, Family, Formula, Grammar, Located, Name, Rate, TimeOfDay, option


@dataclass(frozen=True, kw_only=True)
class Part(Located):
    """A part, told by its type."""

    label: Label | None = None


@dataclass(frozen=True, kw_only=True)
class TextPart(Part):
    max: int | None = None


@dataclass(frozen=True, kw_only=True)
class LinkPart(Part):
    to: Name
    many: bool = False


@dataclass(frozen=True, kw_only=True)
class OptionPart(Part):
    of: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Act(Located):
    """Something to do."""


@dataclass(frozen=True, kw_only=True)
class Say(Act):
    say: str
    loud: bool = False


@dataclass(frozen=True, kw_only=True)
class Each(Act):
    """Does all of `do` for each."""

    for_each: Formula
    as_: Name = option(key="as")
    do: tuple[Act, ...] = option(one_or_many=True)


@dataclass(frozen=True, kw_only=True)
class Branch(Located):
    """One way on."""

    __short__ = "to"

    to: Name
    if_: Formula | None = option(None, key="if", help="Taken when it is true")


@dataclass(frozen=True, kw_only=True)
class Roles(Located):
    roles: tuple[Name, ...] = option((), one_or_many=True, short=True)
    level: int = 0


@dataclass(frozen=True, kw_only=True)
class Card(Located):
    rows: tuple[tuple[Name, ...], ...]
    card: Label | None = None


@dataclass(frozen=True, kw_only=True)
class Grid(Located):
    grid: Name
    columns: tuple[Name, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Origin(Located):
    __exactly_one__ = (("from", "const"),)
    __at_most_one__ = (("scale", "format", "choices"),)

    from_: str | None = option(None, key="from")
    const: Any = None
    scale: Decimal | None = None
    format: str | None = None
    choices: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Thing(Located):
    """A thing with
    everything.

    Only the first paragraph is shown.
    """

    kind: ClassVar[str] = "thing"

    thing: Name
    label: Label | None = option(None, help="What people read")
    count: int = 0
    price: Decimal | None = None
    open: bool = True
    mode: Literal["any", "all", 1] = "any"
    lock: Literal["version"] | bool = "version"
    create: Literal["all", "none"] | Formula = "none"
    value: Formula | None = None
    values: Mapping[Name, Formula] = option(default_factory=dict)
    due: Duration | None = None
    rate: Rate | None = None
    week: Mapping[Literal["mon", "tue"], tuple[tuple[TimeOfDay, TimeOfDay], ...]] = option(default_factory=dict)
    parts: Mapping[Name, Part] = option(default_factory=dict)
    acts: tuple[Act, ...] = option((), one_or_many=True)
    next: Mapping[Name, Branch | None] = option(default_factory=dict)
    by: Roles | None = None
    layout: tuple[Card | Grid, ...] = ()
    map: Mapping[str, Origin] = option(default_factory=dict)
    extra: Any = None


GRAMMAR = Grammar(
    {
        Part: Family(
            "part types", {"text": TextPart, "link": LinkPart, "option": OptionPart}, "type", {"of": "option"}
        ),
        Act: Family("acts", {"say": Say, "for_each": Each}),
    }
)


def parse(text: str) -> tuple[Thing | None, list[str]]:
    """The thing below ``thing: a``, or None, and its problems as ``line:column code message; hint``."""
    problems = Problems()
    (document,) = read_text("thing: a\n" + text, "a.yaml", problems)
    thing = GRAMMAR.parse(Thing, document, problems)
    return thing, [str(problem).removeprefix("a.yaml:") for problem in problems]
