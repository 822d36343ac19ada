"""How two versions of a workflow differ."""

from __future__ import annotations

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.catalog.differences import differences

BASE = """
app: club
---
access: clerk
can: {parcel: {read: all}}
---
model: parcel
workflow: sending
fields: {weight: integer}
---
workflow: sending
for: parcel
start: draft
states:
  draft:
    events: {send: {to: checked}, drop: {to: lost}}
  checked:
    next: {heavy: {if: weight > 9, to: lost}, go: {to: away}}
    timers: {slow: {after: 2 d, do: [{set: {weight: 1}}]}}
  asked:
    approval: {boss: {by: {role: clerk}, nobody: skip}}
    approved: away
    rejected: lost
  away: {events: {ask: {to: asked}}}
  lost: {}
---
workflow: by_air
for: parcel
extends: sending
states: {away: {label: In the air}}
"""


def catalog_of(*changes: tuple[str, str]) -> Catalog:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return build_texts({"definitions/app.yaml": text})


def told(*changes: tuple[str, str], flow: str = "sending") -> list[str]:
    before, after = catalog_of().workflows[flow], catalog_of(*changes).workflows[flow]
    return [str(each) for each in differences(before, after)]


def test_the_same_differs_in_nothing() -> None:
    assert told() == told(flow="by_air") == []


def test_each_part_is_named() -> None:
    assert told(("send: {to: checked}", "send: {to: checked, require: weight > 0}")) == [
        "states.draft.events.send: changed"
    ]
    assert told((", drop: {to: lost}", ", lose: {to: lost}")) == [
        "states.draft.events.lose: new", "states.draft.events.drop: gone",
    ]  # fmt: skip
    assert told(("weight > 9", "weight > 5")) == ["states.checked.next.heavy: changed"]
    assert told(("after: 2 d", "after: 3 d")) == ["states.checked.timers.slow: changed"]
    assert told(("nobody: skip", "nobody: skip, due: 1 d")) == ["states.asked.approval.boss: changed"]
    assert told(("rejected: lost", "rejected: draft")) == ["states.asked.rejected: changed"]
    assert told(("start: draft", "start: away"), ("ask: {to: asked}", "ask: {to: asked}, undo: {to: draft}")) == [
        "start: changed", "states.away.events.undo: new",
    ]  # fmt: skip
    assert told(("next: {heavy", "do: [{set: {weight: 2}}]\n    next: {heavy")) == ["states.checked.do: changed"]


def test_the_sequence_of_branches_counts() -> None:
    before = "{heavy: {if: weight > 9, to: lost}, go: {if: weight > 1, to: away}}"
    after = "{go: {if: weight > 1, to: away}, heavy: {if: weight > 9, to: lost}}"
    line = "{heavy: {if: weight > 9, to: lost}, go: {to: away}}"
    one, two = (catalog_of((line, text)).workflows["sending"] for text in (before, after))
    assert [str(each) for each in differences(one, two)] == ["states.checked.next: changed"]


def test_states_that_come_and_go_and_what_a_patch_inherits() -> None:
    changes = (("  lost: {}", "  found: {was: lost}"), ("to: lost", "to: found"), ("rejected: lost", "rejected: found"))
    expected = [
        "states.draft.events.drop: changed",
        "states.checked.next.heavy: changed",
        "states.asked.rejected: changed",
        "states.found: new",
        "states.lost: gone, its cases belong to found",
    ]
    assert told(*changes) == told(*changes, flow="by_air") == expected


def test_former_states_stay_known_to_filters_and_labels() -> None:
    catalog = catalog_of(("  lost: {}", "  found: {was: [lost, strayed], color: bad}"), ("to: lost", "to: found"),
                         ("rejected: lost", "rejected: found"))  # fmt: skip
    status = catalog.fields("parcel")["status"]
    assert status.display("lost", "en", None) == "found (lost)"  # type: ignore[arg-type]
    assert catalog.states("parcel")["strayed"].color == "bad"
    catalog.compile('status in ["lost", "found"]', catalog.scope("parcel"))


def test_what_a_workflow_was_is_not_what_its_patches_were() -> None:
    catalog = catalog_of(("start: draft", "start: draft\nwas: old_sending"))
    assert catalog.workflows["sending"].was == ("old_sending",)
    assert catalog.workflows["by_air"].was == ()
    assert catalog.workflows["sending"].final == {"lost"}
