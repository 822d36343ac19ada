"""Steps that name, set, test, repeat and divide: what each yields, and what it leaves behind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Refused
from engine.ports import Change
from tests.steps.bench import parcel, run


def test_let_names_values_for_what_follows_and_asks_nothing() -> None:
    ran = run("- let: {half: weight / 2}\n- let: {quarter: half / 2}", parcel(weight=Decimal(8)))
    assert ran.effects == []
    assert (ran.names["half"], ran.names["quarter"]) == (4, 2)


def test_set_changes_the_record() -> None:
    record = parcel(weight=Decimal(3))
    assert run("- set: {note: code, weight: weight + 1}", record).effects == [
        Change("parcel", record, {"note": "P", "weight": Decimal(4)})
    ]


def test_set_of_rows_works_each_out_by_itself() -> None:
    record = parcel()
    ran = run("- set: {worth: piece.worth * 2, name: 'concat(code, piece.name)'}\n  of: pieces\n  as: piece", record)
    first, second = record["pieces"]
    assert ran.effects == [
        Change("parcel", record, {}, [(first, {"worth": 2, "name": "Pcup"}), (second, {"worth": 4, "name": "Ppot"})])
    ]


@pytest.mark.parametrize(("weight", "expected"), [(5, "heavy"), (1, "light"), (None, "light")])
def test_when_chooses_and_unknown_is_a_no(weight: int | None, expected: str) -> None:
    steps = "- when: weight > 2\n  do: [{set: {note: \"'heavy'\"}}]\n  otherwise: [{set: {note: \"'light'\"}}]"
    [change] = run(steps, parcel(weight=weight)).effects
    assert isinstance(change, Change)
    assert change.values == {"note": expected}


def test_names_from_inside_a_when_do_not_leak() -> None:
    assert "inner" not in run("- when: true\n  do: [{let: {inner: 1}}]").names


@pytest.mark.parametrize("weight", [1, None])
def test_require_refuses_what_is_not_true(weight: int | None) -> None:
    with pytest.raises(Refused) as caught:
        run("- {require: weight > 2, code: TOO_LIGHT, message: Too light, at: weight}", parcel(weight=weight))
    assert [(one.at, one.code, one.message) for one in caught.value.complaints] == [
        ("weight", "TOO_LIGHT", "Too light")
    ]
    assert run("- {require: weight > 2}", parcel(weight=3)).effects == []


def test_for_each_does_the_same_for_every_item_and_forgets_it() -> None:
    record = parcel()
    ran = run("- for_each: pieces\n  as: piece\n  do: [{set: {note: piece.name}}]", record)
    assert [effect.values for effect in ran.effects if isinstance(effect, Change)] == [{"note": "cup"}, {"note": "pot"}]
    assert "piece" not in ran.names
    assert run("- for_each: pieces\n  as: piece\n  do: [{set: {note: piece.name}}]", parcel(pieces=[])).effects == []


@given(
    amount=st.decimals(0, 10**9, places=2),
    worths=st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any),
)
def test_spread_divides_without_a_rest(amount: Decimal, worths: list[int]) -> None:
    pieces = [{"id": str(at), "line": at, "name": "x", "worth": worth} for at, worth in enumerate(worths)]
    steps = "- {spread: weight, over: pieces, as: piece, by: piece.worth, into: parts}"
    parts = run(steps, parcel(weight=amount, pieces=pieces)).names["parts"]
    assert [part["item"] for part in parts] == pieces
    assert sum(part["amount"] for part in parts) == amount
    for part, worth in zip(parts, worths, strict=True):
        assert abs(part["amount"] - amount * worth / sum(worths)) < Decimal("0.01")
