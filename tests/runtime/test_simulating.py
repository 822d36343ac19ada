"""Changed workflows tried on the cases that there are: by the functions of live acts, and without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.builder import build_texts
from engine.errors import EngineError
from engine.policy.access import Actor
from engine.runtime.service import SYSTEM
from engine.runtime.simulating import Simulated, Simulation
from tests.runtime.running import START
from tests.runtime.test_migrating import Depot

YARD = """
app: depot
---
access: chief
can: {town: {read: all}, crate: {read: all}}
---
access: clerk
can: {crate: {read: all}}
---
model: town
key: code
fields: {code: {type: text, unique: true}, open: {type: boolean, default: true}}
---
model: crate
key: code
title: code
workflow: handling
fields:
  code: {type: text, unique: true}
  number: {type: sequence, format: "{seq:3}"}
  town: {type: link, to: town, back: crates}
  weight: {type: integer, default: 1}
  way: text
  items: {type: rows, key: line, of: {line: integer, weight: {type: integer, required: true}}}
---
model: trip
workflow: going
fields: {number: {type: sequence, format: "T{seq:3}"}, crate: {type: link, to: crate}}
---
workflow: going
for: trip
start: begun
states: {begun: {}}
---
table: ways
for: crate
inputs: {weight: {value: weight + sum(items.weight), type: integer}}
outputs: {way: text}
rows: |
  id   | weight || way
  walk | < 10   || walk
  road | >= 10  || road
---
workflow: handling
for: crate
start: empty
states:
  empty:
    events:
      fill: {to: full, input: {weight: integer}, do: [{set: {weight: input.weight}}], require: input.weight > 0}
  full:
    do: [{decide: ways, into: found}, {set: {way: found.way}}, {create: trip, values: {crate: crate}}]
    next:
      asked: {if: way == "road", to: asked}
      shut: {if: not town.open, to: waiting}
      go: {to: sent}
  waiting: {next: {go: {if: town.open, to: sent}}}
  asked:
    approval: {boss: {by: {role: chief}, nobody: refuse}}
    approved: held
    rejected: lost
  held:
    do: [{hold: look, assign: {role: chief}}]
    next: {go: {if: count(holds) == 0, to: sent}}
    timers: {late: {after: 2 d, do: [{hold: late, assign: {role: chief}}]}}
  sent: {events: {arrive: {to: there}, check: {to: held}}}
  there: {}
  lost: {}
