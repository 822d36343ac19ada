"""Risks in acts: what they find, hold, freeze and refuse; what cannot be told fails closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.catalog.builder import build_texts
from engine.errors import AccessDenied, Refused
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.backtest import Backtest
from engine.runtime.reading import Reading
from engine.runtime.risking import figures_of
from engine.runtime.service import SYSTEM, Service
from tests.runtime.running import Running, from_address

CLUB = """
app: club
timezone: Asia/Shanghai
---
access: keeper
everything: true
---
access: clerk
can:
  parcel: {read: all}
---
access: looks
can:
  parcel: {read: all}
  finding: {read: all, private: true}
---
model: town
key: code
fields: {code: {type: text, unique: true}, zone: text}
---
model: parcel
key: code
workflow: sending
fields:
  code: {type: text, unique: true}
  town: {type: link, to: town, back: parcels}
  worth: {type: money, default: 0}
  pieces: integer
  phone: text
  score: {type: decimal, digits: 1, system: true, default: 0}
changes:
  redirected: [town, phone]
---
workflow: sending
for: parcel
start: draft
states:
  draft: {events: {send: {to: sent, require: worth >= 0}, drop: {to: dropped}}}
  sent: {next: {off: {if: count(holds) == 0, to: off}}, events: {lose: {to: dropped}}}
  off: {events: {arrive: {to: dropped}}}
  dropped: {}
---
risk: watch
for: parcel
label: Watched
features:
  today_worth: {sum: worth, per: town, window: day, where: status != "draft"}
  moves: {count: redirected, per: event.ip, window: last 60 min}
  moves_here: {count: redirected, per: town, window: last 60 min}
  sends: {count: send, per: user, window: last 60 min}
  shared: {mean: worth / pieces, per: phone, window: 4 weeks}
rules:
  much: {at: parcel.send, if: today_worth >= 100, do: [{freeze: town}], score: 9.5}
  moved: {at: redirected, if: moves >= 2, do: [{hold: moved}], score: 2}
  together: {at: redirected, if: moves_here >= 3, do: [{review: together}, {set: {pieces: 99}}]}
  busy: {at: send, if: sends >= 4, do: [{allow: It is known}], score: -1}
  each_piece: {at: send, if: worth / pieces > 50, do: [{review: dear}], unknown: hold}
  trial: {at: send, if: worth > 10, do: [{set: {phone: '"tried"'}}, {hold: trial}], score: 7, shadow: true}
  lost: {guard: parcel.arrive, if: worth > 90 and pieces > 1, refuse: Too many}
blocks: [arrive, lose]
assign: {role: keeper}
into: score
---
risk: second
for: parcel
shadow: true
rules:
  every: {at: [create, send], if: worth >= 0, do: [{freeze: town}, {hold: second}], score: 1}
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    for code in ("A", "B"):
        running.create("town", {"code": code, "zone": "near"})
    yield running
    running.database.close()


def sent(club: Running, code: str, worth: object, town: str | None = "A", **more: object) -> Record:
    values = {"pieces": 10, **more}
    made = club.create("parcel", {"code": code, "town": town, "worth": worth, **values})
    club.clock.step(timedelta(seconds=1))
    return club.fire("parcel", made["id"], "send")


def findings(club: Running, risk: str = "watch", **equal: Any) -> list[Record]:
    found = club.read(lambda tx: club.store.query.equal(tx, "finding", {"risk": risk, **equal}, limit=100))
    return [record for record in found if not record["shadow"] or risk != "watch"]


def holds(club: Running, record: Record, model: str = "parcel") -> set[str]:
    return {hold["name"] for hold in club.get(model, record["id"])["holds"]}


def reasons(club: Running, record: Record) -> dict[str, Any]:
    """The reasons in the record's history, by rule; the last of each."""
    found: dict[str, Any] = {}

    def look(each: Any) -> None:
        for reason in each:
            found[reason["rule"]] = reason
            look(reason.get("parts", ()))

    for entry in reversed(club.timeline("parcel", record["id"])):
        look(entry["reasons"] or ())
    return found


# Freezing -------------------------------------------------------------------------------------------------------------


