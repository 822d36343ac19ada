"""Decision tables on the past: the version of the day is asked."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import ClassVar
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.table import Table
from engine.errors import EngineError, ExpressionError, Refused
from engine.policy.decide import decide
from engine.runtime.judges.judge import Asked, Paths
from engine.store.store import Store
from engine.store.transaction import Transaction


class TableJudge:
    """The versions of one table."""

    kind: ClassVar[str] = Table.kind
    without: ClassVar[str] = "not asked"

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        versions = catalog.tables[name]
        self.model: str | None = versions[0].for_
        self.events: frozenset[str] = frozenset()
        self.reads: Paths = frozenset(path for table in versions for path in table.reads)
        self._name = name
        self._zone = ZoneInfo(catalog.app.timezone)
        self._only = versions[0] if len(versions) == 1 and versions[0].valid is None else None
        self._on = lru_cache(partial(catalog.table_on, name))

    def judge(self, tx: Transaction, asked: Asked) -> str:
        table = self._only or self._on(asked.moment.astimezone(self._zone).date())
        if table is None:
            return "no version"
        if table.needs:
            raise EngineError(f"{self._name} is given {', '.join(table.needs)}, of which nothing is kept")
        try:
            _value, reason = decide(table, asked.record, asked.names, {})
        except Refused as refused:
            return f"refused: {refused.code}"
        except ExpressionError:
            return "refused: CANNOT_COMPUTE"
        return str(reason.message or "nothing")
