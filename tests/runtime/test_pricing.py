"""Pricing inside acts, on both databases: which price is taken and why, what is refused, what a change would do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.catalog.builder import build_texts
from engine.errors import Refused
from engine.ports import Record
from engine.runtime.backtest import Backtest, Result
from engine.runtime.explaining import Explainer
from engine.runtime.reading import Reading
from engine.runtime.service import SYSTEM, Service
from tests.runtime.running import Running

STALL = """
app: stall
timezone: Asia/Shanghai
---
access: reader
can: {wish: {read: all}}
---
access: clerk
can: {wish: {read: all}, rate: {read: all}, thing: {read: all, hide: [paid]}, guest: {read: all}, offer: {read: all}}
---
access: keeper
can: {wish: {read: all}, rate: {read: all}, thing: {read: all}, guest: {read: all}, offer: {read: all}}
---
model: thing
key: code
fields:
  code: {type: text, unique: true}
  worth: money
  paid: {type: money, default: 0}
  wanted: decimal
  there: decimal
  most: money
---
model: guest
key: code
fields: {code: {type: text, unique: true}}
---
model: rate
fields:
  thing: {type: link, to: thing}
  guest: {type: link, to: guest}
  from_much: {type: decimal, digits: 2}
  from_worth: money
  standing: {type: integer, default: 0}
  since: {type: date, default: today}
  asked: {type: decimal, digits: 4}
---
model: offer
key: code
fields:
  code: {type: text, unique: true}
  ends: datetime
  prices: {type: rows, of: {thing: {type: link, to: thing}, asked: money}}
---
model: wish
key: name
workflow: wishing
fields:
  name: {type: text, unique: true}
  guest: {type: link, to: guest}
  offer: {type: link, to: offer}
  parts:
    type: rows
    key: line
    of:
      line: integer
      thing: {type: link, to: thing}
      much: {type: decimal, digits: 2}
      asked: {type: decimal, digits: 4}
      source: text
---
workflow: wishing
for: wish
start: open
states: {open: {events: {ask: {do: [{price: asking}]}}}}
---
pricing: asking
for: wish
of: parts
as: part
let: {scarce: part.thing.wanted / part.thing.there}
lists:
  offer: {in: offer.prices, if: now < offer.ends, match: {thing: part.thing}, price: asked, fixed: true}
  own:
    from: rate
    match: {thing: part.thing}
    where: guest == record.guest and since <= today
    tiers: {from_much: part.much, from_worth: part.much * part.thing.worth}
    rank: [-standing, -since]
    price: asked
    fixed: true
  every:
    from: rate
    match: {thing: part.thing}
    where: guest == null and since <= today
    rank: [-standing, -since]
    price: asked
  worth: part.thing.worth
adjust:
  scarce: {if: scarce > 1.2, percent: 5, message: Scarce}
  small: {if: part.much < 1, to: price + 0.005}
