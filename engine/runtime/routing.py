"""Asks routings inside an act: reads the candidates and what they have, and locks what is taken from them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.routing import Allotted, Candidates, Routing
from engine.errors import Refused
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, ListType
from engine.policy.routing.router import Need, Offer, Routed, Router, item_key
from engine.ports import Record, Route, Values
from engine.runtime.act import Act, Working
from engine.steps.records import beside

#: Candidates of one tier: a tier that has more is no choice any more, but a search.
MOST_CANDIDATES = 2_000
#: What all candidates of a tier together may have of what one record needs.
MOST_SUPPLIES = 100_000
#: How often what was chosen may be gone before it could be locked. Then all is locked before it is looked at.
MOST_TRIES = 3

#: Names under which questions are given what they look for.
ITEMS, PLACES, SHARED = "routing_items", "routing_places", "routing_shared"
#: The column with how much there is: no field is called so.
QUANTITY = "*"


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One routing, and the questions that it asks of the database."""

    router: Router
    #: Which records of the supply count, and what is read of them: columns, since there may be very many.
    supplies: tuple[Expression, ...]
    columns: Mapping[str, Expression]
    #: Which places others go from that share the value of a path, and that path; None where that does not count.
    together: tuple[Expression, Expression, Expression] | None

    @classmethod
    def of(cls, catalog: Catalog, routing: Routing) -> RoutePlan:
        supply = routing.supply
        around = catalog.scope(routing.for_)
        scope = beside(catalog.shape(supply.from_), around)
        quantity = supply.quantity.expression
        columns = {name: catalog.compile(name, scope) for name in ("id", supply.at, supply.item)}
        lists = {ITEMS: columns[supply.item].type, PLACES: columns[supply.at].type}
        within = scope.having(**{name: ListType("list", item=type_) for name, type_ in lists.items()})
        text = f"{supply.item} in {ITEMS} and {supply.at} in {PLACES} and ({quantity.text}) > 0"
        asked = [catalog.compile(text, within, BOOLEAN)]
        if supply.where is not None:
            asked.append(supply.where.expression)
        return cls(Router(catalog, routing), tuple(asked), {**columns, QUANTITY: quantity}, _together(catalog, routing))


def _together(catalog: Catalog, routing: Routing) -> tuple[Expression, Expression, Expression] | None:
    by, allotted = routing.consolidate_by, routing.allotted
    if by is None or allotted is None:
        return None
    value = catalog.compile(by, catalog.scope(routing.for_))
    scope = catalog.scope(allotted.from_)
    same = catalog.compile(f"{allotted.of}.{by} == {SHARED}", scope.having(**{SHARED: value.type}), BOOLEAN)
    return value, same, catalog.compile(allotted.at, scope)


def routed(catalog: Catalog, act: Act, effect: Route, working: Working) -> Routed:
    """From where the record is supplied, by a routing of the catalogue. Why goes to its history, and what the parts
    take is locked."""
    record = effect.record
    routing = catalog.routing_for(effect.routing, catalog.channel_of(effect.model, record))
    plan: RoutePlan = catalog.memo((RoutePlan, routing.name), lambda: RoutePlan.of(catalog, routing))
    act.flush()
    act.store.records.expand(act.tx, effect.model, [record], routing.record_reads)
    for attempt in range(MOST_TRIES + 1):
        facts = Facts(act, plan, record, effect.names, lock=attempt == MOST_TRIES)
        answer = plan.router.route(record, effect.names, facts.look)
        if facts.locked(answer.parts):
            working.trail.append(answer.reason)
            return answer
    raise RuntimeError("what was locked before it was chosen is gone")


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
        places = self._places(tier)
        stores: dict[str, dict[Hashable, list[tuple[Record, Decimal]]]] = {place["id"]: {} for place in places}
        supply = self.routing.supply
        for found in self._supplies(places, needs) if places else ():
            here = stores[found[supply.at]["id"]]
            here.setdefault(item_key(found[supply.item]), []).append(({"id": found["id"]}, found[QUANTITY]))
        near = self._near() if places else frozenset()
        return [Offer(place, stores[place["id"]], place["id"] in near) for place in places]

    def _places(self, tier: Candidates) -> list[Record]:
        found = self.act.store.query.find(
            self.act.tx,
            tier.from_,
            where=tier.where.expression if tier.where is not None else None,
            names=self.names,
            limit=MOST_CANDIDATES + 1,
            reads=self.routing.place_reads,
        )
        self._refuse_many(found, MOST_CANDIDATES, tier.name, tier.from_)
        return found

    def _supplies(self, places: Sequence[Record], needs: Sequence[Need]) -> list[Record]:
        """What there is of the items at the places; of the last attempt only what is locked."""
        found = self._asked(places, needs)
        if not self.lock:
            return found
        locked = {each["id"] for each in self._locked(each["id"] for each in found)}
        return [each for each in self._asked(places, needs) if each["id"] in locked]

    def _asked(self, places: Sequence[Record], needs: Sequence[Need]) -> list[Record]:
        items = {need.wanted.item: need.item for need in needs}
        found = self.act.store.query.find(
            self.act.tx,
            self.routing.supply.from_,
            where=self.plan.supplies,
            names={**self.names, ITEMS: list(items.values()), PLACES: list(places)},
            limit=MOST_SUPPLIES + 1,
            group=self.plan.columns,
        )
        self._refuse_many(found, MOST_SUPPLIES, "supply", self.routing.supply.from_)
        return found

    def _refuse_many(self, found: Sequence[Record], most: int, what: str, model: str) -> None:
        if len(found) > most:
            raise Refused(f"{self.routing.name}.{what}: more than {most} records of {model}", code="TOO_MANY_RECORDS")

    def _locked(self, ids: Iterable[str]) -> list[Record]:
        """The records of the supply, as nobody else can change them any more. In the sequence of their ids: two acts
        that want the same never wait for each other."""
        supply = self.routing.supply
        reads = supply.quantity.expression.reads
        return self.act.store.records.load(self.act.tx, supply.from_, sorted(ids), reads, lock=True)

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

    def locked(self, parts: Iterable[Record]) -> bool:
        """Whether what the parts take is still there, now that nobody else can take it. They name the locked records
        then."""
        supply = self.routing.supply
        wanted: dict[str, Decimal] = {}
        for part in parts:
            key = part[supply.from_]["id"]
            wanted[key] = wanted.get(key, Decimal(0)) + part["quantity"]
        if not wanted:
            return True
        found = {each["id"]: each for each in self._locked(wanted)}
        if any(key not in found or not self._gives(found[key], quantity) for key, quantity in wanted.items()):
            return False
        for part in parts:
            part[supply.from_] = found[part[supply.from_]["id"]]
        return True

    def _gives(self, found: Record, wanted: Decimal) -> bool:
        supply = self.routing.supply
        if supply.where is not None and supply.where.expression(found, self.names) is not True:
            return False
        quantity = supply.quantity.expression(found, self.names)
        return quantity is not None and quantity >= wanted
