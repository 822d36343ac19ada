"""Tries changed documents on the past: what they would have decided about every record that was asked about, as it was
when it was asked about. The functions that decide are those that decide in an act (``engine.runtime.judges``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.expressions.language import Expression
from engine.expressions.types import DATETIME, DECIMAL, Type
from engine.ports import Record
from engine.runtime.act import event_facts, standing_names
from engine.runtime.judges.everyone import appoint
from engine.runtime.judges.judge import Asked, Judge
from engine.runtime.past import Moment, Past
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.history import HISTORY
from engine.store.store import Store
from engine.store.transaction import Transaction

#: Entries of the history that are in memory at a time.
CHUNK = 1_000
#: Changed decisions that are told one by one.
MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """A decision that would be another."""

    record: str
    title: str
    at: datetime
    before: str
    after: str
    amount: Decimal | None


@dataclass(slots=True)
class Result:
    """What a changed object would have decided. ``changed`` counts by (before, after), ``amounts`` sums so."""

    name: str
    model: str
    decisions: int = 0
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    amounts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    #: Records that are not there any more.
    gone: int = 0
    #: What was read as it is now, because its past is not kept.
    only_present: frozenset[str] = frozenset()


class Backtest:
    """One changed object against the one in force, over the past of a database."""

    def __init__(
        self,
        store: Store,
        database: Database,
        changed: Catalog,
        kind: str,
        name: str,
        *,
        amount: str | None = None,
        as_of: str | None = None,
    ) -> None:
        """``amount`` is an expression over the record, the money that it is about; ``as_of`` one for the moment that
        counts, where that is not when the record was written: what was imported has happened earlier."""
        self._store = store
        self._database = database
        self._present = store.catalog
        self._name = name
        self._before = appoint(kind, self._present, store, name)
        after = appoint(kind, changed, store, name)
        if after is None:
            raise EngineError(f"the file has no {kind} '{name}'")
        if after.model is None:
            raise EngineError(f"{name} is for no model: nothing is kept of what it was given")
        if self._before is not None and self._before.model != after.model:
            raise EngineError(f"{name} is for {self._before.model} in force, and for {after.model} in the file")
        self._after: Judge = after
        self.model = after.model
        self._amount = self._compiled(amount, DECIMAL)
        self._as_of = self._compiled(as_of, DATETIME)
        title = self._present.models[self.model].title
        self._title = title if isinstance(title, str) else None
        reads = after.reads | (self._before.reads if self._before is not None else frozenset())
        for expression in (self._amount, self._as_of):
            reads |= expression.reads if expression is not None else frozenset()
        if self._title is not None:
            reads |= {(self._title,)}
        self._past = Past(store, reads, self.model)

    def _compiled(self, text: str | None, type_: Type) -> Expression | None:
        if text is None:
            return None
        return self._present.compile(text, self._present.scope(self.model), type_)

    def run(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        event: str | None = None,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> Result:
        """What would have been decided otherwise. Asked are the moments at which the history tells of the object, and
        those of the events at which it decides by itself; or those of ``event`` (``create``, or the name of an event of
        the model)."""
        if self._before is None and event is None and not self._after.events:
            raise EngineError(
                f"{self._name} is not in force, so that the history tells of no decision: say at which event it shall"
                " be asked, with --event NAME, or --event create"
            )
        result = Result(self._name, self.model, only_present=self._past.only_present)
        last: str | None = None
        while True:
            last = self._database.read(partial(self._chunk, result, since, until, event, last))
            progress(result.decisions)
            if last is None:
                return result

    def _chunk(
        self,
        result: Result,
        since: datetime | None,
        until: datetime | None,
        event: str | None,
        after: str | None,
        tx: Transaction,
    ) -> str | None:
        """The id of the last entry that was looked at; None when there are no more."""
        table = self._store.tables[HISTORY]
        query = select(*(table.c[name] for name in ("id", "at", "record", "act"))).where(table.c["model"] == self.model)
        query = query.where(table.c["at"] >= since) if since is not None else query
        query = query.where(table.c["at"] < until) if until is not None else query
        query = query.where(table.c["id"] > after) if after is not None else query
        query = query.where(self._asked(event)).order_by(table.c["id"]).limit(CHUNK)
        entries = tx.core(query)
        self._work(tx, result, entries)
        return str(entries[-1]["id"]) if len(entries) == CHUNK else None

    def _asked(self, event: str | None) -> ColumnElement[bool]:
        """Whether an entry tells of a decision of the object, or is of a moment at which it decides, or of the
        event."""
        history = self._store.history
        if event is not None:
            return history.at_event([event])
        told = history.tells_of(self._name)
        events = self._after.events | (self._before.events if self._before is not None else frozenset())
        return or_(told, history.at_event(events)) if events else told

    def _work(self, tx: Transaction, result: Result, entries: Sequence[Mapping[str, Any]]) -> None:
        asked = [(str(entry["record"]), Moment(entry["at"], str(entry["id"]))) for entry in entries]
        for entry, record in zip(entries, self._past.records(tx, asked), strict=True):
            if record is None:
                result.gone += 1
                continue
            self._try(tx, result, record, entry)

    def _try(self, tx: Transaction, result: Result, record: Record, entry: Mapping[str, Any]) -> None:
        happened, event = entry["at"], str(entry["act"]).removeprefix("event:")
        at, names = happened, self._names(tx, record, happened, event)
        if self._as_of is not None:
            at = self._as_of(record, names) or at
            names = self._names(tx, record, at, event)
        asked = Asked(record, names, at, happened)
        before = self._before.judge(tx, asked) if self._before is not None else self._after.without
        after = self._after.judge(tx, asked)
        result.decisions += 1
        if before != after:
            self._tell(result, asked, before, after)

    def _names(self, tx: Transaction, record: Record, at: datetime, event: str) -> Mapping[str, Any]:
        app, lists = self._present.app, self._store.lists.at(at, tx)
        standing = standing_names(SYSTEM, at, app.timezone, self._present.working_time, lists)
        return {**standing, "event": event_facts(SYSTEM, at, event), "record": record, self.model: record}

    def _tell(self, result: Result, asked: Asked, before: str, after: str) -> None:
        record = asked.record
        amount: Decimal | None = None
        if self._amount is not None:
            amount = Decimal(self._amount(record, asked.names) or 0)
            result.amounts[before, after] = result.amounts.get((before, after), Decimal(0)) + amount
        result.changed[before, after] += 1
        if len(result.examples) < MOST_EXAMPLES:
            shown = str(record.get(self._title) or "") if self._title is not None else ""
            result.examples.append(Example(record["id"], shown, asked.moment, before, after, amount))
