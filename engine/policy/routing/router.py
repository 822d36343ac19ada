"""From which places a record is supplied, and why from these: each candidate with what it was ranked by, or rejected
for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.routing import Candidates, Constraint, Routing
from engine.errors import ExpressionError, Label
from engine.expressions.types import RecordType
from engine.policy.routing.choosing import (
    ZERO,
    Chosen,
    Wanted,
    attainable,
    covers,
    fewest,
    share_out,
    totals,
)
from engine.ports import Reason, Record, Values
from engine.tables.columns import show

#: Candidates of a tier that are told one by one; of the others it is told how many there are, and what they are.
MOST_TOLD = 30


@dataclass(frozen=True, slots=True)
class Need:
    """What a row, or the record itself, is to be supplied with. ``item`` is a record, or a plain value."""

    wanted: Wanted
    item: Any
    row: Record | None


@dataclass(slots=True)
class Offer:
    """A place and what it has: by item the records of the supply, each with how much can be taken from it. ``near``:
    others that it could be sent with come from there."""

    place: Record
    stores: Mapping[Hashable, Sequence[tuple[Record, Decimal]]]
    near: bool = False
    amounts: dict[Hashable, Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self.amounts = {item: sum((much for _, much in found), ZERO) for item, found in self.stores.items()}


#: What there is in a tier, of the items that are needed.
Look = Callable[[Candidates, Sequence[Need]], Sequence[Offer]]


@dataclass(frozen=True, slots=True)
class Routed:
    """The parts of which the record is supplied, what could not be had, and why it came out so."""

    parts: list[Record]
    missing: list[Record]
    reason: Reason


@dataclass(slots=True)
class _Place:
    """A candidate and what is thought of it. ``outcome``: ``possible`` until it is taken or turns out to be short."""

    offer: Offer
    outcome: str
    message: Label | None
    standing: tuple[Any, ...] = ()
    ranks: Mapping[str, Any] | None = None
    rule: Constraint | None = None


def item_key(item: Any) -> Hashable:
    """What makes two items the same."""
    key: Hashable = item["id"] if isinstance(item, Mapping) else item
    return key


class Router:
    """One routing, ready to decide."""

    def __init__(self, catalog: Catalog, routing: Routing) -> None:
        self.routing = routing
        self._place_key = catalog.models[routing.place].key
        found = catalog.shape(routing.supply.from_).member(routing.supply.item)
        self._item_key = found.type.shape.key if found is not None and isinstance(found.type, RecordType) else None
        self._ranks = [(name, formula.expression.function) for name, formula in routing.rank.items()]

    def needs(self, record: Record, names: Values) -> list[Need]:
        """What the record needs: nothing of rows whose item or quantity is null."""
        routing, need, found = self.routing, self.routing.need, []
        if routing.of is None:
            rows, inner = [record], names
        else:
            rows, inner = record[routing.of], {**names, "record": record, routing.for_: record}
        for row in rows:
            quantity, item = need.quantity.expression(row, inner), need.item.expression(row, inner)
            if quantity is not None and quantity > 0 and item is not None:
                partial = need.partial is not None and need.partial.expression(row, inner) is True
                wanted = Wanted(item_key(item), Decimal(quantity), partial)
                found.append(Need(wanted, item, row if routing.of is not None else None))
        return found

    def route(self, record: Record, names: Values, look: Look) -> Routed:
        """From where the record is supplied. ``look`` is only asked for tiers that are tried."""
        needs = self.needs(record, names)
        if not needs:
            return Routed([], [], Reason(self.routing.name, "nothing needed", span=self.routing.span))
        return _Attempt(self, record, {**names, "record": record, self.routing.for_: record}, needs).run(look)

    def judge(self, offer: Offer, needs: Sequence[Need], total: Decimal, names: Values) -> _Place:
        """What the rules and the ranks say of a place."""
        rows, amount = 0, sum(offer.amounts.values(), ZERO)
        for need in needs:
            if offer.amounts.get(need.wanted.item, ZERO) >= need.wanted.quantity:
                rows += 1
        scope = {
            **names,
            "need": {"quantity": total, "rows": len(needs)},
            "supply": {"quantity": amount, "rows": rows},
        }
        for rule in self.routing.rules.values():
            fault = _fault(rule, offer.place, scope)
            if fault is not None:
                return _Place(offer, "rejected", fault, ranks=self._ranked(offer.place, scope), rule=rule)
        ranks = self._ranked(offer.place, scope)
        if amount <= 0:
            return _Place(offer, "empty", "has nothing of what is needed", ranks=ranks)
        unknown = [name for name, value in ranks.items() if value is None]
        message = f"last by what is not known: {', '.join(unknown)}" if unknown else None
        standing = tuple((value is None, value if value is not None else 0) for value in ranks.values())
        return _Place(offer, "possible", message, (not offer.near, *standing, str(offer.place["id"])), ranks)

    def _ranked(self, place: Record, scope: Values) -> dict[str, Any]:
        ranks: dict[str, Any] = {}
        for name, function in self._ranks:
            try:
                ranks[name] = function(place, scope)
            except ExpressionError:
                ranks[name] = None
        return ranks

    # Names for people -----------------------------------------------------------------------------------------------

    def item_name(self, item: Any) -> str:
        """What an item is called: its key, where it is a record that has one."""
        return _named(item, self._item_key) if isinstance(item, Mapping) else show(item)

    def place_name(self, place: Record) -> str:
        """What a place is called."""
        return _named(place, self._place_key)


def _named(record: Values, key: str | None) -> str:
    return str((record[key] if key is not None else None) or record["id"])


def _fault(rule: Constraint, place: Record, scope: Values) -> Label | None:
    """What to say of a place that a rule rejects; None of one that it lets pass."""
    try:
        answer = rule.require.expression.function(place, scope)
    except ExpressionError as error:
        return error.message
    if answer is True or (answer is None and rule.unknown == "pass"):
        return None
    return rule.message or f"not so: {rule.require.text}"


class _Attempt:
    """One record on its way through the tiers."""

    def __init__(self, router: Router, record: Record, names: Values, needs: Sequence[Need]) -> None:
        self._router = router
        self._routing = router.routing
        self._record = record
        self._names = names
        self._needs = needs
        self._wanted = [need.wanted for need in needs]
        #: How it is told what a place has of each item.
        self._called = {need.wanted.item: f"has {router.item_name(need.item)}" for need in needs}
        self._total = sum((need.quantity for need in self._wanted), ZERO)
        self._tiers: list[tuple[Candidates, list[_Place] | None]] = []
        #: The places of all tiers that were tried, the best first.
        self._pool: list[_Place] = []
        self._left: dict[tuple[int, Hashable], list[tuple[Record, Decimal]]] = {}

    def run(self, look: Look) -> Routed:
        names = list(self._routing.candidates)
        quantities, chosen = [ZERO] * len(self._needs), Chosen(())
        found = False
        for name in names:
            tier = self._routing.candidates[name]
            if found or not self._meant(tier):
                self._tiers.append((tier, None))
                continue
            places = [
                self._router.judge(offer, self._needs, self._total, self._names) for offer in look(tier, self._needs)
            ]
            self._tiers.append((tier, places))
            self._pool += sorted(
                (place for place in places if place.outcome == "possible"), key=lambda place: place.standing
            )
            found = self._complete()
        if self._pool:
            quantities, chosen = self._choose()
        short = any(got < each.quantity for got, each in zip(quantities, self._wanted, strict=True))
        if short and self._routing.whole:
            quantities, chosen = [ZERO] * len(self._needs), Chosen(())
        return self._answer(quantities, chosen)

    def _meant(self, tier: Candidates) -> bool:
        return tier.if_ is None or tier.if_.expression(self._record, self._names) is True

    def _complete(self) -> bool:
        """Whether the places so far have everything."""
        full = [each.quantity for each in self._wanted]
        amounts = [place.offer.amounts for place in self._pool]
        if self._routing.split is False:
            demand = totals(self._wanted, full)
            return any(covers(place, demand) for place in amounts)
        return attainable(self._wanted, amounts) == full

    def _choose(self) -> tuple[list[Decimal], Chosen]:
        """How much each row gets, and from which places."""
        amounts = [place.offer.amounts for place in self._pool]
        if self._routing.split is False:
            return self._one(amounts)
        quantities = attainable(self._wanted, amounts)
        if self._routing.split == "fewest":
            return quantities, fewest(totals(self._wanted, quantities), amounts)
        return quantities, Chosen(tuple(range(len(amounts))))

    def _one(self, amounts: Sequence[Mapping[Hashable, Decimal]]) -> tuple[list[Decimal], Chosen]:
        """All from one place: the best that has everything, else where least is missing of what may come in part."""
        best: tuple[Decimal, int, list[Decimal]] | None = None
        for number, place in enumerate(amounts):
            got = attainable(self._wanted, [place])
            left = [each.quantity - quantity for each, quantity in zip(self._wanted, got, strict=True)]
            if all(not rest or each.partial for each, rest in zip(self._wanted, left, strict=True)):
                missing = sum(left, ZERO)
                if missing < self._total and (best is None or missing < best[0]):
                    best = (missing, number, got)
                if not missing:
                    break
        if best is None:
            for candidate in self._pool:
                candidate.outcome, candidate.message = "short", "has not everything, and it is to come from one place"
            return [ZERO] * len(self._needs), Chosen(())
        return best[2], Chosen((best[1],))

    # The answer -----------------------------------------------------------------------------------------------------

    def _answer(self, quantities: Sequence[Decimal], chosen: Chosen) -> Routed:
        supply = self._routing.supply
        amounts = [place.offer.amounts for place in self._pool]
        parts: list[Record] = []
        got = [ZERO] * len(self._needs)
        gives: dict[int, list[str]] = {}
        for row, number, quantity in share_out(self._wanted, quantities, amounts, chosen.places):
            need, place = self._needs[row], self._pool[number].offer.place
            got[row] += quantity
            for store, taken in self._taken(number, need.wanted.item, quantity):
                common = {supply.from_: store, supply.at: place, supply.item: need.item}
                parts.append({**common, "quantity": taken, "row": need.row})
            gives.setdefault(number, []).append(f"{self._router.item_name(need.item)} {show(quantity)}")
        for number, given in gives.items():
            self._pool[number].outcome, self._pool[number].message = "taken", ", ".join(given)
        missing = [
            {supply.item: need.item, "quantity": need.wanted.quantity - found, "row": need.row}
            for need, found in zip(self._needs, got, strict=True)
            if found < need.wanted.quantity
        ]
        return Routed(parts, missing, self._reason(len(gives), missing, chosen))

    def _taken(self, number: int, item: Hashable, quantity: Decimal) -> Iterator[tuple[Record, Decimal]]:
        """From which records of the supply a place gives so much of an item; they have the less afterwards."""
        left = self._left.get((number, item))
        if left is None:
            left = self._left[number, item] = list(self._pool[number].offer.stores[item])
        while quantity > 0:
            store, there = left[0]
            taken = min(there, quantity)
            quantity -= taken
            if taken < there:
                left[0] = store, there - taken
            else:
                del left[0]
            if taken > 0:
                yield store, taken

    def _reason(self, count: int, missing: Sequence[Record], chosen: Chosen) -> Reason:
        read: dict[str, Any] = {"needs": self._named(self._needs_told())}
        if missing:
            read["missing"] = self._named((each[self._routing.supply.item], each["quantity"]) for each in missing)
        message = f"from {count} place{'' if count == 1 else 's'}"
        if not chosen.proven:
            message += "; fewer may do: there are too many sets of places to look through"
        outcome = "routed" if not missing else "short" if count else "nothing to be had"
        return Reason(self._routing.name, outcome, message, self._routing.span, read, tuple(self._tier_reasons()))

    def _needs_told(self) -> Iterator[tuple[Any, Decimal]]:
        for need in self._needs:
            yield need.item, need.wanted.quantity

    def _named(self, items: Any) -> str:
        return ", ".join(f"{self._router.item_name(item)} {show(quantity)}" for item, quantity in items)

    def _tier_reasons(self) -> Iterator[Reason]:
        for tier, places in self._tiers:
            name = f"{self._routing.name}.{tier.name}"
            if places is None:
                tried = "not for this" if not self._meant(tier) else "not needed"
                yield Reason(name, tried, tier.if_.text if tier.if_ is not None else None, tier.span)
                continue
            told = sorted(places, key=_telling)[:MOST_TOLD]
            parts = [self._place_reason(name, tier, place) for place in told]
            if len(places) > len(told):
                rest = Counter(place.outcome for place in places) - Counter(place.outcome for place in told)
                text = ", ".join(f"{number} {outcome}" for outcome, number in rest.items())
                parts.append(Reason(name, f"{len(places) - len(told)} more", text, tier.span))
            taken = sum(place.outcome == "taken" for place in places)
            yield Reason(
                name,
                "taken" if taken else "tried",
                f"{len(places)} candidate{'' if len(places) == 1 else 's'}",
                tier.span,
                parts=tuple(parts),
            )

    def _place_reason(self, name: str, tier: Candidates, place: _Place) -> Reason:
        offer, read = place.offer, dict(place.ranks or {})
        for item, called in self._called.items():
            read[called] = offer.amounts.get(item, ZERO)
        if offer.near:
            read["together"] = True
        rule = f"{name}.{self._router.place_name(offer.place)}"
        if place.rule is None:
            message = place.message or ("not needed" if place.outcome == "possible" else None)
            return Reason(rule, place.outcome, message, tier.span, read)
        failed = place.rule
        read |= {".".join(path): _at(offer.place, path) for path in sorted(failed.require.expression.reads)}
        return Reason(rule, f"rejected: {failed.name}", place.message, failed.span, read)


def _telling(place: _Place) -> tuple[Any, ...]:
    """What is told first: who was taken, then who could have been, the best first."""
    sequence = ("taken", "possible", "short", "rejected", "empty")
    return sequence.index(place.outcome), place.standing


def _at(record: Record, path: Sequence[str]) -> Any:
    """What a path leads to, where it leads to one thing."""
    found: Any = record
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found[name]
    return found["id"] if isinstance(found, Mapping) else None if isinstance(found, list) else found
