"""Which places have it all: against looking at every set there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from engine.policy.routing.choosing import Chosen, Wanted, attainable, fewest, share_out, totals

AMOUNTS = st.integers(0, 6).map(Decimal)
PLACES = st.lists(st.dictionaries(st.sampled_from("abc"), AMOUNTS, max_size=3), min_size=1, max_size=7)
WANTED = st.lists(
    st.builds(Wanted, st.sampled_from("abc"), st.integers(1, 8).map(Decimal), st.booleans()), min_size=1, max_size=5
)

Places = Sequence[Mapping[str, Decimal]]


def by_looking(demand: Mapping[str, Decimal], places: Places) -> tuple[int, ...]:
    """The first of the smallest sets that have it all."""
    for size in range(len(places) + 1):
        for chosen in combinations(range(len(places)), size):
            if has(demand, places, chosen):
                return chosen
    raise AssertionError("all of them together have it")


def has(demand: Mapping[str, Decimal], places: Places, chosen: Sequence[int]) -> bool:
    return all(sum(places[number].get(item, 0) for number in chosen) >= amount for item, amount in demand.items())


@given(WANTED, PLACES)
def test_the_smallest_set_with_the_best_places(wanted: list[Wanted], places: Places) -> None:
    demand = totals(wanted, attainable(wanted, places))
    assert fewest(demand, places) == Chosen(by_looking(demand, places))


@given(WANTED, PLACES)
def test_what_is_shared_out_is_there_and_adds_up(wanted: list[Wanted], places: Places) -> None:
    quantities = attainable(wanted, places)
    chosen = fewest(totals(wanted, quantities), places).places
    parts = share_out(wanted, quantities, places, chosen)
    for row, quantity in enumerate(quantities):
        assert sum(part[2] for part in parts if part[0] == row) == quantity
    for number, place in enumerate(places):
        for item in "abc":
            given_away = sum(q for row, at, q in parts if at == number and wanted[row].item == item)
            assert given_away <= place.get(item, 0)
    assert {part[1] for part in parts} <= set(chosen)


@given(WANTED, PLACES)
def test_a_row_gets_all_or_nothing_unless_it_may_be_partial(wanted: list[Wanted], places: Places) -> None:
    for each, quantity in zip(wanted, attainable(wanted, places), strict=True):
        assert 0 <= quantity <= each.quantity
        assert each.partial or quantity in (0, each.quantity)


def many(count: int, items: int) -> list[dict[str, Decimal]]:
    return [
        {f"i{(number * 7 + at) % items}": Decimal(1 + (number * at) % 3) for at in range(9)} for number in range(count)
    ]


def test_what_is_too_much_to_look_through_is_found_greedily_and_said_so() -> None:
    places = many(2_000, 50)
    demand = {f"i{at}": Decimal(40) for at in range(50)}
    found = fewest(demand, places)
    assert not found.proven
    assert has(demand, places, found.places)
    assert all(not has(demand, places, [n for n in found.places if n != one]) for one in found.places)


def test_a_search_that_takes_too_long_is_given_up_and_said_so() -> None:
    places = many(60, 20)
    demand = {f"i{at}": Decimal(11) for at in range(20)}
    found = fewest(demand, places)
    assert has(demand, places, found.places)
    assert not found.proven


def test_a_row_comes_whole_from_the_best_place_that_has_it_whole() -> None:
    places = [{"a": Decimal(3)}, {"a": Decimal(5), "b": Decimal(1)}]
    wanted = [Wanted("a", Decimal(4)), Wanted("b", Decimal(1)), Wanted("a", Decimal(3)), Wanted("a", Decimal(1))]
    parts = share_out(wanted, [each.quantity for each in wanted], places, (0, 1))
    assert parts == [(0, 1, 4), (1, 1, 1), (2, 0, 3), (3, 1, 1)]
