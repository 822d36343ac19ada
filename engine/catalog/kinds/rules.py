"""``checks`` and ``action``: what is tested and what is done, by name, inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.catalog.kind import Definition
from engine.errors import Label
from engine.fields.field import Field
from engine.source.shape import Formula, Located, Name, option
from engine.steps.step import Step


@dataclass(frozen=True, kw_only=True)
class Rule(Located):
    """A condition and what follows when it does not hold: a refusal, or the steps of `otherwise`."""

    __short__ = "require"

    when: Formula | None = option(None, help="The rule only counts where this is true")
    require: Formula
    unknown: str | None = option(None, help="`pass` or `fail` (unless said) when the condition is unknown because of a null")
    at: str | None = option(None, help="The field that the complaint points at")
    code: str | None = None
    message: Label | None = None
    otherwise: tuple[Step, ...] = option((), one_or_many=True, help="What to do instead of refusing")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Checks(Definition):
    """Rules that a `run` step works through, all of them, each with its own consequence."""

    kind: ClassVar[str] = "checks"
    link_order: ClassVar[int] = 40

    checks: Name
    for_: Name = option(key="for")
    label: Label | None = None
    rules: Mapping[Name, Rule]


@dataclass(frozen=True, kw_only=True)
class Action(Definition):
    """Steps under a name, with input of their own."""

    kind: ClassVar[str] = "action"
    link_order: ClassVar[int] = 40

    action: Name
    for_: Name | None = option(None, key="for")
    label: Label | None = None
    input: Mapping[Name, Field] = option(default_factory=dict)
    steps: tuple[Step, ...] = option(one_or_many=True)
