"""A changed table, or changed checks, tried on the past: as the records were then, and by the functions of the acts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.errors import EngineError
from engine.ports import Record
from engine.runtime.backtest import Backtest, Result
from engine.runtime.past import Moment, Past
from engine.runtime.service import SYSTEM
from tests.runtime.running import Running

CLUB = """
app: club
timezone: Asia/Shanghai
---
access: keeper
everything: true
---
model: town
key: code
fields: {code: {type: text, unique: true}, zone: {type: choice, of: [near, far]}, limit: money}
---
model: parcel
title: code
workflow: sending
fields:
  code: text
  town: {type: link, to: town, required: true, back: parcels}
  limit: {type: lookup, from: town.limit}
  worth: {type: money, value: sum(items.price)}
  way: text
  items: {type: rows, key: line, of: {line: integer, price: {type: money, required: true}, note: text}}
---
workflow: sending
for: parcel
start: draft
states:
  draft:
    events:
      send: {to: sent}
  sent:
    do: [{run: limits}, {decide: ways, into: found}, {set: {way: found.way}}]
---
checks: limits
for: parcel
rules:
  worth: {require: worth <= limit, otherwise: [{hold: worth}]}
---
table: ways
for: parcel
inputs: {zone: {value: town.zone}, worth: {value: worth, type: money}}
outputs: {way: text}
rows: |
  id   | zone | worth  || way
  walk | near | < 100  || walk
  bike | near | >= 100 || bike
  road | far  | -      || road
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    yield running
    running.database.close()


def sent(club: Running, code: str, town: str, *prices: int) -> Record:
    made = club.create("parcel", {"code": code, "town": town, "items": [{"price": price} for price in prices]})
    club.clock.step(timedelta(hours=1))
    record = club.fire("parcel", made["id"], "send")
    club.clock.step(timedelta(hours=1))
    return record


def past(club: Running) -> dict[str, Record]:
    """Two towns and four parcels, of which everything that the rules read is another thing today."""
    near = club.create("town", {"code": "N", "zone": "near", "limit": 150})
    far = club.create("town", {"code": "F", "zone": "far", "limit": 150})
    made = {
        "small": sent(club, "small", "N", 30, 20),
        "large": sent(club, "large", "N", 100, 60),
        "middle": sent(club, "middle", "N", 80, 40),
        "away": sent(club, "away", "F", 500),
    }
    assert {code: record["way"] for code, record in made.items()} == {
        "small": "walk", "large": "bike", "middle": "bike", "away": "road",
    }  # fmt: skip
    club.update("town", near["id"], {"zone": "far", "limit": 1})
    club.update("parcel", made["middle"]["id"], {"items": [{"price": 7}]})
    club.update("parcel", made["small"]["id"], {"town": "F", "items": [{"price": 900}, {"price": 1}, {"price": 2}]})
    club.update("town", far["id"], {"limit": 2})
    return made


def tried(club: Running, old: str, new: str, name: str, **how: object) -> Result:
    text = CLUB.replace(old, new)
    assert text != CLUB or old == new
    changed = build_texts({"definitions/app.yaml": text})
    more = {key: how.pop(key) for key in ("amount", "as_of") if key in how}
    kind = "table" if name == "ways" else "checks"
    return Backtest(club.store, club.database, changed, kind, name, **more).run(**how)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ways", "limits"])
def test_an_unchanged_object_changes_nothing(club: Running, name: str) -> None:
    past(club)
    found = tried(club, "", "", name)
    assert (found.decisions, found.changed, found.examples) == (4, {}, [])


def test_what_a_changed_table_would_have_decided(club: Running) -> None:
    past(club)
    found = tried(club, "100", "130", "ways", amount="worth")
    assert found.decisions == 4
    assert found.changed == {("way bike", "way walk"): 1}, "middle was worth 120, and large 160"
    assert found.amounts == {("way bike", "way walk"): Decimal(120)}
    (example,) = found.examples
    assert (example.title, example.amount) == ("middle", Decimal(120))


def test_what_changed_checks_would_have_found(club: Running) -> None:
    past(club)
    assert tried(club, "", "", "limits").decisions == 4
    found = tried(club, "worth <= limit", "worth <= limit + 20", "limits")
    assert found.changed == {("worth failed", "all passed"): 1}, "large: 160 of 150; away is beyond in both"
    found = tried(club, "worth <= limit", "worth < 120", "limits")
    assert found.changed == {("all passed", "worth failed"): 1}, "middle"


