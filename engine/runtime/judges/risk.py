"""Risks on the past: which rules speak against a record, at the events that the log has of that moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import select

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk import Risk, RiskRule
from engine.policy.risk import judge
from engine.ports import Record
from engine.runtime.judges.judge import Paths
from engine.runtime.risking import features_of, figures_of, reads_of
from engine.steps.step import Frame
from engine.store.history import EVENT
from engine.store.store import Store
from engine.store.transaction import Transaction


class RiskJudge:
    """The rules of one ``risk``; one that is in the shadow as a whole is asked what it would do. Features are asked as
    of the moment; what they read of other records is read as it is now."""

    kind: ClassVar[str] = Risk.kind

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        self._risk = catalog.risks[name]
        self._rules = [rule for rule in self._risk.rules.values() if self._risk.shadow or not rule.shadow]
        self.model: str | None = self._risk.for_
        self.reads: Paths = reads_of(self._risk)
        self._source = store.features.of(catalog)
        self._log = store.tables[EVENT]
        self._zone = ZoneInfo(catalog.app.timezone)

    def judge(self, tx: Transaction, record: Record, names: Mapping[str, Any], moment: datetime) -> str:
        names = dict(names)
        happened = self._happened(tx, record, moment)
        if happened:
            first = happened[0]
            names["event"] = {**names["event"], "ip": first["ip"], "channel": first["channel"]}
            actor = first["actor"]
            names["user"] = {**names["user"], "id": str(actor) if actor is not None else None}
        events = {entry["name"] for entry in happened} or {names["event"]["name"]}
        rules = [rule for rule in self._rules if not events.isdisjoint(self._risk.events_of(rule))]
        return self._said(tx, rules, record, names)

    def _happened(self, tx: Transaction, record: Record, moment: datetime) -> Sequence[Mapping[str, Any]]:
        """The events of the record at the moment."""
        log = self._log
        columns = (log.c["name"], log.c["ip"], log.c["channel"], log.c["actor"])
        return tx.core(select(*columns).where(log.c["record"] == record["id"], log.c["at"] == moment))

    def _said(self, tx: Transaction, rules: Sequence[RiskRule], record: Record, names: Mapping[str, Any]) -> str:
        risk = self._risk
        features = features_of(risk, rules)
        figures = figures_of(self._source, tx, risk.for_, features, record, names, self._zone)
        judgement = judge(risk, rules, Frame(risk.for_, record, dict(names)), figures)
        hits = ", ".join(hit.rule.name for hit in judgement.hits)
        return f"{judgement.reason.outcome}: {hits}" if hits else judgement.reason.outcome
