"""Logs and cases: what changed from what to what, in the words of the wire; and where a record's workflow stands."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.ports import Record
from engine.store.keys import new_key
from engine.store.transaction import Transaction
from tests.store.conftest import NOON, Desk


@pytest.fixture
def parcel(desk: Desk) -> Record:
    """A parcel with two items, the first of which has two parts."""
    sender = {"id": desk.add("sender", code="A")}
    parts = [{"serial": "s1", "size": Decimal("1.5000")}, {"serial": "s2"}]
    items = [
        {"line": 1, "amount": Decimal("1.00"), "parts": parts},
        {"line": 2, "amount": Decimal("2.00"), "parts": []},
    ]
    return desk.get("parcel", desk.add("parcel", sender=sender, weight=Decimal("0.5"), items=items))


def changed(desk: Desk, parcel: Record) -> tuple[Record, Record]:
    """(what it was, what may be changed)"""
    snapshot = desk.store.records.snapshot
    return snapshot("parcel", parcel), snapshot("parcel", parcel)


def test_equal_records_do_not_differ(desk: Desk, parcel: Record) -> None:
    before, after = changed(desk, parcel)
    after["sender"] = dict(after["sender"])
    after["version"], after["updated_at"] = 2, NOON + timedelta(days=1)
    assert desk.store.history.differences("parcel", before, after) == {}


def test_differences_are_told_by_path_before_and_after(desk: Desk, parcel: Record) -> None:
    before, after = changed(desk, parcel)
    first, second = after["items"]
    after["weight"], after["sender"], after["sent_at"] = Decimal("0.750"), None, NOON
    first["amount"] = None
    first["parts"][0]["serial"] = "S1"
    new = {"id": new_key(NOON), "line": 3, "amount": Decimal("3.00"), "place": None, "text": None, "parts": []}
    after["items"] = [first, new]
    key = parcel["items"][0]["id"]
    assert desk.store.history.differences("parcel", before, after) == {
        "sender": [parcel["sender"]["id"], None],
        "weight": ["0.500", "0.750"],
        "sent_at": [None, "2026-11-22T12:00:00Z"],
        f"items.[{key}].amount": ["1.00", None],
        f"items.[{key}].parts.[{first['parts'][0]['id']}].serial": ["s1", "S1"],
        f"items.[{new['id']}]": [None, {"line": 3, "amount": "3.00", "parts": []}],
        f"items.[{second['id']}]": [{"line": 2, "amount": "2.00", "parts": []}, None],
    }


def test_a_new_record_differs_in_all_it_has(desk: Desk, parcel: Record) -> None:
    found = desk.store.history.differences("parcel", None, parcel)
    rows = {path: change for path, change in found.items() if path.startswith("items")}
    assert {path: change[1] for path, change in found.items() if path not in rows} == {
        "number": parcel["number"],
        "sender": parcel["sender"]["id"],
        "weight": "0.500",
    }
    parts = [{"serial": "s1", "size": "1.5000"}, {"serial": "s2"}]
    assert rows[f"items.[{parcel['items'][0]['id']}]"] == [None, {"line": 1, "amount": "1.00", "parts": parts}]


def entry(parcel: Record, number: int, event: str | None = None) -> Record:
    return {
        "id": new_key(NOON),
        "at": NOON + timedelta(minutes=number),
        "actor": None,
        "actor_name": "ann",
        "model": "parcel",
        "record": parcel["id"],
        "record_version": number,
        "act": "update",
        "event": event,
        "changes": {"weight": ["1.0", Decimal("2.0")]},
        "definitions": "f" * 64,
        "reasons": [{"rule": "r", "outcome": "ok"}],
    }


def test_the_history_of_a_record_is_read_newest_first(desk: Desk, parcel: Record) -> None:
    other = desk.get("parcel", desk.add("parcel"))
    event = {"id": new_key(NOON), "at": NOON, "model": "parcel", "record": parcel["id"], "name": "send", "ip": "::1"}

    def work(tx: Transaction) -> None:
        desk.store.history.events(tx, [event])
        desk.store.history.append(tx, [entry(parcel, 1), entry(parcel, 2, event["id"]), entry(other, 1)])

    desk.write(work)
    found = desk.read(lambda tx: [dict(line) for line in desk.store.history.of(tx, "parcel", parcel["id"], limit=10)])
    assert [line["record_version"] for line in found] == [2, 1]
    assert found[0]["event"] == {"id": event["id"]}
    assert found[0]["changes"] == {"weight": ["1.0", "2.0"]}
    assert (found[0]["version"], found[0]["created_at"]) == (1, NOON + timedelta(minutes=2))
    assert len(desk.read(lambda tx: desk.store.history.of(tx, "parcel", parcel["id"], limit=1))) == 1
    assert desk.get("event", event["id"])["name"] == "send"


def test_a_log_is_written_with_the_transaction_or_not_at_all(desk: Desk, parcel: Record) -> None:
    def work(tx: Transaction) -> None:
        desk.store.history.append(tx, [entry(parcel, 1)])
        raise LookupError

    with pytest.raises(LookupError):
        desk.write(work)
    assert desk.read(lambda tx: desk.store.history.of(tx, "parcel", parcel["id"], limit=10)) == []


def test_no_statement_changes_or_removes_an_entry() -> None:
    source = (Path(__file__).parents[2] / "engine" / "store" / "history.py").read_text("utf-8")
    assert not re.search(r"\.(update|delete)\(", source)


def test_a_case_is_started_found_and_moved(desk: Desk, parcel: Record) -> None:
    cases = desk.store.cases
    case = {
        "id": new_key(NOON),
        "model": "parcel",
        "record": parcel["id"],
        "workflow": "way",
        "workflow_version": "1" * 64,
        "definitions": "2" * 64,
        "state": "open",
        "started_at": NOON,
        "entered_at": NOON,
        "ended_at": None,
    }
    assert desk.read(lambda tx: cases.of(tx, parcel["id"])) is None
    desk.write(lambda tx: cases.start(tx, case))
    desk.write(lambda tx: cases.move(tx, {**case, "state": "closed", "ended_at": NOON}))
    found = desk.read(lambda tx: cases.of(tx, parcel["id"]))
    assert found is not None
    assert {name: found[name] for name in case} == {**case, "state": "closed", "ended_at": NOON}
    assert found["version"] == 2
