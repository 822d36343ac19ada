"""Timers of a state: what happens at a moment, as long as the record stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.onward import Branch, Notification
from engine.errors import Label
from engine.expressions.types import BOOLEAN, DATETIME, Scope
from engine.source.shape import Duration, Formula, Located, Name, option
from engine.steps.late import check_repeat, check_span
from engine.steps.step import Step, link_steps


@dataclass(frozen=True, kw_only=True)
class Timer(Located):
    """Goes off at a moment: runs ``do``, sends ``notify``, then takes the first branch of ``next`` that holds."""

    __exactly_one__: ClassVar[tuple[tuple[str, ...], ...]] = (("at", "after"),)

    label: Label | None = None
    at: Formula | None = option(None, help="The moment; the timer moves with what the expression reads")
    after: Duration | None = option(None, help="How long after the state was entered")
    since: Formula | None = option(None, help="Counts from this moment instead, where it is later than the entry")
    repeat: int = option(1, help="How many times in all")
    every: Duration | None = option(None, help="From one time to the next; as long as `after` when absent")
    do: tuple[Step, ...] = option((), one_or_many=True)
    notify: tuple[Notification, ...] = option((), one_or_many=True)
    next: Mapping[Name, Branch] = option(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.path[-1])

    def link(self, linker: DefinitionLinker, model: str, scope: Scope) -> None:
        """Compiles the moment and what happens then. The targets of branches are checked with the workflow's others."""
        linker.compile(self.at, scope, DATETIME)
        linker.compile(self.since, scope, DATETIME)
        if self.at is not None and self.since is not None:
            linker.report("E110", "`since` goes with `after`: `at` is a moment already", self, "since")
        check_span(linker, self, "after", self.after)
        check_span(linker, self, "every", self.every)
        check_repeat(linker, self, self.repeat, self.every, self.after)
        if not (self.do or self.notify or self.next):
            linker.report_key("E105", "a timer needs `do`, `notify` or `next`: something that happens then", self, ())
        link_steps(self.do, linker, model, scope)
        for notification in self.notify:
            notification.link(linker, model)
        for branch in self.next.values():
            linker.compile(branch.if_, scope, BOOLEAN)
