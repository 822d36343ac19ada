"""Tries changed tables and checks on the past: what they would have decided about every record that was asked about,
as it was when it was asked about. The functions that decide are those that decide in an act.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.rules import Checks
from engine.catalog.kinds.table import Table
from engine.errors import EngineError, ExpressionError, Refused, RequestError
from engine.expressions.language import Expression
from engine.expressions.types import DECIMAL
from engine.policy.decide import decide
from engine.policy.rules import judge
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.past import Moment, Past
from engine.runtime.service import SYSTEM
from engine.source.formulas import formulas
from engine.steps.step import Frame
from engine.store.database import Database
from engine.store.history import HISTORY
from engine.store.store import Store
from engine.store.transaction import Transaction

#: Entries of the history that are in memory at a time.
CHUNK = 1_000
#: Changed decisions that are told one by one.
MOST_EXAMPLES = 10

#: What is decided about a record at a moment, in words.
Judge = Callable[[Record, Mapping[str, Any], datetime], str]


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
        self, store: Store, database: Database, changed: Catalog, name: str, amount: str | None = None
    ) -> None:
        self._store = store
        self._database = database
        self._present = store.catalog
        self._name = name
        self._zone = ZoneInfo(self._present.app.timezone)
        before, after = _object(self._present, name), _object(changed, name)
        if before.for_ is None:
            raise EngineError(f"{name} is for no model: nothing is kept of what it was given")
        if after.for_ != before.for_:
            raise EngineError(f"{name} is for {before.for_} in force, and for {after.for_} in the file")
        self.model = before.for_
        self._amount = self._amount_of(amount)
        self._before, self._after = self._judge(self._present), self._judge(changed)
        reads = frozenset(self._reads(self._present)) | frozenset(self._reads(changed))
        if self._amount is not None:
            reads |= self._amount.reads
        self._past = Past(store, reads, self.model)

    def _amount_of(self, text: str | None) -> Expression | None:
        if text is None:
            return None
        return self._present.compile(text, self._present.scope(self.model), DECIMAL)

    def _reads(self, catalog: Catalog) -> Iterator[tuple[str, ...]]:
        found = _object(catalog, self._name)
        if isinstance(found, Checks):
            conditions = [formula for rule in found.rules.values() for formula in (rule.when, rule.require)]
            for formula in formulas(conditions):
                yield from formula.expression.reads
        else:
            for table in catalog.tables[self._name]:
                yield from table.reads

    def _judge(self, catalog: Catalog) -> Judge:
        found = _object(catalog, self._name)
        if isinstance(found, Checks):
            return lambda record, names, _moment: _checked(found, record, names)
        return lambda record, names, moment: self._decided(catalog, record, names, moment)

    def _decided(self, catalog: Catalog, record: Record, names: Mapping[str, Any], moment: datetime) -> str:
        table = catalog.table_on(self._name, moment.astimezone(self._zone).date())
        if table is None:
            return "no version"
        if table.needs:
            raise EngineError(f"{self._name} is given {', '.join(table.needs)}, of which nothing is kept")
        try:
            _value, reason = decide(table, record, names, {})
        except Refused as refused:
            return f"refused: {refused.code}"
        except ExpressionError:
            return "refused: CANNOT_COMPUTE"
        return str(reason.message or "nothing")

    def run(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        event: str | None = None,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> Result:
        """What would have been decided otherwise. Asked are the moments at which the history tells of the object, or
        those of ``event`` (``create``, or the name of an event of the model)."""
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
        names = ("id", "at", "record", "act", "reasons")
        query = select(*(table.c[name] for name in names)).where(table.c["model"] == self.model)
        query = query.where(table.c["at"] >= since) if since is not None else query
        query = query.where(table.c["at"] < until) if until is not None else query
        query = query.where(table.c["id"] > after) if after is not None else query
        rows = tx.core(query.order_by(table.c["id"]).limit(CHUNK))
        entries = [row for row in rows if self._asks(row, event)]
        self._work(tx, result, entries)
        return str(rows[-1]["id"]) if len(rows) == CHUNK else None

    def _asks(self, entry: Mapping[str, Any], event: str | None) -> bool:
        """Whether the entry tells of a decision of the object, or is one of the event's."""
        if event is not None:
            return entry["act"] in (event, f"event:{event}")
        rules = (str(reason.get("rule", "")) for reason in entry["reasons"] or ())
        return any(rule == self._name or rule.startswith(f"{self._name}.") for rule in rules)

    def _work(self, tx: Transaction, result: Result, entries: Sequence[Mapping[str, Any]]) -> None:
        asked = [(str(entry["record"]), Moment(entry["at"], str(entry["id"]))) for entry in entries]
        for entry, record in zip(entries, self._past.records(tx, asked), strict=True):
            if record is None:
                result.gone += 1
                continue
            names = Act(self._present, self._store, tx, SYSTEM, entry["at"]).names(
                self.model, record, str(entry["act"]).removeprefix("event:")
            )
            before, after = (judged(record, names, entry["at"]) for judged in (self._before, self._after))
            result.decisions += 1
            if before != after:
                self._tell(result, record, names, entry["at"], before, after)

    def _tell(
        self, result: Result, record: Record, names: Mapping[str, Any], at: datetime, before: str, after: str
    ) -> None:
        amount: Decimal | None = None
        if self._amount is not None:
            amount = Decimal(self._amount(record, names) or 0)
            result.amounts[before, after] = result.amounts.get((before, after), Decimal(0)) + amount
        result.changed[before, after] += 1
        if len(result.examples) < MOST_EXAMPLES:
            title = self._present.models[self.model].title
            shown = str(record.get(title) or "") if isinstance(title, str) else ""
            result.examples.append(Example(record["id"], shown, at, before, after, amount))


def _object(catalog: Catalog, name: str) -> Table | Checks:
    """The table, or the checks, of that name."""
    if name in catalog.tables:
        return catalog.tables[name][0]
    if name in catalog.checks:
        return catalog.checks[name]
    raise EngineError(f"there is neither a table nor a checks document '{name}'")


def _checked(checks: Checks, record: Record, names: Mapping[str, Any]) -> str:
    """The rules that fail, in words. What happens then is not looked at: nothing is done in the past."""
    frame = Frame(checks.for_, record, dict(names))
    failed = []
    for rule in checks.rules.values():
        try:
            outcome = judge(checks.name, rule, frame).outcome
        except RequestError as error:
            outcome = f"refused: {error.code}"
        if outcome not in ("passed", "skipped"):
            failed.append(f"{rule.name} {outcome}")
    return ", ".join(failed) or "all passed"