"""


class Yard(Depot):
    """A depot with some past."""

    text = YARD

    def crate(self, code: str, weight: int, *, town: str = "N") -> str:
        key = self.put(code, town=town, items=[{"weight": 2}])
        self.clock.step(timedelta(hours=1))
        self.fill(key, weight)
        return key

    def fill(self, key: str, weight: int) -> None:
        service = self.engine.service
        self.engine.write(lambda tx: service.fire(tx, SYSTEM, "crate", key, "fill", {"weight": weight}))
        self.clock.step(timedelta(hours=1))

    def update(self, model: str, key: str, **values: Any) -> None:
        service = self.engine.service
        self.engine.write(lambda tx: service.update(tx, SYSTEM, model, key, values))
        self.clock.step(timedelta(hours=1))

    def release(self, key: str, actor: Actor) -> None:
        (hold,) = self.rows("hold", record=key, released_at=None)
        self.engine.write(lambda tx: self.engine.service.release(tx, actor, hold["id"], "seen"))
        self.clock.step(timedelta(hours=1))

    def tried(self, *changes: tuple[str, str], since: timedelta = timedelta(0)) -> Simulated:
        text = YARD
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        changed = build_texts({"definitions/app.yaml": text})
        (found,) = Simulation(self.engine, self.engine.catalog, changed).run(["handling"], START - since)
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def yard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """One for all tests: trying leaves no trace, as the last of them makes sure."""
    folder = tmp_path_factory.mktemp("yard")
    if request.param == "sqlite":
        yield from with_a_past(folder, f"sqlite:///{folder / 'yard.db'}")
    else:
        with request.getfixturevalue("postgres").scratch() as url:
            yield from with_a_past(folder, url)


def with_a_past(folder: Path, url: str) -> Iterator[Yard]:
    made = Yard(folder, url)
    ann = made.user("ann")
    made.user("bea", "clerk")
    service = made.engine.service
    towns = {
        code: str(
            made.engine.write(lambda tx, c=code, o=o: service.create(tx, SYSTEM, "town", {"code": c, "open": o}))["id"]
        )
        for code, o in (("N", True), ("S", False))
    }
    light = made.crate("light", 3)
    made.fire(light, "arrive")
    made.crate("shut", 4, town="S")
    heavy = made.crate("heavy", 30)
    made.approve(heavy, ann)
    made.clock.step(timedelta(hours=1))
    made.release(heavy, ann)
    refused = made.crate("asked", 20)
    assert made.rows("crate", id=refused)[0]["status"] == "asked"
    made.update("town", towns["S"], open=True)
    for key in (light, heavy, refused):
        made.update("crate", key, weight=1, items=[])
    assert {crate["code"]: crate["status"] for crate in made.rows("crate")} == {
        "light": "there", "shut": "sent", "heavy": "sent", "asked": "asked",
    }  # fmt: skip
    yield made
    made.database.close()


def test_the_first_act_that_comes_to_something_else_is_told(yard: Yard) -> None:
    found = yard.tried(("< 10 ", "< 5  "), (">= 10", ">= 5 "))
    assert found.changed == {("fill", "sent", "asked (asks boss)"): 2}, "light weighed 5 then, and shut 6"
    assert [(each.title, each.act) for each in found.examples] == [("light", "fill"), ("shut", "fill")]
    assert yard.tried(("< 10 ", "< 25 "), (">= 10", ">= 25")).changed == {("fill", "asked (asks boss)", "sent"): 1}
    assert yard.tried(("input.weight > 0", "input.weight > 3")).changed == {
        ("fill", "sent", "refused: GUARD_REFUSED"): 1
    }


def test_what_people_have_decided_stays_decided(yard: Yard) -> None:
    assert yard.tried(("approved: held", "approved: sent")).changed == {("approve", "held", "sent"): 1}
    assert yard.tried(("approval: {boss: {", "approval: {head: {")).changed == {
        ("fill", "asked (asks boss)", "asked (asks head)"): 2
    }
    assert yard.tried(("count(holds) == 0, to: sent", "count(holds) == 0, to: lost")).changed == {
        ("release", "sent", "lost"): 1
    }


def test_whoever_else_is_asked_is_told(yard: Yard) -> None:
    found = yard.tried(("boss: {by: {role: chief}", "boss: {by: {person: bea}"))
    assert found.changed == {("fill", "asked (asks boss)", "asked (asks others at boss)"): 2}
    assert {(each.title, each.before, each.after) for each in found.examples} == {
        ("heavy", "asked (asks boss: ann)", "asked (asks boss: bea)"),
        ("asked", "asked (asks boss: ann)", "asked (asks boss: bea)"),
    }
    assert yard.tried(("boss: {by: {role: chief}", "boss: {by: {person: ann}")).changed == {}


def test_states_that_are_gone_or_called_otherwise(yard: Yard) -> None:
    renamed = (("  asked:\n", "  seen:\n    was: asked\n"), ("to: asked}", "to: seen}"))
    assert yard.tried(*renamed).changed == {}
    gone = (("  asked:\n", "  seen:\n"), ("to: asked}", "to: seen}"))
    assert yard.tried(*gone).changed == {("fill", "asked (asks boss)", "seen (asks boss)"): 2}
    assert yard.tried(("      fill: {to", "      load: {to")).changed == {
        ("fill", "sent", "refused: TRANSITION_REFUSED"): 2,
        ("fill", "asked (asks boss)", "refused: TRANSITION_REFUSED"): 2,
    }


def test_an_open_case_may_go_on_at_once(yard: Yard) -> None:
    line = "  sent: {events: {"
    onward = "  sent: {next: {on: {if: now > created_at + days(9), to: lost}}, events: {"
    assert yard.tried((line, onward)).changed == {}
    yard.clock.step(timedelta(days=20))
    assert yard.tried((line, onward)).changed == {("now", "sent", "lost"): 2}
    assert yard.tried(since=-timedelta(days=9)).cases == 3, "light is over for longer"


def test_other_tables_are_refused(yard: Yard) -> None:
    with pytest.raises(EngineError, match=r"the files change tables, .*: leave out add column crate.size"):
        yard.tried(("  way: text\n", "  way: text\n  size: integer\n"))


def test_an_unchanged_file_changes_nothing_and_leaves_no_trace(yard: Yard) -> None:
    before = {
        model: yard.rows(model) for model in ("crate", "case", "trip", "event", "history", "hold", "task", "timer")
    }
    found = yard.tried()
    assert (found.cases, found.changed, found.examples, found.gone) == (4, {}, [], 0)
    assert found.unlike == 1, "the town was shut then, and others are read as they are now"
    assert {model: yard.rows(model) for model in before} == before
    number = yard.rows("trip")[-1]["number"]
    yard.crate("next", 1)
    assert int(yard.rows("trip")[-1]["number"][1:]) == int(number[1:]) + 1, "nor was a number used up"
