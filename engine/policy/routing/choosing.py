"""The arithmetic of routing: what can be had at all, the fewest places that have it, who gives how much.

Places are numbered, the best first; what each has is a map of amounts by item. Nothing here knows what they are.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from heapq import heapify, heappop, heapreplace
from itertools import accumulate

Amounts = Mapping[Hashable, Decimal]

ZERO = Decimal(0)

#: Amounts that are looked at, set by set, before a good set is taken for the best: some milliseconds.
MOST_LOOKS = 50_000
#: More places than these are not looked for one set after the other.
MOST_PLACES = 8
#: Places times items up to which it is worth looking for the best set at all.
MOST_CELLS = 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """So much of an item; ``partial``: less will do."""

    item: Hashable
    quantity: Decimal
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """Places by their numbers. ``proven``: no smaller set has it all, and none of this size comes before it."""

    places: tuple[int, ...]
    proven: bool = True


def attainable(wanted: Iterable[Wanted], places: Iterable[Amounts]) -> list[Decimal]:
    """How much of each can be had from all places together: all of it, nothing, or for ``partial`` what there is."""
    left: dict[Hashable, Decimal] = {}
    for place in places:
        for item, amount in place.items():
            left[item] = left.get(item, ZERO) + amount
    found = []
    for each in wanted:
        there = left.get(each.item, ZERO)
        taken = each.quantity if there >= each.quantity else there if each.partial else ZERO
        left[each.item] = there - taken
        found.append(taken)
    return found


def totals(wanted: Iterable[Wanted], quantities: Iterable[Decimal]) -> dict[Hashable, Decimal]:
    """How much of each item that is, where it is any."""
    found: dict[Hashable, Decimal] = {}
    for each, quantity in zip(wanted, quantities, strict=True):
        if quantity > 0:
            found[each.item] = found.get(each.item, ZERO) + quantity
    return found


def covers(place: Amounts, demand: Amounts) -> bool:
    """Whether one place has it all."""
    return all(place.get(item, ZERO) >= amount for item, amount in demand.items())


def fewest(demand: Amounts, places: Sequence[Amounts]) -> Chosen:
    """The smallest set of places that has all of the demand; of several as small the one with the best places.

    All places together have to have it. Where there are too many sets to look at, a small one that need not be the
    smallest: what a greedy choice finds, without the places that it can do without.
    """
    if not demand:
        return Chosen(())
    useful = [number for number, place in enumerate(places) if any(place.get(item, ZERO) > 0 for item in demand)]
    alone = next((number for number in useful if covers(places[number], demand)), None)
    if alone is not None:
        return Chosen((alone,))
    greedy = _greedy(demand, places, useful)
    if len(useful) * len(demand) > MOST_CELLS:
        return Chosen(greedy, proven=False)
    most = min(len(greedy), MOST_PLACES)
    search = _Search(demand, [places[number] for number in useful], most)
    for size in range(max(2, search.least), most + 1):
        found = search.of_size(size)
        if found is not None:
            return Chosen(tuple(useful[at] for at in found))
        if search.sets >= search.most_sets:
            break
    return Chosen(greedy, proven=False)


def _greedy(demand: Amounts, places: Sequence[Amounts], useful: Sequence[int]) -> tuple[int, ...]:
    """A set that has it all: always the place next that brings most of what is still missing, as a share of it."""
    missing, weight = dict(demand), {item: 1 / float(amount) for item, amount in demand.items()}

    def gain(number: int) -> float:
        place, total = places[number], 0.0
        for item, left in missing.items():
            amount = place.get(item)
            if amount:
                total += float(min(amount, left)) * weight[item]
        return total

    # What a place brings only ever gets less: who is still on top after being looked at again is the best.
    heap = [(-gain(number), number) for number in useful]
    heapify(heap)
    chosen: list[int] = []
    while missing and heap:
        _, number = heap[0]
        now = -gain(number)
        if len(heap) > 1 and (now, number) > min(heap[1:3]):
            heapreplace(heap, (now, number))
            continue
        heappop(heap)
        chosen.append(number)
        for item in list(missing):
            missing[item] -= min(places[number].get(item, ZERO), missing[item])
            if not missing[item]:
                del missing[item]
    return _needed(demand, places, sorted(chosen))


def _needed(demand: Amounts, places: Sequence[Amounts], chosen: Sequence[int]) -> tuple[int, ...]:
    """The places without those that the others can do without, the worst first."""
    spare = {item: sum((places[n].get(item, ZERO) for n in chosen), ZERO) - amount for item, amount in demand.items()}
    kept = list(chosen)
    for number in reversed(chosen):
        if all(places[number].get(item, ZERO) <= left for item, left in spare.items()):
            kept.remove(number)
            for item in spare:
                spare[item] -= places[number].get(item, ZERO)
    return tuple(kept)


class _Search:
    """Looks through the sets of a size, the best places first, leaving out what cannot come to enough."""

    def __init__(self, demand: Amounts, places: Sequence[Amounts], most: int) -> None:
        items = list(demand)
        self._demand = [demand[item] for item in items]
        self._amounts = [[place.get(item, ZERO) for item in items] for place in places]
        self._most = most
        self.sets = 0
        self.most_sets = MOST_LOOKS // len(items)
        columns = zip(*self._amounts, strict=True)
        self.least = max(_enough(amount, column) for amount, column in zip(self._demand, columns, strict=True))

    def of_size(self, size: int) -> tuple[int, ...] | None:
        """The first set of that size which has it all; None when there is none, or the search was given up."""
        return self._from(0, size, self._demand)

    @cached_property
    def _tops(self) -> list[list[list[Decimal]]]:
        """For each place on: the most of each item that 0, 1 … of the places from there on can have together."""
        size = self._most
        tops: list[list[Decimal]] = [[] for _ in self._demand]
        row = [[ZERO] * (size + 1) for _ in self._demand]
        found = [row]
        for place in reversed(self._amounts):
            row = list(row)
            for at, (top, amount) in enumerate(zip(tops, place, strict=True)):
                if len(top) == size and amount <= top[-1]:
                    continue
                top.append(amount)
                top.sort(reverse=True)
                del top[size:]
                sums = [ZERO, *accumulate(top)]
                row[at] = sums + [sums[-1]] * (size + 1 - len(sums))
            found.append(row)
        found.reverse()
        return found

    def _from(self, start: int, more: int, missing: Sequence[Decimal]) -> tuple[int, ...] | None:
        if more == 1:
            return self._last(start, missing)
        for at in range(start, len(self._amounts)):
            # What cannot come to enough, whoever is chosen from here on, is not worth a look.
            for tops, left in zip(self._tops[at], missing, strict=True):
                if tops[more] < left:
                    return None
            if self.sets >= self.most_sets:
                return None
            self.sets += 1
            rest = [left - amount for left, amount in zip(missing, self._amounts[at], strict=True)]
            found = self._from(at + 1, more - 1, rest)
            if found is not None:
                return (at, *found)
        return None

    def _last(self, start: int, missing: Sequence[Decimal]) -> tuple[int, ...] | None:
        """The first place from there on that has all that is missing."""
        for tops, left in zip(self._tops[start], missing, strict=True):
            if tops[1] < left:
                return None
        for at in range(start, len(self._amounts)):
            self.sets += 1
            for amount, left in zip(self._amounts[at], missing, strict=True):
                if amount < left:
                    break
            else:
                return (at,)
        return None


def _enough(amount: Decimal, column: Iterable[Decimal]) -> int:
    """How many of the amounts are needed to come to so much, the largest first."""
    for count, each in enumerate(sorted(column, reverse=True), 1):
        amount -= each
        if amount <= 0:
            return count
    raise ValueError("all places together have less than is wanted")


def share_out(
    wanted: Sequence[Wanted], quantities: Sequence[Decimal], places: Sequence[Amounts], chosen: Collection[int]
) -> list[tuple[int, int, Decimal]]:
    """(row, place, quantity): what comes from where. A row comes whole from the best place that has it whole, else
    from as many as it takes, the best first."""
    left = {number: dict(places[number]) for number in chosen}
    parts: list[tuple[int, int, Decimal]] = []
    for row, (each, quantity) in enumerate(zip(wanted, quantities, strict=True)):
        if quantity <= 0:
            continue
        item = each.item
        whole = next((number for number in left if left[number].get(item, ZERO) >= quantity), None)
        for number in left if whole is None else (whole,):
            taken = min(left[number].get(item, ZERO), quantity)
            if taken > 0:
                left[number][item] -= taken
                quantity -= taken
                parts.append((row, number, taken))
            if quantity <= 0:
                break
    return parts