def test_only_the_days_that_are_asked_for(club: Running) -> None:
    past(club)
    start = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    assert tried(club, "100", "130", "ways", since=start + timedelta(hours=6)).decisions == 1
    assert tried(club, "100", "130", "ways", until=start + timedelta(hours=2)).decisions == 1
    found = tried(club, "100", "1", "ways", event="create")
    assert found.decisions == 4, "asked when they were created, with what they had then"
    assert found.changed == {("way walk", "way bike"): 1}


def test_the_moment_that_counts_may_be_a_field_of_the_record(club: Running) -> None:
    past(club)
    earlier = "rows: |"
    old = f"valid: {{to: 2026-11-18}}\n{earlier}"
    found = tried(club, earlier, old, "ways", as_of="created_at - days(2)")
    assert (found.decisions, found.changed) == (4, {}), "two days before, the file's version held"
    found = tried(club, earlier, old, "ways")
    assert {after for _, after in found.changed} == {"no version"}


def test_a_record_that_is_gone_is_counted(club: Running) -> None:
    made = past(club)
    club.write(lambda tx: club.service.delete(tx, SYSTEM, "parcel", made["large"]["id"]))
    found = tried(club, "", "", "ways")
    assert (found.decisions, found.gone) == (3, 1)


def test_a_table_of_which_nothing_is_kept_is_refused(club: Running) -> None:
    alone = "---\ntable: alone\ninputs: {n: integer}\noutputs: {out: text}\nrows: |\n  n || out\n  - || x\n"
    catalog = build_texts({"definitions/app.yaml": CLUB + alone})
    club.store.catalog = catalog
    with pytest.raises(EngineError, match="nothing is kept"):
        Backtest(club.store, club.database, catalog, "table", "alone")


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("code"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("town"), st.sampled_from(["N", "F"])),
        st.tuples(st.just("items"), st.lists(st.integers(1, 9), max_size=3)),
        st.tuples(st.just("limit"), st.integers(1, 9)),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None)
@given(changes=CHANGES)
def test_every_past_state_comes_back(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, object]]
) -> None:
    club = Running(CLUB, f"sqlite:///{tmp_path_factory.mktemp('past') / 'club.db'}")
    towns = {code: club.create("town", {"code": code, "limit": 5})["id"] for code in ("N", "F")}
    parcel = club.create("parcel", {"code": "x", "town": "N", "items": [{"price": 1}]})["id"]

    def state() -> tuple[object, ...]:
        record = club.get("parcel", parcel, SYSTEM, "items")
        town = club.get("town", record["town"]["id"])
        rows = [(row["line"], row["price"], row["note"]) for row in record["items"]]
        return record["code"], town["code"], town["limit"], record["worth"], rows

    states = [(club.clock.now(), state())]
    for name, value in changes:
        club.clock.step(timedelta(minutes=1))
        if name == "limit":
            club.update("town", towns["N"], {"limit": value})
        elif name == "items":
            assert isinstance(value, list)
            present = {row["line"]: row["id"] for row in club.get("parcel", parcel, SYSTEM, "items")["items"]}
            rows = [
                {"id": present[line], "price": price} if line in present else {"price": price}
                for line, price in enumerate(value, 1)
            ]
            club.update("parcel", parcel, {"items": rows})
        else:
            club.update("parcel", parcel, {name: value})
        states.append((club.clock.now(), state()))
    reads = frozenset({("town", "code"), ("town", "limit"), ("limit",), ("items", "price")})
    asked = [(parcel, Moment(at)) for at, _ in states]
    found = club.read(lambda tx: Past(club.store, reads, "parcel").records(tx, asked))
    for record, (at, (code, town, limit, worth, rows)) in zip(found, states, strict=True):
        assert (record["code"], record["town"]["code"], record["town"]["limit"]) == (code, town, limit), at
        assert record["limit"] == limit, "a lookup follows its link of that time"
        assert record["worth"] == worth
        assert [(row["line"], row["price"], row["note"]) for row in record["items"]] == rows
    club.database.close()
