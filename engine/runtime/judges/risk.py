"""Risks on the past: which rules speak against a record, at the events that the log has of that moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk import Risk, RiskRule
from engine.policy.risk import judge
from engine.ports import Record
from engine.runtime.judges.judge import Asked, Paths
from engine.runtime.risking import features_of, figures_of, reads_of
from engine.steps.step import Frame
from engine.store.history import EVENT
from engine.store.statement import Statement
from engine.store.store import Store
from engine.store.transaction import Transaction

#: What is asked of an event.
TOLD = ("name", "ip", "channel", "actor")


class RiskJudge:
    """The rules of one ``risk``; one that is in the shadow as a whole is asked what it would do. Features are asked as
    of the moment; what they read of other records is read as it is now."""

    kind: ClassVar[str] = Risk.kind
    without: ClassVar[str] = "passed"

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        self._risk = catalog.risks[name]
        self._rules = [rule for rule in self._risk.rules.values() if self._risk.shadow or not rule.shadow]
        self.model: str | None = self._risk.for_
        self.events = frozenset[str]().union(*(self._risk.events_of(rule) for rule in self._rules))
        self.reads: Paths = reads_of(self._risk)
        self._source = store.features.of(catalog)
        self._of_moment = _events_of_a_moment(store)
        self._zone = ZoneInfo(catalog.app.timezone)

    def judge(self, tx: Transaction, asked: Asked) -> str:
        names = dict(asked.names)
        happened = self._happened(tx, asked.record, asked.happened)
        if happened:
            first = happened[0]
            names["event"] = {**names["event"], "ip": first["ip"], "channel": first["channel"]}
            actor = first["actor"]
            names["user"] = {**names["user"], "id": str(actor) if actor is not None else None}
        events = {entry["name"] for entry in happened} or {names["event"]["name"]}
        rules = [rule for rule in self._rules if not events.isdisjoint(self._risk.events_of(rule))]
        return self._said(tx, rules, asked.record, names)

    def _happened(self, tx: Transaction, record: Record, moment: datetime) -> Sequence[Mapping[str, Any]]:
        """The events of the record at the moment."""
        return [dict(zip(TOLD, row, strict=True)) for row in tx.rows(self._of_moment, (record["id"], moment))]

    def _said(self, tx: Transaction, rules: Sequence[RiskRule], record: Record, names: Mapping[str, Any]) -> str:
        risk = self._risk
        features = features_of(risk, rules)
        figures = figures_of(self._source, tx, risk.for_, features, record, names, self._zone)
        judgement = judge(risk, rules, Frame(risk.for_, record, dict(names)), figures)
        hits = ", ".join(hit.rule.name for hit in judgement.hits)
        return f"{judgement.reason.outcome}: {hits}" if hits else judgement.reason.outcome


def _events_of_a_moment(store: Store) -> Statement:
    log = store.tables[EVENT]
    # One in the trash never happened; and the index is of those that are not.
    where = (log.c["record"] == bindparam("of"), log.c["at"] == bindparam("moment"), log.c["deleted_at"].is_(None))
    clause = select(*(log.c[name] for name in TOLD)).where(*where)
    return Statement(clause, store.database.engine.dialect, ("of", "moment"))
