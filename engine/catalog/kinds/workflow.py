"""``workflow``: the states of a record, and what moves it between them."""

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
class Branch(Located):
    """One way on: taken when its condition is true, or when it has none."""

    to: Name
    if_: Formula | None = option(None, key="if")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Notification(Located):
    """A message to queue: ``to`` is a link of the record, a role, or an address field."""

    __short__ = "message"

    message: Name
    to: str | None = None


@dataclass(frozen=True, kw_only=True)
class Event(Located):
    """Something that may be fired on a record in certain states."""

    to: Name | None = option(None, help="The state it leads to; absent: the state stays")
    from_: tuple[Name, ...] = option((), key="from", one_or_many=True, help="The states it may be fired in; for events that stand on their own")
    label: Label | None = None
    by: str | None = option(None, help="`system`: only the engine fires it; a role's name: only that role")
    require: Formula | None = option(None, help="The guard")
    message: Label | None = option(None, help="What to say when the guard refuses")
    input: Mapping[Name, Field] = option(default_factory=dict, help="What must be put in: a small model")
    do: tuple[Step, ...] = option((), one_or_many=True)
    notify: tuple[Notification, ...] = option((), one_or_many=True)

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class State(Located):
    """Where a record may stand. Entry runs ``do``, sends ``notify``, then tries ``next`` from top to bottom."""

    label: Label | None = None
    after: Name | None = option(None, help="In an `extends`: the state whose last branch this one takes over")
    do: tuple[Step, ...] = option((), one_or_many=True)
    notify: tuple[Notification, ...] = option((), one_or_many=True)
    events: Mapping[Name, Event] = option(default_factory=dict)
    next: Mapping[Name, Branch] = option(default_factory=dict)
    color: str | None = option(None, help="ok, warn, bad or info")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Workflow(Definition):
    """States, events and what happens between them. With `extends`, a patch by name over another workflow."""

    kind: ClassVar[str] = "workflow"
    link_order: ClassVar[int] = 30

    workflow: Name
    label: Label | None = None
    for_: Name = option(key="for")
    start: Name | None = None
    extends: Name | None = None
    states: Mapping[Name, State] = option(default_factory=dict)
    events: Mapping[Name, Event] = option(default_factory=dict, help="Events that stand on their own: each names its `from`")
