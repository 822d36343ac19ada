"""Decision tables on the past: the version of the day is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.table import Table
from engine.errors import EngineError, ExpressionError, Refused
from engine.policy.decide import decide
from engine.ports import Record
from engine.runtime.judges.judge import Paths
from engine.store.store import Store
from engine.store.transaction import Transaction


class TableJudge:
    """The versions of one table."""

    kind: ClassVar[str] = Table.kind
    without: ClassVar[str] = "not asked"

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        versions = catalog.tables[name]
        self.model: str | None = versions[0].for_
        self.reads: Paths = frozenset(path for table in versions for path in table.reads)
        self._name = name
        self._zone = ZoneInfo(catalog.app.timezone)
        self._on = lru_cache(partial(catalog.table_on, name))

    def judge(self, tx: Transaction, record: Record, names: Mapping[str, Any], moment: datetime) -> str:
        table = self._on(moment.astimezone(self._zone).date())
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
