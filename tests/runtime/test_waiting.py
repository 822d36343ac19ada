"""What a record waits for: the branches of its state are tried again when what they read of others has changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import InvalidValues
from engine.ports import Record
from engine.runtime.service import SYSTEM
from tests.runtime.running import Running

YARD = """
app: yard
---
access: keeper
everything: true
---
model: parcel
key: number
workflow: packing
fields:
  number: {type: text, unique: true}
  items: {type: rows, key: line, of: {line: {type: integer}, pieces: {type: integer}}}
---
model: pack
fields:
  parcel: {type: link, to: parcel, back: packs}
  done: {type: boolean, default: false}
---
workflow: packing
for: parcel
start: open
states:
  open:
    next:
      packed: {if: 'count(packs) > 0 and all(p.done for p in packs)', to: packed}
  packed:
    events:
      send: {to: sent, input: {why: text}, require: 'input.why == null or input.why == "now"'}
      hurry: {do: [{fire: send}]}
  sent: {}
events:
  finish: {from: [open], do: [{update: pack, where: parcel == record, set: {done: true}}]}
"""


@pytest.fixture
def yard(database_url: str) -> Iterator[Running]:
    running = Running(YARD, database_url)
    running.create("parcel", {"number": "A", "items": [{"pieces": 1}, {"pieces": 2}]})
    running.create("parcel", {"number": "B"})
    yield running
    running.database.close()


def parcel(yard: Running, number: str = "A") -> Record:
    return yard.all("parcel", where=f'number == "{number}"')[0]


def test_a_record_goes_on_when_those_that_lead_to_it_change(yard: Running) -> None:
    one = yard.create("pack", {"parcel": "A", "done": False})
    yard.create("pack", {"parcel": "A", "done": True})
    assert parcel(yard)["status"] == "open", "one of them is not done"
    yard.update("pack", one["id"], {"done": True})
    assert parcel(yard)["status"] == "packed"
    assert parcel(yard, "B")["status"] == "open"


def test_when_one_is_added_or_goes_or_leads_elsewhere(yard: Running) -> None:
    yard.create("pack", {"parcel": "B", "done": True})
    assert parcel(yard, "B")["status"] == "packed"
    yard.create("pack", {"parcel": "A", "done": False})
    undone = yard.all("pack", where="not done")[0]
    yard.update("pack", undone["id"], {"parcel": "B"})
    yard.create("pack", {"parcel": "A", "done": False})
    yard.update("pack", undone["id"], {"parcel": "A", "done": True})
    assert parcel(yard)["status"] == "open"
    last = yard.all("pack", where="not done")[0]
    yard.write(lambda tx: yard.service.delete(tx, SYSTEM, "pack", last["id"]))
    assert parcel(yard)["status"] == "packed"


def test_when_a_step_changes_them_in_one_statement(yard: Running) -> None:
    yard.create("pack", {"parcel": "A"})
    yard.create("pack", {"parcel": "A"})
    assert yard.fire("parcel", parcel(yard)["id"], "finish")["status"] == "packed"


def test_the_history_says_which_branch_led_on(yard: Running) -> None:
    yard.create("pack", {"parcel": "A", "done": True})
    entry = yard.timeline("parcel", parcel(yard)["id"])[0]
    assert entry["changes"]["status"] == ["open", "packed"]
    assert entry["reasons"][0]["rule"] == "packing.open.next.packed"


def test_an_event_that_a_step_fires_has_its_whole_input(yard: Running) -> None:
    yard.create("pack", {"parcel": "A", "done": True})
    assert yard.fire("parcel", parcel(yard)["id"], "hurry")["status"] == "sent"


@pytest.mark.parametrize("again", ["id", "key"])
def test_one_row_is_not_changed_twice(yard: Running, again: str) -> None:
    found = yard.get("parcel", parcel(yard)["id"])
    row = found["items"][0]
    second = {"id": row["id"]} if again == "id" else {"line": row["line"]}
    with pytest.raises(InvalidValues) as caught:
        yard.update("parcel", found["id"], {"items": [{"id": row["id"], "pieces": 7}, {**second, "pieces": 8}]})
    place = "items[1].id" if again == "id" else "items[1].line"
    assert [(complaint.at, complaint.code) for complaint in caught.value.complaints] == [(place, "DUPLICATE_KEY")]
