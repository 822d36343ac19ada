"""Steps that read and write other records: which effect each yields, and what becomes of the answer."""

from __future__ import annotations

import pytest

from engine.errors import DefinitionError
from engine.ports import Change, Create, Delete, Find, Update
from tests.steps.bench import TOWN, catalog_with, parcel, run


def test_find_asks_and_names_the_answer() -> None:
    found = [{"id": "p2"}, {"id": "p3"}]
    steps = "- {find: parcel, where: town == record.town, sort: [-code, weight], limit: 7, into: others}"
    ran = run(steps, None, [found])
    [effect] = ran.effects
    assert isinstance(effect, Find)
    assert (effect.model, effect.sort, effect.limit) == ("parcel", ("-code", "weight"), 7)
    assert effect.where({"town": TOWN}, effect.scope) is True
    assert effect.where({"town": {"id": "t2"}}, effect.scope) is False
    assert ran.names["others"] is found


@pytest.mark.parametrize(("answer", "named"), [([{"id": "p2"}], {"id": "p2"}), ([], None)])
def test_find_one_names_the_first_or_nothing(answer: list[dict[str, str]], named: dict[str, str] | None) -> None:
    ran = run("- {find: parcel, one: true, into: other}", None, [answer])
    [effect] = ran.effects
    assert isinstance(effect, Find)
    assert effect.limit == 1
    assert ran.names["other"] == named


def test_find_groups_and_measures() -> None:
    ran = run("- {find: parcel, group: {place: town}, measure: {heavy: max(weight)}, into: groups}", None, [[]])
    [effect] = ran.effects
    assert isinstance(effect, Find)
    assert (list(effect.group), list(effect.measure)) == (["place"], ["heavy"])


def test_create_gives_its_values_and_names_what_was_made() -> None:
    made = {"id": "p9"}
    ran = run("- {create: parcel, values: {code: 'concat(code, \"2\")', town: town}, into: copy}", None, [made])
    assert ran.effects == [Create("parcel", {"code": "P2", "town": TOWN})]
    assert ran.names["copy"] is made


@pytest.mark.parametrize("once", ["town", "record.town"])
def test_create_once_names_fields_or_their_expressions(once: str) -> None:
    [effect] = run(f"- {{create: parcel, once: [{once}], values: {{town: record.town, note: code}}}}").effects
    assert isinstance(effect, Create)
    assert effect.once == ("town",)


@pytest.mark.parametrize(("changed", "note"), [(2, "done"), (0, "none")])
def test_update_goes_on_by_whether_a_row_was_changed(changed: int, note: str) -> None:
    steps = """\
- update: town
  where: id == record.town.id
  require: room > 0
  set: {room: room - 1}
  then: [{set: {note: "'done'"}}]
  otherwise: [{set: {note: "'none'"}}]
"""
    update, change = run(steps, None, [changed]).effects
    assert isinstance(update, Update)
    assert update.where(TOWN, update.scope) is True
    assert update.require({**TOWN, "room": 0}, update.scope) is False
    assert update.values["room"](TOWN, update.scope) == 2
    assert isinstance(change, Change)
    assert change.values == {"note": note}


def test_delete_names_a_condition() -> None:
    record = parcel()
    [effect] = run("- {delete: parcel, where: code == record.code}", record).effects
    assert isinstance(effect, Delete)
    assert effect.where({"code": "P"}, effect.scope) is True
    assert effect.where({"code": "Q"}, effect.scope) is False


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- {find: parcle, into: found}", "E302"),
        ("- {find: parcel, sort: [wieght], into: found}", "E303"),
        ("- {find: parcel, into: code}", "E304"),
        ("- {create: parcel, once: [cod], values: {code: code}}", "E405"),
        ("- {update: town, where: code == record.code, set: {rom: 1}}", "E303"),
    ],
)
def test_what_cannot_be_meant_is_told_at_load(steps: str, code: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        catalog_with(steps)
    assert [problem.code for problem in caught.value.problems] == [code]
