"""What a function of expressions is: its forms, each with the types it takes and gives and its implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from engine.expressions.tree import Call
from engine.expressions.types import ListType, Type
from engine.registry import Registry

#: Generic types. All places of a form that are the same generic type stand for one type, found from the arguments.
NUMBER = Type("number")
ORDERED = Type("value with an order")
COUNTABLE = Type("value to count")
ANY = Type("value")

NUMBER_LIST = ListType("list", NUMBER)
ORDERED_LIST = ListType("list", ORDERED)
COUNTABLE_LIST = ListType("list", COUNTABLE)
ANY_LIST = ListType("list", ANY)

#: ``strict``: one null argument makes the result null and ``run`` is not called. ``given``: ``run`` is given None.
Nulls = Literal["strict", "given"]


#: Whether ``run`` itself gives None: ``never``, ``always`` (it may at any time), ``gaps`` (when a list holds nulls).
GivesNull = Literal["never", "always", "gaps"]


class Writer(Protocol):
    """What an inline form may use of the generated code."""

    def constant(self, value: object) -> str:
        """The name under which the generated code finds the value."""
        ...

    def temporary(self) -> str:
        """A fresh name, to be set by ``:=``."""
        ...


#: Python source for a call, from the sources of its arguments; None where the general way (calling ``run``) must do.
Inline = Callable[[Writer, Call, Sequence[str]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to call a function.

    A list argument comes with the nulls that it holds, except to an inline form with ``dense``. ``hidden`` names of the
    scope follow the arguments; None where the scope has none of the name. ``fails``: ``run`` may raise an
    ExpressionError or an OverflowError. ``identity``: ``run`` looks at the ids of records.
    """

    takes: tuple[Type, ...]
    gives: Type
    run: Callable[..., Any]
    optional: int = 0
    repeats: bool = False
    nulls: Nulls = "strict"
    gives_null: GivesNull = "never"
    inline: Inline | None = None
    dense: bool = False
    hidden: tuple[str, ...] = ()
    fails: bool = False
    identity: bool = False

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return len(self.takes) - self.optional

    @property
    def most(self) -> int | None:
        """The greatest number of arguments, None for any."""
        return None if self.repeats else len(self.takes)

    def parameters(self, count: int) -> tuple[Type, ...]:
        """The types of so many arguments: the last one repeated as often as needed."""
        return (self.takes + self.takes[-1:] * (count - len(self.takes)))[:count]

    def accepts(self, count: int) -> bool:
        """Whether so many arguments are right."""
        return self.least <= count and (self.most is None or count <= self.most)


@dataclass(frozen=True, slots=True)
class Function:
    """A function under its name, with a line about it for editors and the docs."""

    name: str
    forms: tuple[Form, ...]
    summary: str


Functions = Registry[Function]


def functions(entries: Iterable[Function]) -> Functions:
    """The functions by their names. Two of one name are a ValueError."""
    return Registry("functions", ((entry.name, entry) for entry in entries))