def test_the_event_itself_counts_and_a_cent_decides(club: Running) -> None:
    club.create("parcel", {"code": "draft", "town": "A", "worth": 1000, "pieces": 1})  # no status that counts
    first = sent(club, "P1", "60.00")
    below = sent(club, "P2", "39.99")
    assert (below["status"], findings(club)) == ("off", [])
    hit = sent(club, "P3", "0.01")
    assert hit["status"] == "sent", "held before its branches were tried"
    assert holds(club, hit) == {"watch"}
    assert holds(club, hit["town"], "town") == {"watch"}
    assert holds(club, first) == set()
    [finding] = findings(club)
    assert (finding["rule"], finding["outcome"], finding["score"]) == ("much", "freeze", Decimal("9.5"))
    assert (finding["subject_model"], finding["subject"]) == ("town", hit["town"]["id"])
    assert finding["features"] == {"today_worth": "100.00"}
    assert club.get("parcel", hit["id"])["score"] == Decimal("9.5")


def test_the_history_tells_of_every_rule_with_its_line_and_values(club: Running) -> None:
    hit = sent(club, "P1", 100)
    told = reasons(club, hit)
    line = 1 + next(n for n, text in enumerate(CLUB.splitlines()) if text.startswith("  much:"))
    assert told["watch.much"]["outcome"] == "freeze"
    assert told["watch.much"]["at"].startswith(f"definitions/app.yaml:{line}:")
    assert told["watch.much"]["read"] == {"today_worth": "100.00"}
    assert told["watch.each_piece"]["outcome"] == "passed"
    assert told["watch"]["outcome"] == "freeze", "the strictest"
    assert not {"watch.trial", "second"} & set(told), "shadows leave no trace on the record"


def test_who_may_not_read_findings_is_told_of_no_suspicion(club: Running) -> None:
    hit = sent(club, "P1", 100)

    def rules(actor: Actor) -> set[str]:
        told = club.timeline("parcel", hit["id"], actor)
        return {reason["rule"].split(".")[0] for entry in told for reason in entry["reasons"] or ()}

    assert "watch" in rules(club.user("keeper", "keeper"))
    looks = club.user("looks", "looks")
    told = [each for entry in club.timeline("parcel", hit["id"], looks) for each in entry["reasons"] or ()]
    [watched] = [reason for reason in told if reason["rule"] == "watch"]
    assert watched["read"]["today_worth"] == "100.00", "who looks into findings sees what they rest on"
    clerk = club.user("clerk", "clerk")
    assert rules(clerk) == {"sending", "send"}
    renamed = build_texts({"definitions/app.yaml": CLUB.replace("risk: watch", "risk: look")})
    club.reading = Reading(Service(renamed, club.store, club.clock, lambda *_: club.catalog))
    assert rules(clerk) == {"sending", "send"}, "it is as secret when the document has another name"


def test_while_a_town_is_frozen_its_parcels_are_held_and_released_with_it(club: Running) -> None:
    going = sent(club, "P0", 1)
    hit = sent(club, "P1", 100)
    small = sent(club, "P2", 1)
    other = sent(club, "P3", 1, town="B")
    assert (small["status"], holds(club, small)) == ("sent", {"watch"})
    assert (other["status"], holds(club, other)) == ("off", set())
    assert len(findings(club)) == 2, "the day's sum is still too high; the town is frozen once"
    with pytest.raises(Refused) as refused:
        club.fire("parcel", going["id"], "arrive")  # it has no hold of its own
    assert refused.value.code == "HELD"
    [ice] = club.get("town", hit["town"]["id"])["holds"]
    club.write(lambda tx: club.service.release(tx, SYSTEM, ice["id"], "looked into"))
    assert holds(club, hit) == holds(club, small) == holds(club, hit["town"], "town") == set()
    assert club.get("parcel", hit["id"])["status"] == club.get("parcel", small["id"])["status"] == "off"
    club.fire("parcel", going["id"], "arrive")


def test_where_nobody_can_be_frozen_the_record_itself_is_held(club: Running) -> None:
    text = CLUB.replace("per: town, window: day", "per: phone, window: day")
    club.service = Service(build_texts({"definitions/app.yaml": text}), club.store, club.clock, lambda *_: club.catalog)
    made = sent(club, "P1", 100, town=None, phone="1")
    assert (made["status"], holds(club, made)) == ("sent", {"watch"})
    [finding] = findings(club)
    assert (finding["subject_model"], finding["subject"]) == ("parcel", made["id"])


