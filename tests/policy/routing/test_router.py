"""Routing from memory: how it splits, what it tells, and that it looks no further than it has to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from engine.catalog.builder import build_texts
from engine.catalog.kinds.routing import Candidates
from engine.policy.routing.router import MOST_TOLD, Need, Offer, Routed, Router

YARD = """
app: yard
---
model: depot
key: code
fields: {code: {type: text, unique: true}, room: integer, cost: decimal, opens: date}
---
model: shelf
fields: {depot: {type: link, to: depot}, thing: text, there: decimal}
---
model: wish
fields:
  patient: boolean
  parts: {type: rows, key: line, of: {line: integer, thing: text, much: decimal, some: boolean}}
---
routing: sourcing
for: wish
of: parts
need: {item: thing, quantity: much, partial: some}
supply: {from: shelf, at: depot, item: thing, quantity: there}
candidates:
  near: {from: depot, where: room > 1}
  far: {from: depot, if: patient}
rules:
  room: {require: need.quantity <= room, unknown: pass, message: No room}
rank: {cost: cost / (room - 5), opens: opens}
"""
PARTIAL = "quantity: much, partial: some"


@cache
def router(split: str, *, whole: bool = False) -> Router:
    text = f"{YARD}split: {split}\n"
    if whole:
        text = text.replace(PARTIAL, "quantity: much") + "whole: true\n"
    catalog = build_texts({"definitions/yard.yaml": text})
    return Router(catalog, catalog.routings["sourcing"])


def wish(*parts: tuple[str, int], some: bool = False, patient: bool = True) -> dict[str, Any]:
    rows = [
        {"id": str(at), "thing": thing, "much": Decimal(much), "some": some} for at, (thing, much) in enumerate(parts)
    ]
    return {"id": "w", "patient": patient, "parts": rows}


def depot(code: str, cost: int | None = 1, room: int | None = None, **there: int) -> Offer:
    place = {"id": code, "code": code, "cost": Decimal(cost) if cost is not None else None, "room": room, "opens": None}
    return Offer(place, {thing: [({"id": f"{code} {thing}"}, Decimal(much))] for thing, much in there.items()})


def routed(how: Router, record: Mapping[str, Any], near: Sequence[Offer], far: Sequence[Offer] = ()) -> Routed:
    def look(tier: Candidates, _needs: Sequence[Need]) -> Sequence[Offer]:
        return near if tier.name == "near" else far

    return how.route(dict(record), {}, look)


def parts(answer: Routed) -> list[tuple[str, str, int]]:
    return [(part["depot"]["id"], part["thing"], int(part["quantity"])) for part in answer.parts]


def missing(answer: Routed) -> list[tuple[str, int]]:
    return [(each["thing"], int(each["quantity"])) for each in answer.missing]


A, B = depot("A", cup=3, pot=2), depot("B", cup=5)


def test_each_row_from_the_best_place_for_it() -> None:
    answer = routed(router("true"), wish(("cup", 4), ("pot", 2)), [A, depot("B", cup=5, pot=2)])
    assert parts(answer) == [("B", "cup", 4), ("A", "pot", 2)]
    assert parts(routed(router("fewest"), wish(("cup", 4), ("pot", 2)), [A, depot("B", cup=5, pot=2)])) == [
        ("B", "cup", 4),
        ("B", "pot", 2),
    ]


def test_all_from_one_place_or_nothing() -> None:
    record = wish(("cup", 4), ("pot", 2))
    answer = routed(router("false"), record, [A, B])
    assert parts(answer) == []
    assert missing(answer) == [("cup", 4), ("pot", 2)]
    assert {each.outcome for each in answer.reason.parts[0].parts} == {"short"}
    answer = routed(router("false"), record, [A, B], [depot("C", cup=4, pot=2)])
    assert parts(answer) == [("C", "cup", 4), ("C", "pot", 2)]


def test_of_what_may_come_in_part_one_place_gives_most() -> None:
    answer = routed(router("false"), wish(("cup", 9), some=True), [A, B])
    assert (parts(answer), missing(answer)) == ([("B", "cup", 5)], [("cup", 4)])
    answer = routed(router("fewest"), wish(("cup", 9), some=True), [A, B])
    assert (parts(answer), missing(answer)) == ([("A", "cup", 3), ("B", "cup", 5)], [("cup", 1)])
    assert answer.reason.outcome == "short"


def test_nothing_is_taken_as_long_as_anything_is_missing() -> None:
    answer = routed(router("fewest", whole=True), wish(("cup", 3), ("pan", 1)), [A, B])
    assert (parts(answer), missing(answer)) == ([], [("cup", 3), ("pan", 1)])
    assert parts(routed(router("fewest", whole=True), wish(("cup", 3)), [A, B])) == [("A", "cup", 3)]


def test_two_rows_do_not_take_the_same() -> None:
    answer = routed(router("fewest"), wish(("cup", 3), ("cup", 3)), [A])
    assert (parts(answer), missing(answer)) == ([("A", "cup", 3)], [("cup", 3)])


def test_what_is_null_or_nothing_is_not_needed() -> None:
    record = wish(("cup", 0), ("pot", 1))
    record["parts"][1]["much"] = None
    assert routed(router("fewest"), record, [A]).reason.outcome == "nothing needed"


def test_a_tier_joins_those_before_it() -> None:
    answer = routed(router("fewest"), wish(("cup", 8)), [depot("A", cup=3)], [depot("B", cup=5)])
    assert parts(answer) == [("A", "cup", 3), ("B", "cup", 5)]
    hasty = routed(router("fewest"), wish(("cup", 8), patient=False), [depot("A", cup=3)], [depot("B", cup=5)])
    assert parts(hasty) == []
    assert hasty.reason.parts[1].outcome == "not for this"


def test_unknown_ranks_come_last_and_failing_ones_too() -> None:
    """A division by zero (a room of 5) is unknown."""
    offers = [depot("A", room=5, cup=1), depot("B", None, room=6, cup=1), depot("C", 7, room=6, cup=1)]
    answer = routed(router("fewest"), wish(("cup", 1)), offers)
    assert parts(answer) == [("C", "cup", 1)]
    told = answer.reason.parts[0].parts
    assert [each.rule for each in told] == ["sourcing.near.C", "sourcing.near.A", "sourcing.near.B"]
    assert told[1].message == "last by what is not known: cost, opens"


def test_a_rule_may_let_the_unknown_pass() -> None:
    answer = routed(router("fewest"), wish(("cup", 3)), [depot("A", room=2, cup=9), depot("B", cup=9)])
    assert parts(answer) == [("B", "cup", 3)]
    rejected = answer.reason.parts[0].parts[1]
    assert (rejected.outcome, rejected.message, rejected.read["room"]) == ("rejected: room", "No room", 2)


def test_of_many_candidates_the_first_are_told_and_the_others_counted() -> None:
    offers = [depot(f"D{at:02}", cost=-at, cup=1) for at in range(40)] + [depot("X") for _ in range(10)]
    told = routed(router("fewest"), wish(("cup", 1)), offers).reason.parts[0]
    assert told.message == "50 candidates"
    assert len(told.parts) == MOST_TOLD + 1
    assert told.parts[0].outcome == "taken"
    assert (told.parts[-1].outcome, told.parts[-1].message) == ("20 more", "10 possible, 10 empty")


def test_two_thousand_candidates_and_fifty_rows() -> None:
    """Bounded: by what is looked through, and by what is told."""
    things = [f"t{at}" for at in range(50)]
    offers = [
        depot(f"D{at:04}", **{things[(at * 7 + more) % 50]: 1 + more % 3 for more in range(9)}) for at in range(2_000)
    ]
    answer = routed(router("fewest"), wish(*((thing, 40) for thing in things)), offers)
    assert not answer.missing
    assert "too many sets" in str(answer.reason.message)
    assert sum(len(tier.parts) for tier in answer.reason.parts) == MOST_TOLD + 1


def test_a_place_gives_from_one_of_its_records_after_the_other() -> None:
    stores = {"cup": [({"id": "s1"}, Decimal(2)), ({"id": "s2"}, Decimal(4))]}
    offer = Offer({"id": "A", "code": "A", "cost": None, "room": None, "opens": None}, stores)
    answer = routed(router("fewest"), wish(("cup", 1), ("cup", 3), ("cup", 2)), [offer])
    assert [(part["shelf"]["id"], int(part["quantity"]), part["row"]["id"]) for part in answer.parts] == [
        ("s1", 1, "0"), ("s1", 1, "1"), ("s2", 2, "1"), ("s2", 2, "2")
    ]  # fmt: skip
