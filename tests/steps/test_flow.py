"""Steps that hold, release, fire, run and tell: which effect each yields, about which record."""

from __future__ import annotations

import pytest

from engine.errors import DefinitionError
from engine.ports import Effect, Fire, Notify, PlaceHold, Record, ReleaseHold, Run
from tests.steps.bench import catalog_with, parcel, run

RECORD = parcel()
OTHER: Record = {"id": "p2"}


def one(steps: str) -> Effect:
    [effect] = run(steps, RECORD).effects
    return effect


def test_a_hold_says_what_it_blocks_and_whose_it_is() -> None:
    assert one("- {hold: heavy, blocks: [go], assign: {role: clerk}, message: It is heavy}") == PlaceHold(
        "parcel", RECORD, "heavy", ("go",), {"role": "clerk"}, "It is heavy"
    )
    assert one("- {hold: seen}") == PlaceHold("parcel", RECORD, "seen", (), {}, None)


def test_release_names_the_hold() -> None:
    assert one("- {release: heavy}") == ReleaseHold("parcel", RECORD, "heavy")


def test_fire_gives_input_that_is_worked_out() -> None:
    assert one("- {fire: go, input: {why: code}}") == Fire("parcel", RECORD, "go", {"why": "P"})


def test_run_passes_the_record_and_input_on() -> None:
    assert one("- {run: tidy, input: {hard: weight == null}}") == Run("tidy", "parcel", RECORD, {"hard": True})


def test_notify_names_message_and_receiver() -> None:
    assert one("- {notify: moved, to: clerk}") == Notify("moved", "clerk", "parcel", RECORD)


@pytest.mark.parametrize(
    ("word", "kind"), [("hold: heavy", PlaceHold), ("release: heavy", ReleaseHold), ("fire: go", Fire)]
)
def test_another_record_may_be_meant_and_none_is_no_fault(word: str, kind: type) -> None:
    steps = f"- {{find: parcel, one: true, into: other}}\n- {{{word}, record: other}}"
    _, effect = run(steps, RECORD, [[OTHER]]).effects
    assert isinstance(effect, kind)
    assert effect.record is OTHER  # type: ignore[attr-defined]  # each of them has one
    assert len(run(steps, RECORD, [[]]).effects) == 1, "nothing was found, so nothing is done"


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- {hold: heavy, blocks: [og]}", "E302"),
        ("- {hold: heavy, assign: {}}", "E110"),
        ("- {hold: heavy, assign: {role: cleric}}", "E302"),
        ("- {release: heavy, record: code}", "E205"),
        ("- {fire: og}", "E302"),
        ("- {fire: go, input: {wyh: code}}", "E303"),
        ("- {fire: go, input: {why: 1 + 1}}", "E205"),
        ("- {run: tidi}", "E302"),
        ("- {run: tidy, input: {hard: code}}", "E205"),
        ("- {notify: mvoed}", "E302"),
        ("- {notify: moved, to: nobody}", "E302"),
    ],
)
def test_what_cannot_be_meant_is_told_at_load(steps: str, code: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        catalog_with(steps)
    assert [problem.code for problem in caught.value.problems] == [code]