cap: part.thing.most
floor: {at: part.thing.paid, below: raise}
set: {asked: price, source: list}
"""


@pytest.fixture
def stall(database_url: str) -> Iterator[Running]:
    running = Running(STALL, database_url)
    for code in ("G", "H"):
        running.create("guest", {"code": code})
    running.create("thing", {"code": "cup", "worth": "60", "paid": "20", "wanted": "130", "there": "100"})
    running.create("thing", {"code": "pot", "worth": "10"})
    running.create("thing", {"code": "box"})
    yield running
    running.database.close()


def asked(stall: Running, name: str, *parts: tuple[str, str], guest: str = "G", **values: Any) -> Record:
    rows = [{"thing": thing, "much": much} for thing, much in parts]
    made = stall.create("wish", {"name": name, "guest": guest, "parts": rows, **values})
    return stall.fire("wish", made["id"], "ask")


def prices(record: Record) -> list[tuple[str, str]]:
    return [(f"{part['asked'].normalize():f}", part["source"]) for part in record["parts"]]


def why(stall: Running, record: Record, *roles: str) -> list[Any]:
    """The reasons of the newest entry, as a reader with the roles is told."""
    actor = stall.user("-".join(roles), *roles) if roles else None
    told = stall.timeline("wish", record["id"], actor) if actor is not None else stall.timeline("wish", record["id"])
    return next(entry["reasons"] for entry in told if entry.get("reasons"))


def flat(reasons: Any) -> list[Any]:
    return [each for reason in reasons for each in (reason, *flat(reason.get("parts", ())))]


def outcomes(reasons: Any) -> dict[str, str]:
    return {f"{each['rule']} {each['outcome']}": str(each.get("message")) for each in flat(reasons)}


def test_the_first_list_with_a_price_gives_it(stall: Running) -> None:
    stall.create("rate", {"thing": "pot", "asked": "9"})
    stall.create("rate", {"thing": "pot", "guest": "H", "asked": "8"})
    stall.create(
        "offer", {"code": "O", "ends": "2026-11-20T11:00:00+08:00", "prices": [{"thing": "pot", "asked": "7"}]}
    )
    assert prices(asked(stall, "a", ("pot", "1"), ("cup", "1"))) == [("9", "every"), ("63", "worth")]
    assert prices(asked(stall, "b", ("pot", "1"), guest="H")) == [("8", "own")]
    assert prices(asked(stall, "c", ("pot", "1"), ("cup", "1"), offer="O")) == [("7", "offer"), ("63", "worth")]
    stall.clock.step(timedelta(hours=1))
    assert prices(asked(stall, "d", ("pot", "1"), offer="O")) == [("9", "every")], "it ends on the hour"


def test_tiers_by_quantity_and_by_amount(stall: Running) -> None:
    for much, worth, price in ((None, None, "9"), ("10", None, "8"), (None, "200", "7"), ("30", "200", "6")):
        stall.create("rate", {"thing": "pot", "guest": "G", "from_much": much, "from_worth": worth, "asked": price})
    parts = [("pot", much) for much in ("9.99", "10", "19.99", "20", "30")]
    assert [price for price, _ in prices(asked(stall, "a", *parts))] == ["9", "8", "8", "8", "6"]
    stall.create("rate", {"thing": "pot", "guest": "G", "standing": 1, "asked": "99"})
    assert prices(asked(stall, "b", ("pot", "30"))) == [("99", "own")], "standing comes before tiers"


def test_every_price_that_was_not_taken_is_told_with_the_reason(stall: Running) -> None:
    stall.create("rate", {"thing": "cup", "guest": "G", "from_much": "5", "asked": "50"})
    stall.create("rate", {"thing": "cup", "asked": "58", "since": "2026-01-01"})
    stall.create("rate", {"thing": "cup", "asked": "59", "since": "2025-01-01"})
    record = asked(stall, "a", ("cup", "4"))
    assert prices(record) == [("60.9", "every")]
    told = outcomes(why(stall, record))
    assert told["asking.own no price"] == "1 prices, and none for this"
    assert "from from_much 5" in told["asking.own passed over"]
    assert told["asking.every taken"] == "58.0000"
    assert told["asking.every passed over"] == "behind the one that was taken"
    assert told["asking.scarce applied"] == "Scarce"
    assert told["asking.offer not asked"] == "now < offer.ends"
    assert all(each["at"].startswith("definitions/app.yaml:") for each in flat(why(stall, record)))
    row = next(each for each in flat(why(stall, record)) if each["rule"] == "asking.1")
    assert Decimal(row["read"]["scarce"]) == Decimal("1.3")


def test_the_explanation_of_the_record_shows_the_price_with_its_values_and_lines(stall: Running) -> None:
    record = asked(stall, "a", ("cup", "1"))
    told = stall.read(lambda tx: Explainer(stall.reading).record(tx, SYSTEM, "wish", record["id"])).plain("en")
    found = {each["name"]: each for each in branches(told)}
    row, rule = found["asking.1"], found["asking.scarce"]
    assert (row["text"], rule["value"], rule["text"]) == ("63.00, worth", "applied", "Scarce")
    assert "60.00 → 63.00" in str(rule["parts"])
    line = STALL.split("  scarce: {if")[0].count("\n") + 1
    assert rule["at"].startswith(f"definitions/app.yaml:{line}:")


def branches(told: Any) -> list[Any]:
    return [told, *(each for part in told.get("parts", ()) for each in branches(part))]


def test_rules_change_what_is_not_fixed_and_nothing_else(stall: Running) -> None:
    assert prices(asked(stall, "a", ("cup", "1"))) == [("63", "worth")]
    stall.update("thing", stall.all("thing", where='code == "cup"')[0]["id"], {"wanted": "120"})
    assert prices(asked(stall, "b", ("cup", "1"))) == [("60", "worth")], "exactly 1.2"
    assert prices(asked(stall, "c", ("cup", "0.5"))) == [("60.01", "worth")], "half up, on two digits"
    stall.create("rate", {"thing": "cup", "guest": "G", "asked": "1.2345"})
    assert prices(asked(stall, "d", ("cup", "0.5"))) == [("1.2345", "own")], "agreed: neither rules nor the floor"


def test_cap_and_floor(stall: Running) -> None:
    key = stall.all("thing", where='code == "cup"')[0]["id"]
    stall.update("thing", key, {"most": "62.50"})
    assert prices(asked(stall, "a", ("cup", "1"))) == [("62.5", "worth")]
    stall.update("thing", key, {"most": "63.00"})
    assert prices(asked(stall, "b", ("cup", "1"))) == [("63", "worth")]
    stall.update("thing", key, {"most": None, "paid": "63.01"})
    assert prices(asked(stall, "c", ("cup", "1"))) == [("63.01", "worth")]
    stall.update("thing", key, {"most": "50"})
    record = asked(stall, "d", ("cup", "1"))
    assert prices(record) == [("63.01", "worth")], "where they contradict each other the floor counts"
    assert {"asking.cap lowered", "asking.floor raised"} <= outcomes(why(stall, record)).keys()


def test_a_rule_that_cannot_be_worked_out_is_left_out_and_told(stall: Running) -> None:
    stall.update("thing", stall.all("thing", where='code == "cup"')[0]["id"], {"there": "0"})
    record = asked(stall, "a", ("cup", "1"))
    assert prices(record) == [("60", "worth")]
    assert "zero" in outcomes(why(stall, record))["asking.scarce failed"]


def test_without_a_price_the_act_is_refused_and_nothing_is_set(stall: Running) -> None:
    made = stall.create(
        "wish", {"name": "a", "guest": "G", "parts": [{"thing": "cup", "much": "1"}, {"thing": "box", "much": "1"}]}
    )
    with pytest.raises(Refused) as caught:
        stall.fire("wish", made["id"], "ask")
    assert caught.value.code == "NO_PRICE"
    assert "no list has a price for 2" in str(caught.value)
    assert {"asking.worth no price", "asking.every no price"} <= {
        f"{part.rule} {part.outcome}" for row in caught.value.reasons[0].parts for part in row.parts
    }
    assert [part["asked"] for part in stall.get("wish", made["id"])["parts"]] == [None, None]


def test_a_floor_may_refuse(database_url: str) -> None:
    running = Running(STALL.replace("below: raise", "below: refuse"), database_url)
    running.create("guest", {"code": "G"})
    running.create("thing", {"code": "cup", "worth": "60", "paid": "60.00"})
    assert prices(asked(running, "a", ("cup", "1"))) == [("60", "worth")]
    running.update("thing", running.all("thing")[0]["id"], {"paid": "60.01"})
    with pytest.raises(Refused) as caught:
        asked(running, "b", ("cup", "1"))
    assert caught.value.code == "PRICE_BELOW_FLOOR"
    running.database.close()


def test_costs_are_told_to_those_only_who_may_see_them(stall: Running) -> None:
    stall.update("thing", stall.all("thing", where='code == "cup"')[0]["id"], {"paid": "70"})
    record = asked(stall, "a", ("cup", "1"))
    whole, some, least = (outcomes(why(stall, record, role)) for role in ("keeper", "clerk", "reader"))
    assert whole["asking.floor raised"] == "to 70.00"
    assert some["asking.floor raised"] == "None"
    assert some["asking.every no price"] == "no price for this"
    assert list(least) == ["asking priced"]
    assert least["asking priced"] == "None"


def test_what_made_a_price_stays_with_those_who_may_see_it_when_the_pricing_has_another_name(stall: Running) -> None:
    record = asked(stall, "a", ("cup", "1"))
    renamed(stall, STALL.replace("asking", "calling"))
    assert outcomes(why(stall, record, "keeper")) == {"asking priced": "None"}


def test_a_price_that_rests_on_personal_data_is_told_to_those_only_who_may_see_it(database_url: str) -> None:
    running = Running(
        STALL.replace("worth: money\n  paid", "worth: {type: money, private: true}\n  paid"), database_url
    )
    running.create("guest", {"code": "G"})
    running.create("thing", {"code": "cup", "worth": "60"})
    record = asked(running, "a", ("cup", "1"))
    assert outcomes(why(running, record, "keeper"))["asking priced"] == "None"
    running.database.close()


def renamed(stall: Running, text: str) -> None:
    """Puts other definitions in force."""
    catalog = build_texts({"definitions/app.yaml": text})
    stall.reading = Reading(Service(catalog, stall.store, stall.clock, lambda *_: stall.catalog))


# On the past ----------------------------------------------------------------------------------------------------------


def tried(stall: Running, old: str = "", new: str = "") -> Result:
    changed = build_texts({"definitions/app.yaml": STALL.replace(old, new) if old else STALL})
    return Backtest(stall.store, stall.database, changed, "pricing", "asking").run()


def test_an_unchanged_file_changes_nothing_and_a_changed_one_is_tried_on_the_prices_of_then(stall: Running) -> None:
    rate = stall.create("rate", {"thing": "pot", "guest": "G", "asked": "9"})
    live = [asked(stall, "a", ("pot", "1"), ("cup", "1")), asked(stall, "b", ("cup", "1"), guest="H")]
    stall.clock.step(timedelta(hours=1))
    stall.update("rate", rate["id"], {"asked": "5", "guest": "H"})
    stall.create("rate", {"thing": "pot", "guest": "G", "asked": "4", "standing": 9})
    for code, values in (("pot", {"worth": "1"}), ("cup", {"worth": "1", "wanted": "0"})):
        stall.update("thing", stall.all("thing", where=f'code == "{code}"')[0]["id"], values)
    assert tried(stall).changed == {}
    assert tried(stall).decisions == 2
    found = tried(stall, "percent: 5", "percent: 10")
    words = [why(stall, record)[0]["message"] for record in live]
    assert words == ["1 9.0000 own; 2 63.00 worth", "1 63.00 worth"]
    assert found.changed == {
        (words[0], "1 9.0000 own; 2 66.00 worth"): 1,
        (words[1], "1 66.00 worth"): 1,
    }, "before is what was decided in the act"
