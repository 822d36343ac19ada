"""What holds of every price: the bounds, the tiers, and that a fixed price is what was agreed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.errors import Refused
from engine.policy.pricing import Pricer, Prices
from engine.ports import Record

TEXT = """
app: stall
---
model: rate
fields: {thing: text, from_much: decimal, standing: integer, asked: decimal, agreed: boolean}
---
model: wish
fields:
  factor: decimal
  least: decimal
  most: decimal
  parts: {type: rows, of: {thing: text, much: decimal, asked: decimal}}
---
pricing: asking
for: wish
of: parts
as: part
lists:
  agreed: {from: rate, where: agreed, match: {thing: part.thing}, price: asked, fixed: true}
  every:
    from: rate
    where: not agreed
    match: {thing: part.thing}
    tiers: {from_much: part.much}
    rank: [-standing]
    price: asked
adjust:
  factor: {if: factor != null, to: price * factor}
cap: most
floor: least
set: {asked: price}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return build_texts({"definitions/app.yaml": TEXT})


def rate(number: int, asked: Decimal, *, thing: str = "cup", agreed: bool = False, **more: Any) -> Record:
    return {
        "id": f"{number:04}",
        "thing": thing,
        "from_much": None,
        "standing": 0,
        "asked": asked,
        "agreed": agreed,
    } | more


def priced(catalog: Catalog, rates: Sequence[Record], *much: Decimal, **values: Any) -> Prices:
    parts = [{"id": str(place), "thing": "cup", "much": each, "asked": None} for place, each in enumerate(much)]
    record = {"id": "w", "factor": None, "least": None, "most": None, "parts": parts, **values}

    def look(each: Any, wanted: Any) -> list[Record]:
        # What the database does: it knows nothing of tiers and ranks.
        fixed = each.name == "agreed"
        return [found for found in rates if found["agreed"] is fixed and found["thing"] in wanted["thing"]]

    return Pricer(catalog, catalog.pricings["asking"]).price(record, {}, look)


amounts = st.decimals(0, 1000, places=3, allow_nan=False, allow_infinity=False)
maybe = st.none() | amounts


@given(asked=amounts, factor=st.none() | st.decimals(0, 3, places=2), least=maybe, most=maybe)
def test_a_price_is_the_adjusted_one_between_floor_and_cap(
    catalog: Catalog, asked: Decimal, factor: Decimal | None, least: Decimal | None, most: Decimal | None
) -> None:
    [made] = priced(catalog, [rate(1, asked)], Decimal(1), factor=factor, least=least, most=most).priced
    cent = Decimal("0.01")
    plain = (asked * (1 if factor is None else factor)).quantize(cent, ROUND_HALF_UP)
    assert made.price == made.price.quantize(cent)
    assert least is None or made.price >= least
    assert most is None or made.price <= most or (least is not None and made.price - least < cent)
    if (least is None or plain >= least) and (most is None or plain <= most):
        assert made.price == plain


@given(asked=amounts, factor=st.decimals(0, 3, places=2), least=maybe, most=maybe)
def test_an_agreed_price_is_what_was_agreed(
    catalog: Catalog, asked: Decimal, factor: Decimal, least: Decimal | None, most: Decimal | None
) -> None:
    rates = [rate(1, asked, agreed=True), rate(2, Decimal(1))]
    [made] = priced(catalog, rates, Decimal(1), factor=factor, least=least, most=most).priced
    assert (made.price, made.list) == (asked, "agreed")


@given(
    tiers=st.lists(st.tuples(amounts, st.integers(0, 2)), min_size=1, max_size=8),
    much=st.lists(amounts, min_size=1, max_size=5),
)
def test_the_best_standing_and_then_the_highest_tier_that_is_reached(
    catalog: Catalog, tiers: list[tuple[Decimal, int]], much: list[Decimal]
) -> None:
    rates = [rate(0, Decimal(5), standing=-1)] + [
        rate(number, Decimal(number), from_much=begins, standing=standing)
        for number, (begins, standing) in enumerate(tiers, 10)
    ]
    much.sort()
    found = [int(each.price) for each in priced(catalog, rates, *much).priced]
    taken = [(-1, Decimal(-1)) if number == 5 else (tiers[number - 10][1], tiers[number - 10][0]) for number in found]
    for each, one in zip(much, taken, strict=True):
        reached = [(standing, begins) for begins, standing in tiers if begins <= each]
        assert one == max(reached, default=(-1, Decimal(-1)))
    assert taken == sorted(taken), "more of it never leaves a tier that was reached"


@given(st.lists(st.sampled_from(["cup", "pot"]), max_size=6), st.integers(0, 3))
def test_each_row_gets_a_price_or_none_does(catalog: Catalog, things: list[str], seed: int) -> None:
    rates = [rate(number, Decimal(number)) for number in range(seed)]
    parts = [
        {"id": str(place), "thing": thing, "much": Decimal(1), "asked": None} for place, thing in enumerate(things)
    ]
    possible = all(thing == "cup" and rates for thing in things)
    if possible:
        made = priced(catalog, rates, parts=parts)
        assert [each.row["id"] for each in made.priced] == [part["id"] for part in parts]
        return
    with pytest.raises(Refused) as caught:
        priced(catalog, rates, parts=parts)
    assert caught.value.code == "NO_PRICE"
    assert len(caught.value.reasons[0].parts) == len(things)
