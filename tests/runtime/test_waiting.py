"""What a record waits for: the branches of its state are tried again when what they read of others has changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.catalog.catalog import Catalog
from engine.errors import EngineError, InvalidValues
from engine.ports import Record
from engine.runtime.service import SYSTEM, Service
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


def test_what_has_changed_while_it_was_in_the_trash_counts_when_it_is_back(yard: Running) -> None:
    made = yard.create("pack", {"parcel": "A"})
    service, key = yard.service, parcel(yard)["id"]
    yard.write(lambda tx: service.delete(tx, SYSTEM, "parcel", key))
    yard.update("pack", made["id"], {"done": True})
    yard.write(lambda tx: service.restore(tx, SYSTEM, "parcel", key))
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


# Over links that lead to others --------------------------------------------------------------------------------------

HARBOUR = """
app: harbour
---
access: keeper
everything: true
---
model: region
key: code
fields: {code: {type: text, unique: true}, safe: {type: boolean, default: true}}
---
model: harbour
key: code
fields:
  code: {type: text, unique: true}
  is_open: {type: boolean, default: false}
  remark: text
  region: {type: link, to: region}
---
model: voyage
key: code
fields: {code: {type: text, unique: true}, cleared: {type: boolean, default: false}}
---
model: ship
key: name
workflow: sailing
fields:
  name: {type: text, unique: true}
  home: {type: link, to: harbour}
  home_open: {type: lookup, from: home.is_open}
  voyage: {type: link, to: voyage, back: ships}
  stops: {type: rows, of: {at: {type: link, to: harbour}}}
---
workflow: sailing
for: ship
start: moored
states:
  moored:
    next:
      ready: {if: CONDITION, to: sailed}
  sailed: {}
"""


def harbour(url: str, condition: str) -> Running:
    running = Running(HARBOUR.replace("CONDITION", condition), url)
    running.create("region", {"code": "R", "safe": False})
    for code in ("H", "G"):
        running.create("harbour", {"code": code, "region": "R"})
    running.create("voyage", {"code": "V"})
    for name, home in (("Ada", "H"), ("Bea", "G"), ("Cid", "H")):
        running.create("ship", {"name": name, "home": home, "voyage": "V", "stops": [{"at": "G"}, {"at": home}]})
    return running


def sailed(running: Running) -> list[str]:
    return [ship["name"] for ship in running.all("ship", where='status == "sailed"', sort=["name"])]


def change(running: Running, model: str, code: str, **values: object) -> None:
    running.update(model, running.all(model, where=f'code == "{code}"')[0]["id"], values)


@pytest.mark.parametrize(
    "condition",
    [
        "home.is_open",
        "record.home.is_open",
        "ship.home.is_open",
        "home_open",
        "count(s for s in stops if s.at.is_open) > 0 and home.code == 'H'",
    ],
)
def test_a_record_goes_on_when_the_one_that_it_leads_to_changes(database_url: str, condition: str) -> None:
    running = harbour(database_url, f'"{condition}"')
    try:
        assert sailed(running) == []
        change(running, "harbour", "H", remark="painted")
        assert sailed(running) == [], "nothing that is read has changed"
        change(running, "harbour", "H", is_open=True)
        assert sailed(running) == ["Ada", "Cid"]
    finally:
        running.database.close()


@pytest.mark.parametrize("condition", ["home.region.safe", "any(s.at.region.safe for s in stops)"])
def test_over_two_links(database_url: str, condition: str) -> None:
    running = harbour(database_url, condition)
    try:
        change(running, "region", "R", safe=True)
        assert sailed(running) == ["Ada", "Bea", "Cid"]
    finally:
        running.database.close()


def test_over_a_link_and_back_to_others(database_url: str) -> None:
    running = harbour(database_url, "any(s.status == null or s.home.is_open for s in voyage.ships)")
    try:
        change(running, "harbour", "G", is_open=True)
        assert sailed(running) == ["Ada", "Bea", "Cid"], "Bea's harbour opens the voyage of all"
    finally:
        running.database.close()


def test_the_link_itself_may_change_and_what_has_gone_on_stays(database_url: str) -> None:
    running = harbour(database_url, "home.is_open")
    try:
        change(running, "harbour", "G", is_open=True)
        assert sailed(running) == ["Bea"]
        ada = running.all("ship", where='name == "Ada"')[0]
        running.update("ship", ada["id"], {"home": "G"})
        assert sailed(running) == ["Ada", "Bea"]
        change(running, "harbour", "G", is_open=False)
        assert sailed(running) == ["Ada", "Bea"]
    finally:
        running.database.close()


def test_the_oldest_goes_on_first(database_url: str) -> None:
    text = HARBOUR.replace("CONDITION", "home.is_open").replace(
        "  sailed: {}",
        "  sailed: {do: [{update: harbour, where: id == record.home.id, set: {is_open: false}}]}",
    )
    running = Running(text, database_url)
    try:
        running.create("harbour", {"code": "H"})
        for name in ("Zoe", "Ada", "Cid"):
            running.create("ship", {"name": name, "home": "H"})
        change(running, "harbour", "H", is_open=True)
        assert sailed(running) == ["Zoe"], "there was room for one"
    finally:
        running.database.close()


def test_a_case_waits_for_what_its_own_version_reads(database_url: str) -> None:
    old = harbour(database_url, "home.is_open")
    new = Running(HARBOUR.replace("CONDITION", "home.region.safe"), database_url)
    try:
        new.service = Service(new.catalog, new.store, new.clock, lambda _tx, _fingerprint: old.catalog)
        new.create("ship", {"name": "New", "home": "H"})
        change(new, "harbour", "H", is_open=True)
        assert sailed(new) == ["Ada", "Cid"], "they began when it was the harbour that counted"
        change(new, "region", "R", safe=True)
        assert sailed(new) == ["Ada", "Cid", "New"]
    finally:
        old.database.close()
        new.database.close()


def test_a_version_that_is_lost_keeps_nobody_else_from_going_on(database_url: str) -> None:
    old = harbour(database_url, "home.is_open")
    new = Running(HARBOUR.replace("CONDITION", "home.region.safe"), database_url)

    def lost(_tx: object, fingerprint: str) -> Catalog:
        raise EngineError(f"{fingerprint} was never applied")

    try:
        new.service = Service(new.catalog, new.store, new.clock, lost)
        new.create("region", {"code": "S", "safe": False})
        new.create("harbour", {"code": "N", "region": "S"})
        new.create("ship", {"name": "New", "home": "N"})
        change(new, "region", "S", safe=True)
        assert sailed(new) == ["New"]
    finally:
        old.database.close()
        new.database.close()
