"""Routing inside acts, on both databases: what is read, what is locked, and what the history tells."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from engine.errors import Refused
from engine.policy.access import Actor
from engine.runtime import routing
from engine.runtime.service import SYSTEM
from tests.runtime.running import Running

YARD = """
app: yard
intake: wish
---
access: reader
can: {wish: {read: all}}
---
access: keeper
can: {wish: {read: all}, depot: {read: all}, shelf: {read: all}}
---
model: thing
key: code
fields: {code: {type: text, unique: true}}
---
model: depot
key: code
fields:
  code: {type: text, unique: true}
  kind: {type: choice, of: [small, large]}
  open: {type: boolean, default: true}
  north: {type: decimal, digits: 4}
  east: {type: decimal, digits: 4}
---
model: shelf
fields:
  depot: {type: link, to: depot}
  thing: {type: link, to: thing}
  there: {type: decimal, digits: 2, default: 0}
  sound: {type: boolean, default: true}
---
model: sending
fields: {wish: {type: link, to: wish}, depot: {type: link, to: depot}, much: {type: decimal, digits: 2}}
---
model: wish
key: name
workflow: wishing
routing: sourcing
fields:
  name: {type: text, unique: true}
  channel: {type: link, to: channel}
  road: text
  urgent: boolean
  north: {type: decimal, digits: 4}
  parts: {type: rows, key: line, of: {line: integer, thing: {type: link, to: thing}, much: {type: decimal, digits: 2}}}
  lacking: {type: integer, default: 0}
---
routing: sourcing
for: wish
of: parts
need: {item: thing, quantity: much}
supply: {from: shelf, at: depot, item: thing, quantity: there, where: sound}
candidates:
  small: {from: depot, where: kind == "small", if: urgent}
  large: {from: depot, where: kind == "large"}
rules: {open: {require: open, message: Closed}}
rank: {far: "distance(north, east, record.north, 0)"}
allotted: {from: sending, of: wish, at: depot}
---
routing: by_road
for: wish
candidates: {every: {from: depot}}
consolidate_by: road
---
channel: post
intake: {}
identity: {key: [name]}
map: {name: $.n}
routing: by_road
---
workflow: wishing
for: wish
start: open
states:
  open:
    events:
      route:
        do:
          - {route: sourcing, into: found, missing: short}
          - for_each: found
            as: part
            do:
              - update: shelf
                where: id == part.shelf.id
                require: there >= part.quantity
                set: {there: there - part.quantity}
                then: [{create: sending, values: {wish: record, depot: part.depot, much: part.quantity}}]
                otherwise: [{require: false, code: LOST_IT}]
          - {set: {lacking: count(short)}}
