"""Asks routings inside an act: reads the candidates and what they have, and locks what is taken from them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.routing import Allotted, Candidates, Routing
from engine.errors import Refused
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, ListType
from engine.policy.routing.router import Need, Offer, Routed, Router, item_key
from engine.ports import Record, Route, Values
from engine.runtime.act import Act, Working

#: Candidates of one tier: a tier that has more is no choice any more, but a search.
MOST_CANDIDATES = 2_000
#: What all candidates of a tier together may have of what one record needs.
MOST_SUPPLIES = 100_000
#: How often what was chosen may be gone before it could be locked. Then all is locked before it is looked at.
MOST_TRIES = 3

#: Names under which questions are given what they look for.
ITEMS, PLACES, SHARED = "routing_items", "routing_places", "routing_shared"


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One routing, and the questions that it asks of the database."""

    router: Router
    supplies: Expression
    #: Which places others go from that share the value of a path, and that path; None where that does not count.
    together: tuple[Expression, Expression, Expression] | None

    @classmethod
    def of(cls, catalog: Catalog, routing: Routing) -> RoutePlan:
        supply = routing.supply
        scope = catalog.scope(supply.from_)
        types = [catalog.compile(name, scope).type for name in (supply.item, supply.at)]
        lists = dict(zip((ITEMS, PLACES), (ListType("list", item=type_) for type_ in types), strict=True))
        text = f"{supply.item} in {ITEMS} and {supply.at} in {PLACES}"
        asked = catalog.compile(text, scope.having(**lists), BOOLEAN)
        return cls(Router(catalog, routing), asked, _together(catalog, routing))


def _together(catalog: Catalog, routing: Routing) -> tuple[Expression, Expression, Expression] | None:
    by, allotted = routing.consolidate_by, routing.allotted
    if by is None or allotted is None:
        return None
    value = catalog.compile(by, catalog.scope(routing.for_))
    scope = catalog.scope(allotted.from_)
    same = catalog.compile(f"{allotted.of}.{by} == {SHARED}", scope.having(**{SHARED: value.type}), BOOLEAN)
    return value, same, catalog.compile(allotted.at, scope)


def routed(act: Act, effect: Route, working: Working) -> Routed:
    """From where the record is supplied. Why goes to its history, and what the parts take is locked."""
    catalog, record = act.catalog, effect.record
    routing = catalog.routing_for(effect.routing, catalog.channel_of(effect.model, record))
    plan: RoutePlan = catalog.memo((RoutePlan, routing.name), lambda: RoutePlan.of(catalog, routing))
    act.flush()
    act.store.records.expand(act.tx, effect.model, [record], routing.record_reads)
    for attempt in range(MOST_TRIES + 1):
        facts = Facts(act, plan, record, effect.names, lock=attempt == MOST_TRIES)
        answer = plan.router.route(record, effect.names, facts.look)
        if facts.locked(answer.parts):
            break
    working.trail.append(answer.reason)
    return answer


@dataclass
class Facts:
    """What one attempt has read: the offers of tiers, and the records that they come from."""

    act: Act
    plan: RoutePlan
    record: Record
    names: Values
    lock: bool

    @property
    def routing(self) -> Routing:
        return self.plan.router.routing

    def look(self, tier: Candidates, needs: Sequence[Need]) -> list[Offer]:
        """The places of a tier, each with what it has of the items."""
        places = self._find(
            tier.from_,
            [tier.where.expression] if tier.where is not None else [],
            MOST_CANDIDATES,
            f"{self.routing.name}.{tier.name}",
            reads=self.routing.place_reads,
        )
        stores: dict[str, dict[Hashable, list[tuple[Record, Decimal]]]] = {place["id"]: {} for place in places}
        supply = self.routing.supply
        for found in self._supplies(places, needs) if places else ():
            quantity = self._quantity(found)
            if quantity > 0:
                here = stores[found[supply.at]["id"]]
                here.setdefault(item_key(found[supply.item]), []).append((found, quantity))
        near = self._near() if places else frozenset()
        return [Offer(place, stores[place["id"]], place["id"] in near) for place in places]

    def _supplies(self, places: Sequence[Record], needs: Sequence[Need]) -> list[Record]:
        supply = self.routing.supply
        items = {need.wanted.item: need.item for need in needs}
        where = [self.plan.supplies]
        if supply.where is not None:
            where.append(supply.where.expression)
        names = {**self.names, ITEMS: list(items.values()), PLACES: list(places)}
        return self._find(
            supply.from_,
            where,
            MOST_SUPPLIES,
            f"{self.routing.name}.supply",
            names=names,
            reads=supply.quantity.expression.reads,
            lock=self.lock,
        )

    def _find(
        self,
        model: str,
        where: Sequence[Expression],
        most: int,
        what: str,
        *,
        names: Values | None = None,
        reads: frozenset[tuple[str, ...]],
        lock: bool = False,
    ) -> list[Record]:
        found = self.act.store.query.find(
            self.act.tx,
            model,
            where=where,
            names=self.names if names is None else names,
            limit=most + 1,
            reads=reads,
            lock=lock,
        )
        if len(found) > most:
            raise Refused(f"{what}: more than {most} records of {model}", code="TOO_MANY_RECORDS")
        return found

    def _quantity(self, found: Record) -> Decimal:
        quantity = self.routing.supply.quantity.expression(found, self.names)
        return Decimal(quantity) if quantity is not None else Decimal(0)

    def _near(self) -> frozenset[str]:
        """The places from which others go that share the value of ``consolidate_by``."""
        if self.plan.together is None:
            return frozenset()
        value, same, at = self.plan.together
        shared = value(self.record, self.names)
        allotted: Allotted | None = self.routing.allotted
        if shared is None or allotted is None:
            return frozenset()
        where = [same] if allotted.where is None else [same, allotted.where.expression]
        found = self.act.store.query.find(
            self.act.tx,
            allotted.from_,
            where=where,
            names={**self.names, SHARED: shared},
            limit=MOST_CANDIDATES,
            group={"at": at},
        )
        return frozenset(group["at"]["id"] for group in found if group["at"] is not None)

    def locked(self, parts: Iterable[Mapping[str, Any]]) -> bool:
        """Whether what the parts take is still there, now that nobody else can take it."""
        supply = self.routing.supply
        wanted: dict[str, Decimal] = {}
        for part in parts:
            key = part[supply.from_]["id"]
            wanted[key] = wanted.get(key, Decimal(0)) + part["quantity"]
        if self.lock or not wanted:
            return True
        # In the sequence of their ids: two acts that want the same never wait for each other.
        reads = supply.quantity.expression.reads
        fresh = self.act.store.records.load(self.act.tx, supply.from_, sorted(wanted), reads, lock=True)
        left = {found["id"]: self._quantity(found) for found in fresh if self._counts(found)}
        return all(left.get(key, Decimal(0)) >= quantity for key, quantity in wanted.items())

    def _counts(self, found: Record) -> bool:
        where = self.routing.supply.where
        return where is None or where.expression(found, self.names) is True
