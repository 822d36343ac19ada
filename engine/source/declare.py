"""How a kind of definition declares its YAML: frozen dataclasses whose annotations are the keys and their types.

    @dataclass(frozen=True, kw_only=True)
    class Branch(Located):
        __short__ = "to"                  # a bare text fills this key: `go: approved`
        to: Name
        if_: Formula | None = option(None, key="if", help="Taken when it is true")

Annotations may be ``str int bool Decimal Any Name Formula Duration Window Rate TimeOfDay Label``, ``Literal[…]``,
``X | None``, unions, ``tuple[X, ...]``, ``tuple[X, Y]``, ``Mapping[K, X]`` (K: ``Name``, ``str`` for any text, or a
Literal), and other Located dataclasses. A base class given to the grammar as a :class:`Family` stands for any of its
members.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar

from engine.errors import Span
from engine.source.document import Document, Path

#: The entry of a field's metadata that holds its Option.
OPTION = "option"


@dataclass(frozen=True, slots=True)
class Option:
    """What is said of one key beyond its type. ``merge`` is for those who lay one definition over another."""

    key: str | None = None
    help: str | None = None
    one_or_many: bool = False
    short: bool = False
    merge: str | None = None


def option(
    default: Any = dataclasses.MISSING,
    *,
    default_factory: Callable[[], Any] | None = None,
    key: str | None = None,
    help: str | None = None,
    one_or_many: bool = False,
    short: bool = False,
    merge: str | None = None,
) -> Any:
    """A dataclass field for a YAML key: ``key`` where Python cannot spell it, ``help`` for the JSON Schema.

    With ``one_or_many``, a list may be written as its only item. ``short`` marks the key that a bare value fills, as
    ``__short__`` on the class does.
    """
    metadata = {OPTION: Option(key, help, one_or_many, short, merge)}
    if default_factory is not None:
        return field(default_factory=default_factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Located:
    """The base of every object that comes from a definition file: it knows where it stands."""

    #: The key that a bare value fills (``qty: integer`` for ``qty: {type: integer}``).
    __short__: ClassVar[str | None] = None
    #: Groups of keys of which exactly one, and of which at most one, may be given.
    __exactly_one__: ClassVar[tuple[tuple[str, ...], ...]] = ()
    __at_most_one__: ClassVar[tuple[tuple[str, ...], ...]] = ()

    document: Document = field(compare=False, repr=False)
    path: Path = field(compare=False, repr=False)

    @cached_property
    def span(self) -> Span:
        """The place of the whole object. Reasons carry it, so it is worked out once."""
        return self.document.span(self.path)

    @cached_property
    def print(self) -> str:
        """A short hash of what the object says: the same text, the same print, wherever it stands."""
        said: Any = self.document.data
        for step in self.path:
            said = said[step]
        return sha256(repr(said).encode()).hexdigest()[:12]

    def span_of(self, *path: str | int) -> Span:
        """The place of what stands at that path below the object; its own place when nothing does."""
        return self.document.span((*self.path, *path))

    def key_span(self, *path: str | int) -> Span:
        """The place of the key there; without a path, of the object's own key."""
        return self.document.key_span((*self.path, *path))


@dataclass(frozen=True)
class Family:
    """The members of a base class, by the word that an author writes for each.

    With ``by``, that key holds the word (``type: text``), and a bare text is the word too; ``otherwise`` gives the word
    when the key is absent but another one is there. Without ``by``, the first key that is a word decides.
    """

    what: str
    members: Mapping[str, type[Any]]
    by: str | None = None
    otherwise: Mapping[str, str] = field(default_factory=dict)
