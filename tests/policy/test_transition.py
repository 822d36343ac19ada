"""What moves a record: which events there are, why one may not be fired, and what follows in which order."""

from __future__ import annotations

from typing import Any

import pytest

from engine.catalog.builder import build_texts
from engine.errors import Refused
from engine.policy.transition import MOST_HOPS, enter, events_from, may_fire, proceed, take
from engine.ports import Change, Move, Notify, PlaceHold, Reason, Refresh
from engine.steps.step import Frame
from tests.policy.office import drive, frame, office, paper

FILING = office().workflows["filing"]


def test_events_are_the_states_own_and_those_that_leave_from_it() -> None:
    assert set(events_from(FILING, "draft")) == {"file", "burn", "note"}
    assert set(events_from(FILING, "done")) == {"spin"}
    assert events_from(FILING, None) == {}
    assert events_from(FILING, "no such state") == {}


@pytest.mark.parametrize(
    ("event", "values", "outcome"),
    [
        ("file", {"total": 1}, None),
        ("file", {"total": 0}, "GUARD_REFUSED"),
        ("file", {"total": None}, "GUARD_REFUSED"),
        ("note", {}, None),
        ("spin", {}, "TRANSITION_REFUSED"),
        ("nonsense", {}, "TRANSITION_REFUSED"),
    ],
)
def test_why_an_event_may_not_be_fired(event: str, values: dict[str, int | None], outcome: str | None) -> None:
    verdict = may_fire(FILING, event, frame(paper(**values)), [])
    assert bool(verdict) is (outcome is None)
    if outcome is not None:
        assert verdict.reasons[0].outcome == outcome


def test_a_hold_blocks_the_events_that_it_names_before_any_guard() -> None:
    hold = {"id": "h1", "name": "dear", "blocks": ["file"], "message": "Too dear"}
    verdict = may_fire(FILING, "file", frame(paper(total=0)), [hold, {**hold, "blocks": None}])
    assert verdict.reasons[0].outcome == "HELD"
    assert [(part.rule, part.message) for part in verdict.reasons[0].parts] == [("hold.dear", "Too dear")]
    assert may_fire(FILING, "note", frame(paper()), [hold])


def test_an_event_does_its_steps_then_tells_then_leads_on() -> None:
    record = paper(total=20)
    effects = drive(take(FILING, FILING.states["draft"].events["file"], frame(record)))
    assert [type(effect) for effect in effects] == [Change, Notify, Move, PlaceHold, Refresh, Move]
    assert [effect.state for effect in effects if isinstance(effect, Move)] == ["filed", "done"]
    assert [effect.why.rule for effect in effects if isinstance(effect, Move)] == [
        "filing.file",
        "filing.filed.next.small",
    ]


def test_a_branch_says_which_ones_came_before_it() -> None:
    record = paper(total=20)
    *_, move = drive(enter(FILING, "filed", frame(record), Reason("test", "filed")))
    assert isinstance(move, Move)
    assert [(part.rule, part.outcome, part.message) for part in move.why.parts] == [
        ("filing.filed.next.dear", "not so", "total > 500")
    ]
    first = drive(enter(FILING, "filed", frame(paper(total=501, holds=[{"id": "h"}])), Reason("test", "filed")))[-2]
    assert isinstance(first, Move)
    assert first.why.parts == ()


@pytest.mark.parametrize(("total", "state"), [(501, "waiting"), (500, "done"), (10, "filed"), (None, "filed")])
def test_the_first_branch_that_holds_leads_on_and_unknown_does_not(total: int | None, state: str) -> None:
    record = paper(total=total, holds=[{"id": "h"}])
    drive(enter(FILING, "filed", frame(record), Reason("test", "filed")))
    assert record["status"] == state


def test_what_waits_goes_on_when_it_is_tried_again() -> None:
    record = paper(status="waiting", holds=[{"id": "h"}])
    assert drive(proceed(FILING, frame(record))) == []
    record["holds"] = []
    [move] = drive(proceed(FILING, frame(record)))
    assert isinstance(move, Move)
    assert move.state == "done"
    assert drive(proceed(FILING, frame(paper(status="gone")))) == []


LEAVING = """
app: shop
---
model: slip
workflow: slipping
fields: {left: {type: integer, default: 0}}
---
workflow: slipping
for: slip
start: first
states:
  first:
    leave: [{set: {left: left + 1}}]
    next: {on: {if: left > 5, to: second}}
    events: {go: {do: [{hold: seen}], to: second}, again: {to: first}, stay: {do: [{hold: seen}]}}
  second: {}
"""


def test_leaving_a_state_comes_after_the_events_steps_and_before_the_next_state() -> None:
    slipping = build_texts({"definitions/app.yaml": LEAVING}).workflows["slipping"]
    first = slipping.states["first"]

    def slip(**values: Any) -> Frame:
        record = {"id": "s", "status": "first", "left": 0, "holds": [], **values}
        return Frame("slip", record, {"record": record, "slip": record})

    def done(event: str) -> list[type[Any]]:
        return [type(effect) for effect in drive(take(slipping, first.events[event], slip()))]

    assert done("go") == [PlaceHold, Change, Move]
    assert done("again") == [Change, Move, Refresh]
    assert done("stay") == [PlaceHold]
    why = Reason("test", "first")
    assert [type(effect) for effect in drive(enter(slipping, "first", slip(), why, new=True))] == [Move, Refresh]
    assert [type(effect) for effect in drive(proceed(slipping, slip(left=6)))] == [Change, Move]


def test_branches_that_go_round_end_somewhere() -> None:
    steps, moves = enter(FILING, "round", frame(paper(code="P")), Reason("test", "round")), []
    for _ in range(MOST_HOPS):
        effect = next(steps)
        assert isinstance(effect, Move)
        effect.record["status"] = effect.state
        moves.append(effect.state)
        assert isinstance(next(steps), Refresh)
    with pytest.raises(Refused) as caught:
        next(steps)
    assert caught.value.code == "TOO_MANY_HOPS"
    assert moves[:3] == ["round", "about", "round"]