# Events that arise ----------------------------------------------------------------------------------------------------


def test_a_change_is_an_event_once_in_an_act_and_counts_by_address(club: Running) -> None:
    here, there = from_address(SYSTEM, "203.0.113.7"), from_address(SYSTEM, "198.51.100.9")
    made = club.create("parcel", {"code": "P1", "town": "A", "worth": 1, "pieces": 1})
    club.update("parcel", made["id"], {"town": "B", "phone": "1"}, here)
    club.update("parcel", made["id"], {"phone": "1", "pieces": 2}, here)  # nothing of it is another
    club.update("parcel", made["id"], {"phone": "2"}, there)
    log = [entry for entry in club.all("event") if entry["name"] == "redirected"]
    assert sorted(entry["ip"] for entry in log) == ["198.51.100.9", "203.0.113.7"]
    assert findings(club) == []
    club.update("parcel", made["id"], {"phone": "3"}, there)
    [moved, together] = sorted(findings(club), key=lambda each: each["rule"])
    assert (moved["rule"], moved["event"], moved["features"]) == ("moved", "redirected", {"moves": "2"})
    assert (together["rule"], together["features"]) == ("together", {"moves_here": "3"}), "whatever the address"
    record = club.get("parcel", made["id"])
    assert (holds(club, made), record["score"], record["pieces"]) == ({"moved", "together"}, 2, 99)
    club.clock.step(timedelta(minutes=60))
    club.update("parcel", made["id"], {"phone": "4"}, there)
    assert len(findings(club)) == 2, "an hour ago is out of the window"


def test_a_new_record_changes_nothing(club: Running) -> None:
    club.create("parcel", {"code": "P1", "town": "A", "phone": "1"})
    assert [entry["name"] for entry in club.all("event") if entry["model"] == "parcel"] == ["create"]


def test_who_acts_without_an_address_shares_none(club: Running) -> None:
    made = [club.create("parcel", {"code": f"P{n}", "town": "AB"[n % 2], "worth": 1}) for n in range(4)]
    for each in made:
        club.update("parcel", each["id"], {"phone": "1"})
    assert findings(club) == []


# Outcomes -------------------------------------------------------------------------------------------------------------


def test_a_person_s_events_and_an_outcome_that_allows(club: Running) -> None:
    clerk = club.user("li", "keeper")
    made = [club.create("parcel", {"code": f"P{n}", "town": "A", "worth": 1, "pieces": 1}) for n in range(5)]
    for each in made[:3]:
        club.fire("parcel", each["id"], "send", clerk)
    club.fire("parcel", made[3]["id"], "send")  # nobody in particular
    assert findings(club) == []
    allowed = club.fire("parcel", made[4]["id"], "send", clerk)
    [finding] = findings(club)
    assert (finding["rule"], finding["outcome"], allowed["status"], allowed["score"]) == ("busy", "allow", "off", -1)


def test_a_guard_refuses_and_leaves_everything_as_it_was(club: Running) -> None:
    made = sent(club, "P1", 95, pieces=2)
    for wrong in (2, None):
        club.update("parcel", made["id"], {"pieces": wrong})
        with pytest.raises(Refused) as refused:
            club.fire("parcel", made["id"], "arrive")
        assert (refused.value.code, refused.value.status) == ("GUARD_REFUSED", 409)
        offers = club.read(
            lambda tx: club.reading.offers(tx, SYSTEM, "parcel", club.reading.get(tx, SYSTEM, "parcel", made["id"]))
        )
        assert [(offer.name, bool(offer.verdict)) for offer in offers] == [("arrive", False)]
    assert not [each for each in findings(club) if each["rule"] == "lost"]
    club.update("parcel", made["id"], {"pieces": 1})
    club.fire("parcel", made["id"], "arrive")
    assert reasons(club, made)["watch.lost"]["outcome"] == "passed"


