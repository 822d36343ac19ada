"""Asks pricings inside an act: reads the prices of their lists, one question for each list, and leaves why in the
record's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.pricing import PriceList, Pricing
from engine.errors import Refused
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, ListType
from engine.policy.pricing import Pricer
from engine.ports import Price, Record, Values
from engine.runtime.act import Act, Working
from engine.store.store import Store
from engine.store.transaction import Transaction

#: Prices of one list that one record may have to choose from: more is no choice any more, but a search.
MOST_PRICES = 10_000
#: What the names begin with under which questions are given what they look for.
SOUGHT = "pricing_"

#: What is to be set on the record, and on rows of it.
Answer = tuple[Values, list[tuple[Record, Values]]]


@dataclass(frozen=True, slots=True)
class PricePlan:
    """One pricing, and for each list of records the question whether their fields are among the wanted values."""

    pricer: Pricer
    sought: Mapping[str, Expression]

    @classmethod
    def of(cls, catalog: Catalog, pricing: Pricing) -> PricePlan:
        """The plan of a pricing of the catalogue, made once."""
        made: PricePlan = catalog.memo((PricePlan, pricing.name), lambda: cls._made(catalog, pricing))
        return made

    @classmethod
    def _made(cls, catalog: Catalog, pricing: Pricing) -> PricePlan:
        lists = [each for each in pricing.lists.values() if each.from_ is not None]
        return cls(Pricer(catalog, pricing), {each.name: _sought(catalog, each) for each in lists})

    def find(
        self, store: Store, tx: Transaction, each: PriceList, wanted: Mapping[str, Sequence[Any]], names: Values
    ) -> list[Record]:
        """The records of a list that may be prices of the wanted; all of them, whatever its `where`, are for
        ``reads`` of the caller."""
        return self.among(store, tx, each, wanted, names, [] if each.where is None else [each.where.expression])

    def among(
        self,
        store: Store,
        tx: Transaction,
        each: PriceList,
        wanted: Mapping[str, Sequence[Any]],
        names: Values,
        where: Sequence[Expression],
    ) -> list[Record]:
        """The records of a list with the wanted values that hold the conditions."""
        pricing = self.pricer.pricing
        found = store.query.find(
            tx,
            str(each.from_),
            where=[self.sought[each.name], *where],
            names={**names, **{f"{SOUGHT}{name}": values for name, values in wanted.items()}},
            limit=MOST_PRICES + 1,
            reads=pricing.entry_reads(each),
        )
        if len(found) > MOST_PRICES:
            raise Refused(f"{pricing.name}.{each.name}: more than {MOST_PRICES} prices", code="TOO_MANY_RECORDS")
        return found


def _sought(catalog: Catalog, each: PriceList) -> Expression:
    scope = catalog.scope(str(each.from_))
    types = {f"{SOUGHT}{name}": ListType("list", item=catalog.compile(name, scope).type) for name in each.match}
    text = " and ".join(f"{name} in {SOUGHT}{name}" for name in each.match)
    return catalog.compile(text, scope.having(**types), BOOLEAN)


def priced(catalog: Catalog, act: Act, effect: Price, working: Working, event: str) -> Answer:
    """What the record and its rows get by a pricing of the catalogue. Why goes to its history."""
    record, names = effect.record, effect.names
    plan = PricePlan.of(catalog, catalog.pricings[effect.pricing])
    pricing = plan.pricer.pricing
    act.flush()
    act.store.records.expand(act.tx, effect.model, [record], pricing.reads)
    if names.get("record") is not record:
        names = act.names(effect.model, record, event)

    def look(each: PriceList, wanted: Mapping[str, Sequence[Any]]) -> list[Record]:
        return plan.find(act.store, act.tx, each, wanted, {**names, "record": record, effect.model: record})

    prices = plan.pricer.price(record, names, look)
    working.trail.append(prices.reason)
    if pricing.of is None:
        return prices.priced[0].values, []
    return {}, [(each.row, each.values) for each in prices.priced]
