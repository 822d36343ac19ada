"""What a `route` step asks for, and what it names the answer."""

from __future__ import annotations

from functools import cache
from typing import Any

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.ports import Route
from engine.steps.step import Frame, run_steps

YARD = """
app: yard
---
model: depot
key: code
fields: {code: {type: text, unique: true}}
---
model: shelf
fields: {depot: {type: link, to: depot}, thing: text, there: decimal}
---
model: wish
fields: {thing: text, much: decimal, other: {type: link, to: wish}}
---
routing: sourcing
for: wish
need: {item: thing, quantity: much}
supply: {from: shelf, at: depot, item: thing, quantity: there}
candidates: {all: {from: depot}}
---
action: ask
for: wish
steps:
  - {route: sourcing, into: parts, missing: short}
  - {route: sourcing, record: other, into: of_other}
  - for_each: parts
    as: part
    do:
      - let:
          told: concat(part.depot.code, part.shelf.thing, part.thing)
          in_all: part.quantity + first(short.quantity)
"""


@cache
def yard() -> Catalog:
    return build_texts({"definitions/yard.yaml": YARD})


def run(record: dict[str, Any]) -> tuple[list[Any], Frame]:
    frame = Frame("wish", record, {"record": record})
    steps, effects, answer = run_steps(yard().actions["ask"].steps, frame), [], None
    while True:
        try:
            effects.append(steps.send(answer))
        except StopIteration:
            return effects, frame
        answer = ([], [{"thing": "cup", "quantity": 1}])


def test_it_asks_about_the_record_and_names_both_halves_of_the_answer() -> None:
    other = {"id": "w2", "other": None}
    record: dict[str, Any] = {"id": "w1", "other": other}
    [first, second], frame = run(record)
    assert isinstance(first, Route)
    assert (first.routing, first.model, first.record) == ("sourcing", "wish", record)
    assert second.record is other
    assert frame.names["parts"] == frame.names["of_other"] == []
    assert frame.names["short"] == [{"thing": "cup", "quantity": 1}]


def test_where_there_is_no_record_nothing_is_asked() -> None:
    effects, frame = run({"id": "w2", "other": None})
    assert len(effects) == 1
    assert frame.names["of_other"] == []