@pytest.mark.parametrize(
    ("pieces", "error"), [(0, "division by zero"), (None, None)], ids=["division by zero", "a null"]
)
def test_what_cannot_be_told_fails_closed_and_loses_nothing(
    club: Running, pieces: int | None, error: str | None
) -> None:
    made = sent(club, "P1", 20, pieces=pieces)
    assert (made["status"], holds(club, made), made["score"]) == ("sent", {"each_piece"}, 0)
    [finding] = findings(club)
    assert (finding["rule"], finding["outcome"], finding["score"]) == ("each_piece", "hold", 0)
    assert (error or "") in (finding["error"] or "").lower()
    assert (finding["error"] is None) == (error is None)
    [hold] = club.get("parcel", made["id"])["holds"]
    assert (hold["assignee_role"], hold["blocks"]) == ("keeper", ["arrive", "lose"])
    assert reasons(club, made)["watch.each_piece"]["outcome"] == "hold"
    club.write(lambda tx: club.service.release(tx, SYSTEM, hold["id"], "looked into"))
    assert club.get("parcel", made["id"])["status"] == "off"


@pytest.mark.parametrize(("unknown", "status"), [("review", "sent"), ("allow", "off"), ("refuse", "draft")])
def test_what_unknown_comes_to(club: Running, unknown: str, status: str) -> None:
    text = CLUB.replace("unknown: hold", f"unknown: {unknown}")
    club.service = Service(build_texts({"definitions/app.yaml": text}), club.store, club.clock, lambda *_: club.catalog)
    made = club.create("parcel", {"code": "P1", "town": "A", "worth": 20, "pieces": 0})
    if unknown == "refuse":
        with pytest.raises(Refused):
            club.fire("parcel", made["id"], "send")
    else:
        club.fire("parcel", made["id"], "send")
        assert [each["outcome"] for each in findings(club)] == [unknown]
    assert club.get("parcel", made["id"])["status"] == status


def test_a_feature_that_cannot_be_worked_out_is_an_error_of_its_rules(club: Running) -> None:
    text = CLUB.replace("if: today_worth >= 100", "if: shared > 5")
    club.service = Service(build_texts({"definitions/app.yaml": text}), club.store, club.clock, lambda *_: club.catalog)
    made = sent(club, "P1", 20, pieces=0, phone="1")
    assert {each["rule"]: bool(each["error"]) for each in findings(club)} == {"each_piece": True, "much": True}
    assert holds(club, made) == {"each_piece", "much"}


@pytest.mark.parametrize(
    ("steps", "held"),
    [
        ("[{set: {pieces: floor(1 / pieces)}}]", {"much"}),
        ("[{hold: first}, {set: {pieces: floor(1 / pieces)}}]", {"much", "first"}),
        ("[{hold: first, assign: {user: 'user if 1 / pieces > 0 else user'}}]", {"much"}),
    ],
)
def test_steps_that_cannot_be_worked_out_hold_the_record_and_lose_nothing(
    club: Running, steps: str, held: set[str]
) -> None:
    text = CLUB.replace("do: [{freeze: town}], score: 9.5", f"do: {steps}").replace("worth / pieces > 50", "false")
    club.service = Service(build_texts({"definitions/app.yaml": text}), club.store, club.clock, lambda *_: club.catalog)
    made = sent(club, "P1", 100, pieces=0)
    assert (made["status"], holds(club, made)) == ("sent", held)
    for hold in club.get("parcel", made["id"])["holds"]:
        assert (hold["assignee_role"], hold["blocks"]) == ("keeper", ["arrive", "lose"])


def test_who_looks_after_it_may_be_unknown(club: Running) -> None:
    text = CLUB.replace("assign: {role: keeper}", "assign: {user: 'user if 1 / pieces > 0 else user'}")
    text = text.replace("worth / pieces > 50", "worth > 50")
    club.service = Service(build_texts({"definitions/app.yaml": text}), club.store, club.clock, lambda *_: club.catalog)
    made = sent(club, "P1", 60, pieces=0)
    [hold] = club.get("parcel", made["id"])["holds"]
    assert (hold["name"], hold["assignee"], hold["assignee_role"]) == ("dear", None, None)


def test_shadows_find_and_do_nothing(club: Running) -> None:
    made = sent(club, "P1", 20)
    assert (made["status"], made["phone"], made["score"], holds(club, made)) == ("off", None, 0, set())
    assert holds(club, made["town"], "town") == set()
    every = club.read(lambda tx: club.store.query.equal(tx, "finding", {"shadow": True}, limit=10))
    assert sorted((each["risk"], each["rule"], each["event"], each["outcome"]) for each in every) == [
        ("second", "every", "create", "freeze"),
        ("second", "every", "send", "freeze"),
        ("watch", "trial", "send", "hold"),
    ]