"""


@pytest.fixture
def yard(database_url: str) -> Iterator[Running]:
    running = Running(YARD, database_url)
    running.create("channel", {"code": "post"})
    for code in ("cup", "pot"):
        running.create("thing", {"code": code})
    for code, kind, north in (("S1", "small", "1"), ("S2", "small", "2"), ("L1", "large", "3"), ("L2", "large", None)):
        running.create("depot", {"code": code, "kind": kind, "north": north, "east": "0"})
    yield running
    running.database.close()


def put(yard: Running, depot: str, thing: str, there: int, **more: Any) -> None:
    yard.create("shelf", {"depot": depot, "thing": thing, "there": str(there), **more})


def wish(yard: Running, name: str, *parts: tuple[str, int], **values: Any) -> str:
    rows = [{"thing": thing, "much": str(much)} for thing, much in parts]
    made = yard.create("wish", {"name": name, "urgent": True, "north": "0", "parts": rows, **values})
    return str(made["id"])


def route(yard: Running, key: str, actor: Actor = SYSTEM) -> list[tuple[str, int]]:
    """(depot, quantity) of what was sent."""
    yard.fire("wish", key, "route")
    found = yard.all("sending", where=f'wish.id == "{key}"', expand=["depot"])
    return sorted((each["depot"]["code"], int(each["much"])) for each in found)


def lacking(yard: Running, key: str) -> int:
    return int(yard.get("wish", key)["lacking"])


def reason(yard: Running, key: str, actor: Actor = SYSTEM) -> dict[str, Any]:
    told = yard.timeline("wish", key, actor)[0]["reasons"]
    found: dict[str, Any] = next(each for each in told if each["rule"] in ("sourcing", "by_road"))
    return found


def test_tiers_follow_each_other_and_each_candidate_is_told(yard: Running) -> None:
    put(yard, "S1", "cup", 2)
    put(yard, "S2", "cup", 9, sound=False)
    put(yard, "L1", "cup", 8)
    put(yard, "L2", "cup", 8)
    key = wish(yard, "W", ("cup", 3))
    assert route(yard, key) == [("L1", 3)]
    told = reason(yard, key)
    assert (told["outcome"], told["message"]) == ("routed", "from 1 place")
    assert told["read"] == {"needs": "cup 3.00"}
    small, large = told["parts"]
    assert (small["rule"], small["outcome"]) == ("sourcing.small", "tried")
    assert [(each["rule"], each["outcome"]) for each in small["parts"]] == [
        ("sourcing.small.S1", "possible"),
        ("sourcing.small.S2", "empty"),
    ]
    first, last = large["parts"]
    assert (first["rule"], first["outcome"], first["message"]) == ("sourcing.large.L1", "taken", "cup 3.00")
    assert first["read"] == {"far": "333.585", "has cup": "8.00"}
    assert (last["outcome"], last["message"]) == ("possible", "last by what is not known: far")
    assert last["at"].startswith("definitions/app.yaml:")


def test_the_first_tier_is_enough_and_the_other_is_not_asked(yard: Running) -> None:
    put(yard, "S1", "cup", 3)
    put(yard, "L1", "cup", 8)
    key = wish(yard, "W", ("cup", 3))
    assert route(yard, key) == [("S1", 3)]
    assert reason(yard, key)["parts"][1]["outcome"] == "not needed"
    calm = wish(yard, "V", ("cup", 3), urgent=False)
    assert route(yard, calm) == [("L1", 3)]
    assert reason(yard, calm)["parts"][0]["outcome"] == "not for this"


def test_a_rule_rejects_and_says_what_it_saw(yard: Running) -> None:
    put(yard, "S1", "cup", 3)
    put(yard, "S2", "cup", 3)
    [near] = yard.all("depot", where='code == "S1"')
    yard.update("depot", near["id"], {"open": False})
    key = wish(yard, "W", ("cup", 3))
    assert route(yard, key) == [("S2", 3)]
    told = reason(yard, key)["parts"][0]["parts"][1]
    assert (told["rule"], told["outcome"], told["message"]) == ("sourcing.small.S1", "rejected: open", "Closed")
    assert told["read"]["open"] == "false"


def test_nobody_has_it_and_nothing_is_lost(yard: Running) -> None:
    put(yard, "S1", "pot", 1)
    key = wish(yard, "W", ("cup", 3), ("pot", 1))
    assert route(yard, key) == [("S1", 1)]
    assert lacking(yard, key) == 1
    assert reason(yard, key)["read"]["missing"] == "cup 3.00"
    alone = wish(yard, "V", ("cup", 3))
    assert route(yard, alone) == []
    assert reason(yard, alone)["outcome"] == "nothing to be had"
    empty = wish(yard, "U")
    assert route(yard, empty) == []
    assert reason(yard, empty)["outcome"] == "nothing needed"


def test_several_shelves_of_a_place_add_up(yard: Running) -> None:
    put(yard, "S1", "cup", 2)
    put(yard, "S2", "cup", 1)
    put(yard, "S2", "cup", 2)
    key = wish(yard, "W", ("cup", 3))
    assert route(yard, key) == [("S2", 1), ("S2", 2)]
    assert reason(yard, key)["message"] == "from 1 place"


def test_the_channel_brings_its_own_and_sends_together(yard: Running) -> None:
    put(yard, "S1", "cup", 5)
    put(yard, "L1", "cup", 9)
    large = wish(yard, "A", ("cup", 8), road="east", channel="post")
    assert route(yard, large) == [("L1", 8)]
    put(yard, "S2", "cup", 1)
    assert route(yard, wish(yard, "B", ("cup", 1), road="east", channel="post")) == [("L1", 1)]
    assert route(yard, wish(yard, "C", ("cup", 1), road="west", channel="post")) == [("S1", 1)]
    assert route(yard, wish(yard, "D", ("cup", 1), channel="post")) == [("S1", 1)]
    together = reason(yard, large)
    assert together["rule"] == "by_road"


def test_what_a_reader_may_not_see_of_places_is_not_told(yard: Running) -> None:
    put(yard, "S1", "cup", 3)
    key = wish(yard, "W", ("cup", 3))
    route(yard, key)
    reader, keeper = yard.user("rita", "reader"), yard.user("kai", "keeper")
    told = reason(yard, key, reader)
    assert told["outcome"] == "routed"
    assert "read" not in told
    assert "parts" not in told
    assert reason(yard, key, keeper) == reason(yard, key)


def test_too_many_candidates_are_refused(yard: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MOST_CANDIDATES", 1)
    with pytest.raises(Refused, match=r"sourcing\.small: more than 1 records of depot"):
        yard.fire("wish", wish(yard, "W", ("cup", 1)), "route")


def test_what_is_gone_before_it_is_locked_is_chosen_anew(yard: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again somebody has taken what was chosen: in the end all is locked before it is chosen."""
    for depot in ("S1", "S2", "L1", "L2"):
        put(yard, depot, "cup", 1)
    gives, locked = routing.Facts._gives, []

    def counted(self: routing.Facts, found: Any, wanted: Any) -> bool:
        locked.append(self.lock)
        return self.lock and gives(self, found, wanted)

    monkeypatch.setattr(routing.Facts, "_gives", counted)
    key = wish(yard, "W", ("cup", 1))
    assert route(yard, key) == [("S1", 1)]
    assert locked == [False] * routing.MOST_TRIES + [True]


def test_many_want_the_last_ones(yard: Running) -> None:
    put(yard, "S1", "cup", 3)
    put(yard, "S2", "cup", 2)
    keys = [wish(yard, f"W{at}", ("cup", 1)) for at in range(16)]
    barrier = Barrier(8)

    def one(key: str) -> None:
        if keys.index(key) < 8:
            barrier.wait()
        yard.fire("wish", key, "route")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, keys))
    assert sum(int(each["much"]) for each in yard.all("sending")) == 5
    assert [int(each["there"]) for each in yard.all("shelf")] == [0, 0]
    assert sum(lacking(yard, key) for key in keys) == 11


def test_both_of_two_that_cross_are_supplied(yard: Running) -> None:
    """One wants cup and pot, the other pot and cup, again and again: neither waits for the other for good."""
    put(yard, "S1", "cup", 40)
    put(yard, "S1", "pot", 40)
    keys = [wish(yard, f"W{at}", *((("cup", 1), ("pot", 1))[:: 1 if at % 2 else -1])) for at in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: yard.fire("wish", key, "route"), keys))
    assert len(yard.all("sending", limit=100)) == 40
