"""The features of a ``risk`` document: figures over the records or the events of a stretch of time that share
something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.catalog.kind import DefinitionLinker
from engine.errors import Label
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, DATETIME, DECIMAL, INTEGER, JSON, NUMBERS, ListType, Scope, Type
from engine.source.shape import Formula, Located, Window, option

#: What a feature may be, by the key that says of what.
MEASURES = ("sum", "count", "mean", "daily_mean", "max", "min", "distinct", "last")
#: What an event of the log shares with another, besides its record: who caused it, from where.
SENDERS: Mapping[str, str] = {"event.ip": "ip", "event.channel": "channel", "user": "actor"}

_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


@dataclass(frozen=True, kw_only=True)
class Feature(Located):
    """A figure over what shares a key with the record at hand, in a window of time that ends with the event. The record
    and the event themselves are counted."""

    __exactly_one__ = (MEASURES,)

    sum: Formula | None = option(None, help="0 of nothing")
    count: Formula | None = option(None, help="How many have a value; or the name of an event: how often it happened")
    mean: Formula | None = option(None, help="Null of nothing")
    daily_mean: Formula | None = option(None, help="The sum divided by the days of the window: days without count as 0")
    max: Formula | None = None
    min: Formula | None = None
    distinct: Formula | None = option(None, help="How many different values")
    last: Formula | None = option(None, help="The value of the latest other record")
    per: Formula = option(
        help="What they share, a path to one value: `owner`, `owner.email`; of events also `event.ip` and `user`"
    )
    where: Formula | None = option(None, help="Only records for which this is true")
    window: Window
    at: str | None = option(None, help="The field that says when a record counts: `created_at` unless said")
    label: Label | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @cached_property
    def measure(self) -> str:
        """One of MEASURES."""
        return next(name for name in MEASURES if getattr(self, name) is not None)

    @property
    def of(self) -> Formula:
        """What is summed, counted …"""
        found = getattr(self, self.measure)
        assert isinstance(found, Formula)
        return found

    @property
    def event(self) -> str | None:
        """The event that is counted; None where records are."""
        return self.of.text.strip() if self.measure == "count" and self.of.expression is None else None

    @property
    def sender(self) -> str | None:
        """The column of the event log that `per` means; None where it is a path of the record."""
        return SENDERS.get(self.per.text.strip())

    @property
    def moment(self) -> str:
        """The field by which a record is in the window or not."""
        return self.at or "created_at"

    @property
    def value(self) -> Expression:
        """What is summed, counted … of a record."""
        found = self.of.expression
        assert isinstance(found, Expression)
        return found

    def link(self, linker: DefinitionLinker, model: str) -> Type | None:
        """The type of the figure; None when it has problems. They are reported."""
        scope = linker.scope(model)
        self._link_per(linker, scope)
        linker.where(self.where, scope)
        text = self.of.text.strip()
        if self.measure == "count" and text in linker.events(model):
            if text in linker.fields(model):
                linker.report("E304", f"'{text}' is a field of {model} and an event", self, "count", "rename one")
            self._demand_key(linker, model, ", nor does the log" if self.sender is None else None)
            if self.at is not None:
                linker.report("E110", "an event has a moment of its own", self, "at", "leave `at` out")
            return INTEGER
        self._demand_key(linker, model, "")
        return self._link_value(linker, model, scope)

    def _link_per(self, linker: DefinitionLinker, scope: Scope) -> None:
        found = linker.compile(self.per, scope)  # a path to one value always translates
        if _PATH.fullmatch(self.per.text.strip()) is None:
            linker.report(
                "E405", "`per` is a path to one value", self, "per", "such as `owner`, `owner.email`, `event.ip`"
            )
        elif found is not None and (isinstance(found.type, ListType) or found.type == JSON):
            linker.report("E205", f"`per` needs one value, and this is {found.type}", self, "per")

    def _demand_key(self, linker: DefinitionLinker, model: str, nor: str | None) -> None:
        """Reports a ``per`` that nothing keeps."""
        if nor is not None and self.per.expression is not None and not self.per.expression.reads:
            message = f"records of {model} do not keep '{self.per.text}'{nor}"
            hint = f"keep it in a field; of events also {', '.join(SENDERS)} are kept"
            linker.report("E405", message, self, "per", hint)

    def _link_value(self, linker: DefinitionLinker, model: str, scope: Scope) -> Type | None:
        if self.at is not None:
            moment = linker.field(model, self.at, self, "at")
            if moment is not None and (moment.member(linker.shape).type != DATETIME or "." in self.at):
                linker.report("E205", "`at` names a field of the record with date and time", self, "at")
        if self.measure == "daily_mean" and self.window.days % 1:
            linker.report(
                "E405", "a mean of days needs a window of whole days", self, "window", "`7 days before today`"
            )
        found = linker.queried(self.of, scope)
        if found is None:
            return None
        if self.measure in ("sum", "mean", "daily_mean") and found.type not in NUMBERS:
            linker.report("E205", f"`{self.measure}` needs a number, and this is {found.type}", self, self.measure)
            return None
        if isinstance(found.type, ListType) or found.type in (JSON, BOOLEAN):
            linker.report("E205", f"`{self.measure}` does not take {found.type}", self, self.measure)
            return None
        if self.measure in ("count", "distinct"):
            return INTEGER
        return DECIMAL if self.measure in ("mean", "daily_mean") else found.type
