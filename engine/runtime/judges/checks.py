"""Checks on the past: which of their rules fail. What happens then is not looked at: nothing is done in the past."""

from __future__ import annotations

from typing import ClassVar

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.rules import Checks
from engine.errors import RequestError
from engine.policy.rules import judge
from engine.runtime.judges.judge import Asked, Paths
from engine.source.formulas import formulas
from engine.steps.step import Frame
from engine.store.store import Store
from engine.store.transaction import Transaction


class ChecksJudge:
    """The rules of one ``checks`` document."""

    kind: ClassVar[str] = Checks.kind
    without: ClassVar[str] = "all passed"

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        self._checks = catalog.checks[name]
        self.model: str | None = self._checks.for_
        self.events: frozenset[str] = frozenset()
        conditions = [formula for rule in self._checks.rules.values() for formula in (rule.when, rule.require)]
        self.reads: Paths = frozenset(path for formula in formulas(conditions) for path in formula.expression.reads)

    def judge(self, tx: Transaction, asked: Asked) -> str:
        frame = Frame(self.model, asked.record, dict(asked.names))
        failed = []
        for rule in self._checks.rules.values():
            try:
                outcome = judge(self._checks.name, rule, frame).outcome
            except RequestError as error:
                outcome = f"refused: {error.code}"
            if outcome not in ("passed", "skipped"):
                failed.append(f"{rule.name} {outcome}")
        return ", ".join(failed) or self.without
