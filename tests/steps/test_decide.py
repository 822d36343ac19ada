"""What a `decide` step asks for, and what it does with the answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.ports import Decide
from engine.steps.step import Frame, run_steps

CLUB = """
app: club
---
access: keeper
everything: true
---
model: parcel
fields: {weight: integer, sent_on: date}
---
table: fees
inputs: {weight: integer}
outputs: {amount: money}
rows: |
  weight || amount
  -      || 5
---
action: ask
for: parcel
steps:
  - {decide: fees, given: {weight: weight + 1}, into: fee}
  - {decide: fees, given: {weight: 7}, as_of: sent_on}
  - {decide: fees, given: {weight: 0}, binding: pinned, into: pinned_fee}
"""


def club() -> Catalog:
    return build_texts({"definitions/club.yaml": CLUB})


def test_the_effect_carries_what_is_given_and_the_answer_gets_its_name() -> None:
    record: dict[str, Any] = {"id": "p1", "weight": 3, "sent_on": date(2026, 1, 31)}
    frame = Frame("parcel", record, {"record": record})
    steps = run_steps(club().actions["ask"].steps, frame)
    first = next(steps)
    assert isinstance(first, Decide)
    assert (first.table, first.model, first.record, first.given) == ("fees", "parcel", record, {"weight": 4})
    assert (first.as_of, first.pinned) == (None, False)
    second = steps.send({"amount": 5})
    assert isinstance(second, Decide)
    assert (second.given, second.as_of) == ({"weight": 7}, date(2026, 1, 31))
    third = steps.send({"amount": 6})
    assert isinstance(third, Decide)
    assert third.pinned
    assert frame.names["fee"] == {"amount": 5}
    assert "pinned_fee" not in frame.names
