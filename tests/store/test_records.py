"""Records: what is written is what is read, on both databases; updates touch only what differs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.errors import Refused, StaleVersion
from engine.ports import Record
from engine.store.expanding import ALL
from engine.store.keys import new_key
from engine.store.store import Store
from engine.store.transaction import Transaction
from tests.store.conftest import FEW, NOON, Desk, plain


def decimals(precision: int, digits: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    return st.integers(-most, most).map(lambda units: Decimal(units).scaleb(-digits))


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
MOMENTS = st.datetimes(timezones=st.just(UTC))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
PARTS = st.fixed_dictionaries({"serial": st.none() | TEXTS, "size": st.none() | decimals(18, 4)})
ITEMS = st.fixed_dictionaries(
    {
        "line": st.none() | st.integers(-(2**53), 2**53),
        "amount": st.none() | decimals(18, 2),
        "text": st.none() | TEXTS,
        "parts": st.lists(PARTS, max_size=2),
    }
)
PARCELS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([None, "letter", "box", "pallet"]),
        "weight": st.none() | decimals(18, 3),
        "value": st.none() | decimals(18, 2),
        "count": st.none() | st.integers(-(2**53), 2**53),
        "share": st.none() | decimals(18, 0),
        "fragile": st.none() | st.booleans(),
        "due": st.none() | st.dates(date(1, 1, 1)),
        "pick_up": st.none() | st.times().map(lambda value: value.replace(microsecond=0)),
        "sent_at": st.none() | MOMENTS,
        "note": st.none() | TEXTS,
        "remarks": st.none() | JSON,
        "items": st.lists(ITEMS, max_size=4),
    }
)

SAMPLE: Record = {
    "kind": "box",
    "weight": Decimal("1.500"),
    "value": Decimal("19.99"),
    "count": 3,
    "share": Decimal(7),
    "fragile": True,
    "due": date(2026, 11, 26),
    "pick_up": time(9, 30),
    "sent_at": NOON + timedelta(microseconds=1),
    "note": "收货 \U0001f4e6",
    "remarks": {"b": [1, None, "x"], "a": {}},
    "items": [
        {"line": 1, "amount": Decimal("0.10"), "text": "a", "parts": [{"serial": "s1"}, {"serial": "s2"}]},
        {"line": 2, "amount": None, "text": "", "parts": []},
    ],
}


def test_a_record_is_read_as_it_was_written(desk: Desk) -> None:
    home = desk.add("place", code="X", name="Home")
    sender = desk.add("sender", code="A", name="Ann", home={"id": home})
    items = [{**row, "place": {"id": home}} for row in SAMPLE["items"]]
    key = desk.add("parcel", **{**SAMPLE, "sender": {"id": sender}, "items": items})
    found = desk.get("parcel", key)
    for name in SAMPLE:
        if name != "items":
            assert found[name] == SAMPLE[name]
    assert found["number"] == "P202611220001"
    assert (found["version"], found["created_at"], found["deleted_at"], found["holds"]) == (1, NOON, None, [])
    assert found["sender"] == {"id": sender}
    assert [(row["line"], row["amount"], row["text"], row["place"]["id"]) for row in found["items"]] == [
        (1, Decimal("0.10"), "a", home),
        (2, None, "", home),
    ]
    assert [[part["serial"] for part in row["parts"]] for row in found["items"]] == [["s1", "s2"], []]


@settings(FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parcels=st.lists(PARCELS, min_size=1, max_size=3))
def test_any_record_is_read_as_it_was_written(desk: Desk, parcels: list[Record]) -> None:
    snapshot = desk.store.records.snapshot

    def write(tx: Transaction) -> list[Record]:
        return [snapshot("parcel", desk.insert(tx, "parcel", **parcel)) for parcel in parcels]

    written = desk.write(write)
    ids = [record["id"] for record in written]
    found = desk.read(lambda tx: desk.store.records.load(tx, "parcel", ids))
    live = {"sender_home": None, "sender_name": None}
    assert [dict(record) for record in found] == [{**record, **live} for record in written]


@settings(FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=PARCELS, after=PARCELS, number=st.integers(0, 1000))
def test_any_change_is_read_as_it_was_written(desk: Desk, before: Record, after: Record, number: int) -> None:
    """Rows that stay, go, come, move and change, at both levels."""
    snapshot = desk.store.records.snapshot
    key = desk.add("parcel", **before)
    seed = Random(number)

    def change(tx: Transaction) -> Record:
        record = desk.store.records.load(tx, "parcel", [key])[0]
        old = snapshot("parcel", record)
        new = desk.blank("parcel", after)
        kept = [row for row in record["items"] if seed.random() < 0.6]
        for row, values in zip(kept, new["items"], strict=False):
            parts = [part for part in row["parts"] if seed.random() < 0.6] + values["parts"]
            row.update({**values, "id": row["id"], "parts": parts})
        rows = kept + new["items"][len(kept) :]
        seed.shuffle(rows)
        record.update({name: new[name] for name in PARCEL_NAMES if name != "items"})
        record["items"] = rows
        record["version"] += 1
        desk.store.records.update(tx, "parcel", old, record)
        return snapshot("parcel", record)

    written = desk.write(change)
    assert plain(desk.get("parcel", key)) == plain(written)
    assert written["version"] == 2


PARCEL_NAMES = list(SAMPLE)


def test_an_update_writes_only_what_differs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    key = desk.add("parcel", **SAMPLE)
    texts: list[str] = []

    def change(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [key])[0]
        before = desk.store.records.snapshot("parcel", record)
        record["note"], record["version"] = "new", 2
        record["items"][0]["amount"] = Decimal("9.99")
        execute = tx._execute
        monkeypatch.setattr(tx, "_execute", lambda text, values: (texts.append(text), execute(text, values)))
        many = tx.many
        monkeypatch.setattr(tx, "many", lambda statement, rows: (texts.append(f"{len(rows)}"), many(statement, rows)))
        desk.store.records.update(tx, "parcel", before, record)

    desk.write(change)
    assert len(texts) == 2
    assert texts[0].startswith("UPDATE parcel SET version=")
    assert "note=" in texts[0]
    assert "weight" not in texts[0]
    assert texts[1] == "1"  # one row, in one statement


def test_a_stale_version_is_refused(desk: Desk) -> None:
    key = desk.add("parcel", **SAMPLE)

    def change(tx: Transaction, note: str, seen: Record | None = None) -> Record:
        record = seen or dict(desk.store.records.load(tx, "parcel", [key])[0])
        changed = {**record, "note": note, "version": record["version"] + 1}
        desk.store.records.update(tx, "parcel", record, changed)
        return record

    seen = desk.write(lambda tx: change(tx, "first"))
    with pytest.raises(StaleVersion):
        desk.write(lambda tx: change(tx, "second", seen))
    assert desk.get("parcel", key)["note"] == "first"


def test_rows_alone_also_need_the_version(desk: Desk) -> None:
    key = desk.add("parcel", **SAMPLE)
    seen = desk.get("parcel", key)

    def change(tx: Transaction, rows: list[Record]) -> None:
        desk.store.records.update(tx, "parcel", seen, {**seen, "items": rows, "version": 2})

    desk.write(lambda tx: change(tx, []))
    with pytest.raises(StaleVersion):
        desk.write(lambda tx: change(tx, seen["items"][:1]))
    assert desk.get("parcel", key)["items"] == []


def test_taken_values_are_refused_with_their_fields(desk: Desk) -> None:
    desk.add("parcel", label="L", shelf="S")
    other = desk.add("parcel", label="L", shelf="T")
    desk.add("parcel", label="L", shelf=None)
    desk.add("parcel", label="L", shelf=None)  # null is no value, so it is never taken
    with pytest.raises(Refused) as caught:
        desk.add("parcel", label="L", shelf="S")
    assert [(complaint.at, complaint.code) for complaint in caught.value.complaints] == [
        ("label", "VALUE_TAKEN"),
        ("shelf", "VALUE_TAKEN"),
    ]

    def change(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [other])[0]
        desk.store.records.update(tx, "parcel", dict(record), {**record, "shelf": "S", "version": 2})

    with pytest.raises(Refused, match="VALUE_TAKEN"):
        desk.write(change)


def test_the_trash_frees_unique_values_and_hides_records(desk: Desk) -> None:
    key = desk.add("sender", code="A")

    def trash(tx: Transaction, moment: datetime | None) -> None:
        record = desk.store.records.load(tx, "sender", [key], trashed=moment is None)[0]
        before = dict(record)
        record["deleted_at"], record["version"] = moment, record["version"] + 1
        desk.store.records.update(tx, "sender", before, record)

    desk.write(lambda tx: trash(tx, NOON))
    records = desk.store.records
    assert desk.read(lambda tx: records.load(tx, "sender", [key])) == []
    assert desk.read(lambda tx: records.lookup(tx, "sender", ["A", key])) == {}
    assert desk.get("sender", key, trashed=True)["code"] == "A"
    again = desk.add("sender", code="A")
    with pytest.raises(Refused, match="VALUE_TAKEN"):
        desk.write(lambda tx: trash(tx, None))
    assert desk.read(lambda tx: list(records.resolve(tx, "sender", ["A"]).values())) == [again]


def test_load_keeps_the_sequence_that_was_asked_for(desk: Desk) -> None:
    ids = [desk.add("place", code=code) for code in "ABC"]
    wanted = [ids[2], new_key(NOON), ids[0], ids[2], "no id at all"]
    assert [record["code"] for record in desk.read(lambda tx: desk.store.records.load(tx, "place", wanted))] == [
        "C",
        "A",
    ]
    assert desk.read(lambda tx: desk.store.records.load(tx, "place", [])) == []


def test_lookup_takes_ids_and_keys(desk: Desk) -> None:
    a, b = desk.add("place", code="A", rank=1), desk.add("place", code="B", rank=2)
    odd = desk.add("place", code=new_key(NOON)[:20])
    found = desk.read(lambda tx: desk.store.records.lookup(tx, "place", ["A", b, "C", new_key(NOON), ""]))
    assert {text: record["rank"] for text, record in found.items()} == {"A": 1, b: 2}
    assert a != odd


def test_lookup_finds_rows_by_their_id(desk: Desk) -> None:
    key = desk.add("parcel", **SAMPLE)

    def look(tx: Transaction) -> None:
        row = desk.get("parcel", key)["items"][1]["id"]
        found = desk.store.records.lookup(tx, "parcel.items", [row, new_key(NOON)])
        assert {text: item["line"] for text, item in found.items()} == {row: 2}
        assert desk.store.records.load(tx, "parcel", [key])[0]["items"][1]["line"] == 2

    desk.read(look)


# One dict for one record --------------------------------------------------------------------------------------------


@pytest.fixture
def linked(desk: Desk) -> dict[str, str]:
    home = desk.add("place", code="X", name="Home")
    away = desk.add("place", code="Y", name="Away")
    sender = desk.add("sender", code="A", name="Ann", home={"id": home})
    items = [{"line": 1, "place": {"id": home}, "parts": []}, {"line": 2, "place": {"id": away}, "parts": []}]
    parcels = [desk.add("parcel", sender={"id": sender}, weight=Decimal(n), items=items) for n in (1, 2)]
    return {"home": home, "away": away, "sender": sender, "first": parcels[0], "second": parcels[1]}


def test_one_record_is_one_object_in_a_transaction(desk: Desk, linked: dict[str, str]) -> None:
    def look(tx: Transaction) -> None:
        first, second = desk.store.records.load(tx, "parcel", [linked["first"], linked["second"]])
        assert first["sender"] is second["sender"]
        assert first["sender"]["home"] is first["items"][0]["place"]
        sender = desk.store.records.load(tx, "sender", [linked["sender"]])[0]
        assert sender is first["sender"]
        assert sender["parcels"] == [first, second]
        assert desk.store.records.load(tx, "parcel", [linked["first"]])[0] is first

    desk.read(look)


def test_expand_takes_one_statement_for_each_linked_model(
    desk: Desk, linked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = frozenset({("sender", "home", "name"), ("items", "place", "code"), ("sender", "parcels", "weight")})

    def look(tx: Transaction) -> None:
        texts: list[str] = []
        records = desk.store.records.load(tx, "parcel", [linked["first"], linked["second"]])
        execute = tx._execute
        monkeypatch.setattr(tx, "_execute", lambda text, values: (texts.append(text), execute(text, values)))
        desk.store.records.expand(tx, "parcel", records, reads)
        # senders; places of senders and items at different depths; the parcels that link back
        assert len(texts) <= 4
        texts.clear()
        assert [record["sender"]["home"]["name"] for record in records] == ["Home", "Home"]
        assert [row["place"]["code"] for record in records for row in record["items"]] == ["X", "Y", "X", "Y"]
        assert sum(parcel["weight"] for parcel in records[0]["sender"]["parcels"]) == 3
        assert texts == []

    desk.read(look)


def test_expand_by_identity_alone_asks_nothing(
    desk: Desk, linked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [linked["first"]])[0]
        monkeypatch.setattr(tx, "_execute", None)
        desk.store.records.expand(tx, "parcel", [record], frozenset({("sender", "id"), ("sender",), ("weight",)}))
        assert len(record["sender"]) == 1

    desk.read(look)


def test_expand_fills_records_that_are_not_stored_yet(desk: Desk, linked: dict[str, str]) -> None:
    def look(tx: Transaction) -> None:
        new = {"id": None, "sender": {"id": linked["sender"]}, "items": [{"id": None, "place": {"id": linked["away"]}}]}
        desk.store.records.expand(tx, "parcel", [new], frozenset({("sender", "home", ALL), ("items", "place", "name")}))
        assert new["sender"]["home"]["name"] == "Home"  # type: ignore[index]
        assert new["items"][0]["place"]["name"] == "Away"  # type: ignore[index]
        fresh: Record = {"id": None, "home": None}
        desk.store.records.expand(tx, "sender", [fresh], frozenset({("parcels", "weight")}))
        assert fresh["parcels"] == []

    desk.read(look)


def test_a_link_to_a_removed_record_reads_as_nothing(desk: Desk, linked: dict[str, str]) -> None:
    place = desk.store.tables["place"]
    desk.write(lambda tx: tx.change(place.delete().where(place.c.id == linked["away"])))

    def look(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [linked["first"]], frozenset({("items", "place", "name")}))[0]
        assert (record["items"][0]["place"]["name"], record["items"][1]["place"]["name"]) == ("Home", None)

    desk.read(look)


def test_what_in_memory_has_changed_is_not_read_over(desk: Desk, linked: dict[str, str]) -> None:
    def look(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [linked["first"]])[0]
        record["weight"] = Decimal(99)
        record["items"].pop()
        again = desk.store.records.load(tx, "sender", [linked["sender"]])[0]["parcels"][0]
        assert again is record
        assert (again["weight"], len(again["items"])) == (99, 1)

    desk.read(look)


def test_a_record_that_others_have_changed_is_read_anew(desk: Desk, linked: dict[str, str]) -> None:
    def change(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [linked["first"]])[0]
        parcel = desk.store.tables["parcel"]
        tx.change(parcel.update().where(parcel.c.id == linked["first"]).values(version=2, note="by hand"))
        assert desk.store.records.load(tx, "parcel", [linked["first"]])[0] is record
        assert (record["version"], record["note"], len(record["items"])) == (2, "by hand", 2)

    desk.write(change)


def test_nothing_is_read_after_the_transaction(desk: Desk, linked: dict[str, str]) -> None:
    record = desk.get("parcel", linked["first"])
    assert record["weight"] == 1
    with pytest.raises(RuntimeError, match="ended"):
        record["sender"]["name"]
    with pytest.raises(KeyError, match="colour"):
        desk.read(lambda tx: desk.store.records.load(tx, "parcel", [linked["first"]])[0]["colour"])


# Fields without a column --------------------------------------------------------------------------------------------


def test_live_fields_and_lookups_are_worked_out_when_read(desk: Desk, linked: dict[str, str]) -> None:
    sender = desk.get("sender", linked["sender"])
    assert (sender["parcel_count"], sender["weight"]) == (2, Decimal("3.000"))
    assert str(sender["weight"]) == "3.000"
    parcel = desk.get("parcel", linked["first"])
    assert (parcel["sender_name"], parcel["sender_home"]["id"]) == ("Ann", linked["home"])
    lonely = desk.add("sender", code="B")
    assert (desk.get("sender", lonely)["parcel_count"], desk.get("sender", lonely)["weight"]) == (0, Decimal(0))


def test_live_fields_follow_within_a_transaction(desk: Desk, linked: dict[str, str]) -> None:
    def change(tx: Transaction) -> None:
        sender = desk.store.records.load(tx, "sender", [linked["sender"]])[0]
        assert sender["parcel_count"] == 2
        desk.insert(tx, "parcel", sender=sender, weight=Decimal("0.5"))
        assert desk.store.records.load(tx, "sender", [linked["sender"]])[0]["weight"] == Decimal("3.5")

    desk.write(change)


def test_open_holds_come_with_their_record(desk: Desk, linked: dict[str, str]) -> None:
    about = {"model": "parcel", "record": linked["first"], "opened_at": NOON, "blocks": ["send"]}
    hold = desk.add("hold", name="damaged", **about)
    desk.add("hold", name="released", **about, released_at=NOON)
    first, second = desk.read(lambda tx: desk.store.records.load(tx, "parcel", [linked["first"], linked["second"]]))
    assert [(found["id"], found["name"], found["blocks"]) for found in first["holds"]] == [(hold, "damaged", ["send"])]
    assert second["holds"] == []


# The shape of the tables --------------------------------------------------------------------------------------------


def test_numbers_and_moments_are_stored_exactly(store: Store) -> None:
    desk = Desk(store)
    key = desk.add("parcel", value=Decimal("12.30"), sent_at=NOON)
    raw = desk.read(lambda tx: tx.core(select(store.tables["parcel"])))
    assert raw[0]["id"] == key
    with store.database.engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT value, sent_at FROM parcel").one()
    expected = (1230, "2026-11-22T12:00:00.000000Z") if store.database.dialect == "sqlite" else (Decimal("12.30"), NOON)
    assert tuple(row) == expected


def test_a_value_that_does_not_fit_is_an_error_not_a_rounding(desk: Desk) -> None:
    for value in (Decimal("0.001"), Decimal(10) ** 17):
        with pytest.raises(ValueError, match="does not fit"):
            desk.add("parcel", value=value)
    assert desk.read(lambda tx: tx.core(select(desk.store.tables["parcel"]))) == []