def test_nobody_writes_a_finding_by_hand(club: Running) -> None:
    keeper = club.user("kim", "keeper")
    sent(club, "P1", 100)
    [finding] = findings(club)
    with pytest.raises(AccessDenied):
        club.update("finding", finding["id"], {"score": 1}, keeper)
    with pytest.raises(AccessDenied):
        club.create("finding", {"risk": "watch", "rule": "much"}, keeper)


# The past -------------------------------------------------------------------------------------------------------------


def tried(club: Running, old: str, new: str, name: str = "watch", **how: str) -> Any:
    text = CLUB.replace(old, new)
    assert text != CLUB or old == new
    changed = build_texts({"definitions/app.yaml": text})
    return Backtest(club.store, club.database, changed, "risk", name, **how).run()


def test_a_back_test_asks_as_of_the_moment(club: Running) -> None:
    here = from_address(SYSTEM, "203.0.113.7")
    made = []
    for number, worth in enumerate((60, 30, 20)):
        club.clock.step(timedelta(minutes=1))
        made.append(sent(club, f"P{number}", worth))
    for each in made[:2]:
        club.clock.step(timedelta(minutes=1))
        club.update("parcel", each["id"], {"phone": "1"}, here)
    club.clock.step(timedelta(days=1))
    sent(club, "P9", 5, town="B")
    same = tried(club, "", "")
    assert (same.decisions, same.changed) == (6, {}), "an unchanged file changes nothing"
    assert tried(club, "today_worth >= 100", "today_worth >= 90").changed == {("passed", "freeze: much"): 1}
    assert tried(club, "today_worth >= 100", "today_worth > 110").changed == {("freeze: much", "passed"): 1}
    assert tried(club, "moves >= 2", "moves >= 3").changed == {("hold: moved", "passed"): 1}, "by the address of then"


def test_a_rule_is_tried_at_an_event_of_its_own_though_the_history_never_told_of_it(club: Running) -> None:
    for number, worth in enumerate((60, 30)):
        club.clock.step(timedelta(minutes=1))
        sent(club, f"P{number}", worth)
    new = tried(club, "{at: parcel.send, if: today_worth >= 100", "{at: [parcel.send, create], if: worth >= 60")
    assert (new.decisions, new.changed) == (4, {("passed", "freeze: much"): 2})


def test_what_was_in_the_shadow_is_tried_at_the_events_of_its_rules(club: Running) -> None:
    sent(club, "P1", 5)
    found = tried(club, "for: parcel\nshadow: true", "for: parcel", "second")
    assert (found.decisions, found.changed) == (2, {}), "in the shadow it would have come to the same"
    found = tried(club, "{at: [create, send], if: worth >= 0", "{at: [create, send], if: worth > 5", "second")
    assert found.changed == {("freeze: every", "passed"): 2}


def test_what_was_imported_is_judged_by_the_events_of_its_act_as_of_the_moment_that_counts(club: Running) -> None:
    made = sent(club, "P1", 100)
    club.clock.step(timedelta(days=3))
    club.update("parcel", made["id"], {"phone": "1"}, from_address(SYSTEM, "203.0.113.7"))
    changed = 'if: event.ip == "203.0.113.7" and now == record.created_at'
    found = tried(club, "if: moves_here >= 3", changed, as_of="created_at")
    assert (found.decisions, found.changed) == (2, {("passed", "review: together"): 1})


# Features -------------------------------------------------------------------------------------------------------------

MEASURES = """
app: club
timezone: Asia/Shanghai
---
model: town
key: code
fields: {code: {type: text, unique: true}, zone: text}
---
model: parcel
fields:
  town: {type: link, to: town}
  town_zone: {type: lookup, from: town.zone}
  worth: {type: money}
  kind: {type: choice, of: [letter, box]}
  at_time: datetime
---
risk: measures
for: parcel
features:
  f_sum: {sum: worth * 2, per: town, window: last 60 min, at: at_time}
  f_count: {count: worth, per: town, window: day, at: at_time}
  f_mean: {mean: worth, per: town.zone, window: 3 days before today, at: at_time}
  f_daily: {daily_mean: worth, per: town_zone, window: 3 days, at: at_time, where: kind == "box"}
  f_max: {max: worth, per: kind, window: 2 weeks, at: at_time}
  f_min: {min: at_time, per: kind, window: 4 hours, at: at_time}
  f_distinct: {distinct: worth, per: town, window: 3 days, at: at_time}
  f_towns: {distinct: town, per: kind, window: 3 days, at: at_time}
  f_last: {last: worth, per: town, window: 3 days, at: at_time}
rules: {any: {at: create, if: f_sum > 0, do: [{allow: It is nothing}]}}
"""


