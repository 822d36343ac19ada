"""Pricings on the past: what rows would have cost, by the prices that there were at the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.pricing import PriceList, Pricing
from engine.errors import EngineError, ExpressionError, Refused
from engine.ports import Record
from engine.runtime.judges.judge import Asked, Paths
from engine.runtime.past import Moment, Past
from engine.runtime.pricing import PricePlan
from engine.store.store import Store
from engine.store.transaction import Transaction


class PricingJudge:
    """One ``pricing``. Prices of its lists are taken as they were; what was removed since is not found any more."""

    kind: ClassVar[str] = Pricing.kind
    without: ClassVar[str] = "not asked"

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        self._pricing = catalog.pricings[name]
        self._plan = PricePlan.of(catalog, self._pricing)
        self._store = store
        self.model: str | None = self._pricing.for_
        self.events: frozenset[str] = frozenset()
        self.reads: Paths = self._pricing.reads
        self._pasts: dict[str, Past] = {}
        for each in self._pricing.lists.values():
            if each.from_ is None:
                continue
            if each.from_ not in store.catalog.models:
                raise EngineError(f"{name} takes prices from {each.from_}, and there is no such model in force")
            self._pasts[each.name] = Past(store, self._pricing.entry_reads(each), each.from_)

    def judge(self, tx: Transaction, asked: Asked) -> str:
        try:
            return self._plan.pricer.price(asked.record, asked.names, partial(self._look, tx, asked)).said
        except Refused as refused:
            return f"refused: {refused.code}"
        except ExpressionError:
            return "refused: CANNOT_COMPUTE"

    def _look(
        self, tx: Transaction, asked: Asked, each: PriceList, wanted: Mapping[str, Sequence[Any]]
    ) -> list[Record]:
        """The prices of a list at the moment. `where` is asked of what they were, not of what they are."""
        names = {**asked.names, "record": asked.record, self._pricing.for_: asked.record}
        found = self._plan.among(self._store, tx, each, wanted, names, [])
        there = [str(entry["id"]) for entry in found if entry["created_at"] <= asked.moment]
        moments = [(key, Moment(asked.moment)) for key in there]
        then = [entry for entry in self._pasts[each.name].records(tx, moments) if entry is not None]
        where = each.where.expression if each.where is not None else None
        return [entry for entry in then if where is None or where(entry, names) is True]
