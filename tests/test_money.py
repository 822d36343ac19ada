"""Spreading money: the parts always add up, and no part is further from its share than a unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money import spread

CENT = Decimal("0.01")
AMOUNTS = st.integers(-(10**9), 10**9).map(lambda cents: cents * CENT)
WEIGHTS = st.lists(st.integers(0, 10**6) | st.decimals(0, 10**6, places=3), min_size=1, max_size=30)


@given(AMOUNTS, WEIGHTS)
def test_the_parts_add_up_to_the_amount(amount: Decimal, weights: list[int | Decimal]) -> None:
    parts = spread(amount, weights)
    assert len(parts) == len(weights)
    assert sum(parts) == amount
    assert all(part == part.quantize(CENT) and part.as_tuple().exponent == -2 for part in parts)


@given(AMOUNTS, WEIGHTS)
def test_no_part_is_against_the_amount(amount: Decimal, weights: list[int | Decimal]) -> None:
    assert all(part * amount >= 0 for part in spread(amount, weights))


@given(AMOUNTS, WEIGHTS)
def test_every_part_is_within_a_unit_of_its_share(amount: Decimal, weights: list[int | Decimal]) -> None:
    total = sum(map(Fraction, weights))
    for part, weight in zip(spread(amount, weights), weights, strict=True):
        share = Fraction(amount) * (Fraction(weight) / total if total else Fraction(1, len(weights)))
        assert abs(Fraction(part) - share) < Fraction(CENT)


@given(AMOUNTS.filter(lambda amount: amount >= 0), WEIGHTS)
def test_who_weighs_more_never_gets_less(amount: Decimal, weights: list[int | Decimal]) -> None:
    if any(weights):
        parts = sorted(zip(weights, spread(amount, weights), strict=True))
        for (light, less), (heavy, more) in pairwise(parts):
            assert light == heavy or less <= more


@given(AMOUNTS, WEIGHTS)
def test_the_opposite_amount_gives_the_opposite_parts(amount: Decimal, weights: list[int | Decimal]) -> None:
    assert spread(-amount, weights) == [-part for part in spread(amount, weights)]


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        ("10.00", [1, 1, 1], ["3.34", "3.33", "3.33"]),
        ("0.01", [0, 5, 5], ["0.00", "0.01", "0.00"]),
        ("0.05", [0, 0], ["0.03", "0.02"]),
        ("0.00", [1, 2], ["0.00", "0.00"]),
        ("-1.00", [2, 1], ["-0.67", "-0.33"]),
        ("5.00", [0, 1], ["0.00", "5.00"]),
    ],
)
def test_examples(amount: str, weights: list[int], parts: list[str]) -> None:
    assert [str(part) for part in spread(Decimal(amount), weights)] == parts


def test_nothing_to_spread_over() -> None:
    assert spread(Decimal(1), []) == []


def test_another_number_of_digits() -> None:
    assert spread(Decimal(10), [1, 1, 1], digits=0) == [Decimal(4), Decimal(3), Decimal(3)]


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        spread(Decimal(1), [1, -1])


def test_an_amount_with_more_digits_than_its_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 2 digits"):
        spread(Decimal("1.001"), [1])