def test_features_are_what_a_loop_over_all_records_finds(database_url: str) -> None:
    """Each measure and window on both databases against Python over the same records, the record at hand among them."""
    club = Running(MEASURES, database_url)
    random = Random(17)
    zone = ZoneInfo("Asia/Shanghai")
    towns = [club.create("town", {"code": code, "zone": z}) for code, z in (("A", "n"), ("B", "n"), ("C", "s"))]
    facts = []
    minutes = (0, 1, 59, 60, 61, 240, 1440, 2879, 4320, 5000, 30000)
    for _ in range(70):
        town = random.choice([*towns, None])
        values = {
            "town": town["code"] if town else None,
            "worth": random.choice([None, "0.01", "9.99", "10.00", "123456789.12", "7.77"]),
            "kind": random.choice(["letter", "box", None]),
            "at_time": (club.clock.now() - timedelta(minutes=random.choice(minutes))).isoformat(),
        }
        facts.append(club.create("parcel", values))
    features = list(club.catalog.risks["measures"].features.values())
    now = club.clock.now()
    for record in facts[:25]:
        # In hand it may be worth another amount than the database holds.
        mine = {**record, "worth": Decimal("9.99")}
        names = {"now": now, "today": now.astimezone(zone).date(), "parcel": mine, "record": mine}
        found = club.read(
            lambda tx, mine=mine, names=names: figures_of(
                club.store.features, tx, "parcel", features, mine, names, zone
            )
        )
        every = [mine if each["id"] == mine["id"] else each for each in facts]
        assert found == {feature.name: loop(feature.name, mine, every, now, zone) for feature in features}
    club.database.close()


def loop(name: str, record: Record, every: list[Record], now: Any, zone: Any) -> Any:
    """The figure of one feature, the slow way."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)

    def zone_of(each: Record) -> Any:
        return each["town"]["zone"] if each["town"] else None

    def town_of(each: Record) -> Any:
        return each["town"]["id"] if each["town"] else None

    def kind_of(each: Record) -> Any:
        return each["kind"]

    key, inside = {
        "f_sum": (town_of, lambda at: now - timedelta(hours=1) < at <= now),
        "f_count": (town_of, lambda at: midnight <= at <= now),
        "f_mean": (zone_of, lambda at: midnight - timedelta(days=3) <= at < midnight),
        "f_daily": (zone_of, lambda at: now - timedelta(days=3) < at <= now),
        "f_max": (kind_of, lambda at: now - timedelta(days=14) < at <= now),
        "f_min": (kind_of, lambda at: now - timedelta(hours=4) < at <= now),
        "f_distinct": (town_of, lambda at: now - timedelta(days=3) < at <= now),
        "f_towns": (kind_of, lambda at: now - timedelta(days=3) < at <= now),
        "f_last": (town_of, lambda at: now - timedelta(days=3) < at <= now),
    }[name]
    among = [each for each in every if key(record) is not None and key(each) == key(record) and inside(each["at_time"])]
    if name == "f_daily":
        among = [each for each in among if each["kind"] == "box"]
    worths = [each["worth"] for each in among if each["worth"] is not None]
    match name:
        case "f_sum":
            return sum((worth * 2 for worth in worths), Decimal(0))
        case "f_count":
            return len(worths)
        case "f_mean":
            return sum(worths, Decimal(0)) / len(worths) if worths else None
        case "f_daily":
            return sum(worths, Decimal(0)) / 3
        case "f_max":
            return max(worths, default=None)
        case "f_min":
            return min((each["at_time"] for each in among), default=None)
        case "f_distinct":
            return len(set(worths))
        case "f_towns":
            return len({town_of(each) for each in among} - {None})
        case _:
            others = [each for each in among if each["id"] != record["id"] and each["worth"] is not None]
            return max(others, key=lambda each: (each["at_time"], each["id"]))["worth"] if others else None
