"""Arithmetic on money that must add up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal


def spread(amount: Decimal, weights: Sequence[Decimal | int], digits: int = 2) -> list[Decimal]:
    """The parts of ``amount``, one for each weight, each with ``digits`` digits; they always sum to the amount.

    Largest remainder: every part is rounded towards minus infinity, and the units that are left go to the parts that
    lost most, the earlier first. Weights must not be negative; when all are zero, equal weights are taken. A negative
    amount is spread as its opposite is. The amount must not have more digits than the parts. No weights, no parts.
    """
    if not weights:
        return []
    if amount < 0:
        return [-part for part in spread(-amount, weights, digits)]
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    unit = Decimal(1).scaleb(-digits)
    units = amount / unit
    if units != units.to_integral_value():
        raise ValueError(f"{amount} has more than {digits} digits")
    total = sum(weights, Decimal(0))
    shares: Sequence[Decimal | int] = weights if total else [1] * len(weights)
    total = total or Decimal(len(weights))
    exact = [units * share / total for share in shares]
    floors = [value.to_integral_value(ROUND_FLOOR) for value in exact]
    left = int(units - sum(floors))
    most_lost = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for i in most_lost[:left]:
        floors[i] += 1
    return [(value * unit).quantize(unit) for value in floors]  # a nothing divided has lost its digits
