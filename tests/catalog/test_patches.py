"""Workflows laid over others: by name, deeply, each value keeping its place."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.merge import merged, without_nulls
from tests.catalog.sample import parcels, problems

PATCH = """workflow: quick
for: parcel
extends: parcel_life
states:
  checked: {next: {held: null}}
  waiting: null
  wet:
    label: Wet
    after: checked
    events: {dry: {by: system}, spoil: {to: lost}}
"""

SCALARS = st.one_of(st.integers(), st.text(max_size=3), st.booleans())
DATA = st.recursive(
    SCALARS, lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.none(), max_size=3), max_leaves=8
)


def test_null_removes_and_a_new_state_takes_over_the_last_branch() -> None:
    flow = parcels(PATCH).workflows["quick"]
    assert list(flow.states) == ["draft", "checked", "sent", "lost", "wet"]
    assert {name: branch.to for name, branch in flow.states["checked"].next.items()} == {"go": "wet"}
    assert {name: event.to for name, event in flow.states["wet"].events.items()} == {"dry": "sent", "spoil": "lost"}
    assert flow.states["draft"].events["submit"].require is not None


def test_the_base_stays_as_it_is() -> None:
    base = parcels(PATCH).workflows["parcel_life"]
    assert {name: branch.to for name, branch in base.states["checked"].next.items()} == {
        "held": "waiting",
        "go": "sent",
    }


def test_a_state_without_a_way_on_goes_where_the_branch_went() -> None:
    flow = parcels(
        "workflow: quick\nfor: parcel\nextends: parcel_life\nstates: {stamped: {after: checked}}\n"
    ).workflows["quick"]
    assert [(branch.name, branch.to, branch.if_) for branch in flow.states["stamped"].next.values()] == [
        ("go", "sent", None)
    ]
    assert flow.states["checked"].next["go"].to == "stamped"


def test_patches_may_be_laid_over_patches_in_any_order_of_files() -> None:
    second = "workflow: quicker\nfor: parcel\nextends: quick\nstates: {wet: {events: {spoil: {to: draft}}}}\n---\n"
    flow = parcels(second + PATCH).workflows["quicker"]
    assert {name: event.to for name, event in flow.states["wet"].events.items()} == {"dry": "sent", "spoil": "draft"}


def test_each_value_keeps_the_place_where_it_stands() -> None:
    flow = parcels(PATCH).workflows["quick"]
    wet, draft = flow.states["wet"], flow.states["draft"]
    assert (wet.span.file, wet.key_span().line) == ("more.yaml", 7)
    assert draft.span.file == "base.yaml"
    guard = draft.events["submit"].require
    assert guard is not None
    assert guard.within(6, 11).file == "base.yaml"


def test_a_fault_in_what_a_patch_adds_is_found_in_the_patch() -> None:
    found = problems(
        "workflow: quick\nfor: parcel\nextends: parcel_life\n"
        "states: {draft: {events: {submit: {require: lnies != null}}}}\n"
    )
    assert found == ["4:45 E203 unknown name 'lnies'"]


def test_events_of_a_workflow_without_states_are_added_to_the_others() -> None:
    more = "workflow: changes\nfor: parcel\nevents: {reopen: {from: [waiting], to: draft, require: note != null}}\n"
    catalog = parcels(more)
    event = catalog.workflows["parcel_life"].events["reopen"]
    assert (event.from_, event.to) == (("waiting",), "draft")
    assert event.require is not None
    assert event.require.expression({"note": "x"}, {}) is True
    assert catalog.workflows["parcel_life"].fingerprint != parcels().workflows["parcel_life"].fingerprint


def test_a_fingerprint_follows_what_the_workflow_says_and_nothing_else() -> None:
    def of(text: str) -> str:
        return parcels(text).workflows["quick"].fingerprint

    assert of(PATCH) == of("# a remark\n" + PATCH) == of(PATCH + "---\nview: v\nfor: parcel\ncolumns: [note]\n")
    assert of(PATCH) != of(PATCH.replace("spoil: {to: lost}", "spoil: {to: draft}"))


@given(DATA, DATA)
def test_what_a_patch_sets_is_there(base: Any, patch: Any) -> None:
    result = merged(base, patch)
    if not isinstance(base, dict) or not isinstance(patch, dict):
        assert result == without_nulls(patch)
        return
    assert result.keys() == (base.keys() | patch.keys()) - {key for key, value in patch.items() if value is None}
    for key, value in patch.items():
        if value is not None and not (isinstance(value, dict) and isinstance(base.get(key), dict)):
            assert result[key] == without_nulls(value)
    assert all(result[key] == value for key, value in base.items() if key not in patch)


@given(DATA)
def test_an_empty_patch_changes_nothing(base: Any) -> None:
    if isinstance(base, dict):
        assert merged(base, {}) == base
        assert merged({}, base) == without_nulls(base)
