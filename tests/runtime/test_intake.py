"""What channels bring becomes records, changes them, is known already, or is refused and kept, on both databases."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.errors import BadRequest, NotFound
from engine.ports import Record
from engine.runtime.intake import Intake, Outcome
from engine.runtime.senders import may_send
from tests.runtime.running import Running

CLUB = """
app: club
timezone: Asia/Shanghai
---
model: town
key: code
fields:
  code: {type: text, max: 10, unique: true, required: true}
  name: {type: text, unique: true}
  zip: text
---
model: sender
key: number
fields:
  number: {type: text, max: 10, unique: true, required: true}
  mail: {type: email, unique: true}
---
model: parcel
key: code
workflow: sending
fields:
  code: {type: text, max: 20, unique: true, required: true}
  town: {type: link, to: town, required: true}
  zip: text
  sender: {type: link, to: sender}
  weight: {type: decimal, digits: 2}
  ratio: {type: decimal, digits: 2}
  note: {type: text, max: 30}
  sent_at: datetime
  rows: {type: rows, of: {thing: {type: text, required: true}, pieces: {type: integer, min: 1}}}
---
workflow: sending
for: parcel
start: draft
states:
  draft: {events: {send: {require: 'coalesce(note, "") != "keep"', to: sent}, keep: {to: draft}}}
  sent: {}
---
channel: desk
for: parcel
intake: {format: json, each: "$.parcels[*]", timezone: Asia/Tokyo, auth: {hmac_sha256: {secret: DESK}}}
identity: {key: code, version: $.version}
only: 'coalesce(note, "") != "skip"'
map:
  code: $.code
  note: $.note
  town: {alias: $.town}
  weight: {from: $.grams, scale: 0.001}
  ratio: {value: 1 / weight}
  sender: {upsert: sender, by: {number: $.sender.number}, set: {mail: $.sender.mail}}
  sent_at: {from: $.at, format: "%Y/%m/%d %H:%M"}
  rows: {each: "$.things[*]", map: {thing: $.name, pieces: $.n}}
accept:
  light: {require: weight <= 50, at: weight, code: TOO_HEAVY}
  odd: {require: weight <= 20, otherwise: [{hold: heavy, blocks: [send], message: It is heavy}]}
too_late: {if: 'year(sent_at) < 2026', do: [{require: town == null, code: LEFT, message: It has left}]}
---
channel: strict
for: parcel
intake: {format: json}
identity: {key: code, version: $.version, stale: refuse}
submit: send
map:
  code: $.code
  note: $.note
  town: {lookup: town, by: {name: $.town, zip: $.zip}}
  zip: {lookup: town.zip, by: {name: $.town, zip: $.zip}}
---
channel: careful
for: parcel
intake: {format: json}
identity: {key: code}
submit: send
map: {code: $.code, town: $.town, weight: $.weight}
accept:
  odd: {require: weight <= 20, otherwise: [{hold: heavy, blocks: [send]}]}
---
channel: plain
for: parcel
intake: {format: [csv, xlsx], encoding: [utf-8, gbk]}
identity: {key: code}
map: {code: $.编码, town: $.城市, note: {from: $.备注, default: "-"}}
"""


class Desk:
    """The club with its channels."""

    def __init__(self, url: str) -> None:
        self.running = Running(CLUB, url)
        self.intake = Intake(self.running.service)
        self.town = self.running.create("town", {"code": "T1", "name": "Big", "zip": "100"})
        self.other = self.running.create("town", {"code": "T2", "name": "Small", "zip": "200"})

    def send(self, channel: str, value: Any, **how: Any) -> list[Outcome]:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        found: list[Outcome] = self.running.write(lambda tx: self.intake.receive(tx, channel, body, **how))
        return found

    def desk(self, *parcels: dict[str, Any]) -> list[Outcome]:
        return self.send("desk", {"parcels": [parcel(**given) for given in parcels]})

    def alias(self, text: str, target: Record, channel: str | None) -> None:
        values: dict[str, Any] = {"text": text, "model": "town", "target": target["id"]}
        if channel is not None:
            values["channel"] = channel
        self.running.create("alias", values)

    def parcel(self, outcome: Outcome) -> Record:
        assert outcome.record is not None
        return self.running.get("parcel", outcome.record)

    def count(self, model: str) -> int:
        return len(self.running.all(model))

    def kept(self) -> list[Record]:
        return self.running.all("arrival")


def parcel(**given: Any) -> dict[str, Any]:
    """A raw parcel that is all right, but for what is given."""
    return {"code": "P1", "version": 1, "town": "T1", "grams": 1500, "at": "2026/05/01 08:00", **given}


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url)
    with_channels = made.running
    for name in with_channels.catalog.channels:
        with_channels.create("channel", {"code": name, "name": name})
    yield made
    made.running.database.close()


def results(outcomes: list[Outcome]) -> list[str]:
    return [outcome.result for outcome in outcomes]


def told(outcome: Outcome) -> list[tuple[str, str]]:
    return [(problem.at, problem.code) for problem in outcome.problems]


# The same thing, newer, older, twice ----------------------------------------------------------------------------------


def test_a_new_record_is_made_with_all_that_the_map_says(desk: Desk) -> None:
    [outcome] = desk.desk({"things": [{"name": "cup", "n": 2}, {"name": "pot"}], "sender": {"number": "7"}})
    assert (outcome.result, outcome.key, outcome.rows) == ("created", '["P1"]', (1,))
    made = desk.parcel(outcome)
    assert (made["code"], str(made["weight"]), str(made["ratio"]), made["status"]) == ("P1", "1.50", "0.67", "draft")
    assert made["sent_at"].isoformat() == "2026-04-30T23:00:00+00:00"  # written in the channel's time zone
    assert [(row["thing"], row["pieces"]) for row in made["rows"]] == [("cup", 2), ("pot", None)]


def test_a_newer_version_changes_the_record(desk: Desk) -> None:
    [first] = desk.desk({"note": "old"})
    [second] = desk.desk({"note": "new", "version": 2})
    assert (second.result, second.record) == ("updated", first.record)
    assert desk.parcel(second)["note"] == "new"
    assert desk.count("parcel") == 1


def test_versions_that_are_numbers_are_compared_as_numbers(desk: Desk) -> None:
    desk.desk({"version": 9})
    assert results(desk.desk({"version": 10, "note": "x"})) == ["updated"]


def test_a_submitted_record_is_no_longer_changed(desk: Desk) -> None:
    value = {"code": "S1", "town": "Big", "zip": "100", "version": 1}
    [made] = desk.send("strict", value)
    assert desk.parcel(made)["status"] == "sent"
    [refused] = desk.send("strict", {**value, "version": 2, "note": "late"})
    assert (refused.result, told(refused)) == ("refused", [("", "TOO_LATE_TO_CHANGE")])
    assert refused.record == made.record
    assert desk.parcel(made)["note"] is None
    # The arrival still says what the record came from: the same message again is a duplicate.
    assert results(desk.send("strict", value)) == ["duplicate"]


def test_the_guard_of_the_event_counts_for_channels_too(desk: Desk) -> None:
    [refused] = desk.send("strict", {"code": "S1", "town": "Big", "zip": "100", "version": 1, "note": "keep"})
    assert (refused.result, told(refused)) == ("refused", [("", "GUARD_REFUSED")])
    assert desk.count("parcel") == 0


def test_what_is_held_back_from_its_event_stays_where_it_is(desk: Desk) -> None:
    light, heavy = (desk.send("careful", {"code": f"C{kg}", "town": "T1", "weight": kg})[0] for kg in (20, 21))
    assert [desk.parcel(each)["status"] for each in (light, heavy)] == ["sent", "draft"]


def test_the_same_again_is_a_duplicate(desk: Desk) -> None:
    [first] = desk.desk({})
    [again] = desk.desk({})
    assert (again.result, again.record) == ("duplicate", first.record)


def test_the_same_version_with_another_content_is_a_conflict(desk: Desk) -> None:
    [first] = desk.desk({})
    [other] = desk.desk({"note": "other"})
    assert (other.result, told(other), other.record) == ("refused", [("", "VERSION_CONFLICT")], first.record)
    assert desk.parcel(first)["note"] is None


@pytest.mark.parametrize(("channel", "outcome"), [("desk", "stale"), ("strict", "refused")])
def test_an_older_version_is_ignored_or_refused_as_the_channel_says(desk: Desk, channel: str, outcome: str) -> None:
    def value(version: int) -> Any:
        if channel == "desk":
            return {"parcels": [parcel(version=version)]}
        return {"code": "S1", "town": "Big", "zip": "100", "note": "keep", "version": version}

    if channel == "strict":
        # `keep` cannot be submitted, so it is refused and there is nothing to be older than.
        desk.send(channel, {**value(2), "note": "go"})
        [found] = desk.send(channel, {**value(1), "note": "go"})
        assert told(found) == [("", "STALE_ARRIVAL")]
    else:
        desk.send(channel, value(2))
        [found] = desk.send(channel, value(1))
    assert found.result == outcome


def test_one_key_twice_in_a_message_is_one_record(desk: Desk) -> None:
    assert results(desk.desk({}, {}, {"note": "x"}, {"note": "y", "version": 2})) == [
        "created", "duplicate", "refused", "updated",
    ]  # fmt: skip
    assert desk.count("parcel") == 1


# Refusals -------------------------------------------------------------------------------------------------------------


def test_every_reason_is_located(desk: Desk) -> None:
    [outcome] = desk.desk(
        {"grams": "heavy", "town": "Nowhere", "at": "yesterday", "things": [{"name": "a"}, {"name": "b", "n": "many"}]}
    )
    assert outcome.result == "refused"
    assert told(outcome) == [
        ("town", "LINK_UNKNOWN"),
        ("weight", "VALUE_TYPE"),
        ("sent_at", "VALUE_FORMAT"),
        ("rows[1].pieces", "VALUE_FORMAT"),
    ]


def test_what_was_refused_is_kept_as_it_came_and_comes_in_when_the_reason_is_mended(desk: Desk) -> None:
    [refused] = desk.desk({"town": "Metropolis"})
    assert refused.result == "refused"
    [kept] = desk.kept()
    assert (kept["outcome"], kept["record"]) == ("refused", None)
    assert kept["raw"] == parcel(town="Metropolis")
    assert [(problem["at"], problem["code"]) for problem in kept["problems"]] == [("town", "LINK_UNKNOWN")]
    desk.alias("Metropolis", desk.other, "desk")
    [made] = desk.desk({"town": "Metropolis"})
    assert made.result == "created"
    [kept] = desk.kept()
    assert (kept["outcome"], kept["record"], kept["problems"]) == ("created", made.record, None)
    assert results(desk.desk({"town": "Metropolis"})) == ["duplicate"]
    assert desk.count("parcel") == 1


def test_one_bad_record_of_ten_leaves_nine(desk: Desk) -> None:
    outcomes = desk.desk(*({"code": f"P{at}", "grams": 99_000 if at == 4 else 100} for at in range(10)))
    assert Counter(results(outcomes)) == Counter(created=9, refused=1)
    assert told(outcomes[4]) == [("weight", "TOO_HEAVY")]
    assert desk.count("parcel") == 9


def test_a_refused_submission_leaves_no_record(desk: Desk) -> None:
    [outcome] = desk.send("strict", {"code": "S1", "town": "Nowhere", "zip": "1", "version": 1})
    assert {code for _, code in told(outcome)} == {"LOOKUP_UNKNOWN"}
    assert desk.count("parcel") == 0


def test_what_cannot_be_computed_is_the_arrivals_own_fault(desk: Desk) -> None:
    broken, sound = desk.desk({"grams": 0}, {"code": "P2"})
    assert ("ratio", "CANNOT_COMPUTE") in told(broken)
    assert sound.result == "created"


def test_a_record_that_is_none_is_refused_alone(desk: Desk) -> None:
    outcomes = desk.send("desk", {"parcels": ["P1", parcel()]})
    assert results(outcomes) == ["refused", "created"]
    assert told(outcomes[0]) == [("", "VALUE_TYPE")]


def test_what_is_missing_for_the_key_is_refused_and_kept(desk: Desk) -> None:
    [outcome] = desk.desk({"code": ""})
    assert (outcome.result, outcome.key) == ("refused", None)
    assert [kept["key"] for kept in desk.kept()] == [None]


def test_skipped_records_leave_no_trace(desk: Desk) -> None:
    assert results(desk.desk({"note": "skip"}, {"code": "P2"})) == ["skipped", "created"]
    assert len(desk.kept()) == 1


def test_too_late_does_what_the_channel_says(desk: Desk) -> None:
    [outcome] = desk.desk({"at": "2025/12/31 08:00"})
    assert (outcome.result, [code for _, code in told(outcome)]) == ("refused", ["LEFT"])


def test_a_rule_with_consequences_accepts(desk: Desk) -> None:
    [outcome] = desk.desk({"grams": 30_000})
    assert outcome.result == "created"
    [hold] = desk.running.all("hold")
    assert (hold["name"], hold["record"]) == ("heavy", outcome.record)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"more": 10**30}, id="a whole number beyond 64 bits"),
        pytest.param({"more": "a\0b"}, id="NUL where nobody reads it"),
        pytest.param({"more": {"a\0": [1, 2.5]}}, id="NUL in a name"),
    ],
)
def test_odd_but_legal_json_is_kept(desk: Desk, odd: dict[str, Any]) -> None:
    assert results(desk.desk(odd, {**odd, "code": "P2", "town": "Nowhere"})) == ["created", "refused"]
    assert results(desk.desk(odd)) == ["duplicate"]


def test_nul_in_a_field_is_refused(desk: Desk) -> None:
    [outcome] = desk.desk({"note": "a\0b"})
    assert told(outcome) == [("note", "VALUE_CHARACTERS")]


# Other records --------------------------------------------------------------------------------------------------------


def test_many_arrivals_make_a_missing_record_once(desk: Desk) -> None:
    outcomes = desk.desk(*({"code": f"P{at}", "sender": {"number": "7", "mail": "a@b.cn"}} for at in range(5)))
    assert set(results(outcomes)) == {"created"}
    assert desk.count("sender") == 1
    assert results(desk.desk({"code": "P9", "sender": {"number": "7", "mail": "a@b.cn"}})) == ["created"]
    [sender] = desk.running.all("sender")
    assert (sender["number"], sender["mail"]) == ("7", "a@b.cn")


def test_a_missing_record_that_cannot_be_made_refuses_only_those_that_need_it(desk: Desk) -> None:
    outcomes = desk.desk(
        {"code": "P1", "sender": {"number": "1", "mail": "a@b.cn"}},
        {"code": "P2", "sender": {"number": "2", "mail": "a@b.cn"}},  # the address is the other's
        {"code": "P3", "sender": {"number": "a number that is far too long", "mail": None}},
        {"code": "P4", "sender": {"number": "4", "mail": "no address"}},
        {"code": "P5"},
    )
    assert results(outcomes) == ["created", "refused", "refused", "refused", "created"]
    assert told(outcomes[1]) == [("sender.mail", "VALUE_TAKEN")]
    assert told(outcomes[2]) == [("sender", "VALUE_LENGTH")]
    assert [at for at, _ in told(outcomes[3])] == ["sender"]
    assert [sender["number"] for sender in desk.running.all("sender")] == ["1"]


def test_what_was_made_for_an_arrival_that_is_refused_is_not_there(desk: Desk) -> None:
    outcomes = desk.desk(
        {"code": "P1", "grams": 60_000, "sender": {"number": "1"}},  # too heavy
        {"code": "P2", "note": "skip", "sender": {"number": "2"}},
        {"code": "P3", "town": "nowhere", "sender": {"number": "3"}},
        {"code": "P4", "grams": 60_000, "sender": {"number": "4"}},
        {"code": "P5", "sender": {"number": "4"}},  # this one needs it, too
    )
    assert results(outcomes) == ["refused", "skipped", "refused", "refused", "created"]
    assert [told(outcome) for outcome in outcomes[:4]] == [
        [("weight", "TOO_HEAVY")],
        [],
        [("town", "LINK_UNKNOWN")],
        [("weight", "TOO_HEAVY")],
    ]
    assert [sender["number"] for sender in desk.running.all("sender")] == ["4"]
    history = desk.running.all("history", where='model == "sender"')
    assert len(history) == 1, "nor is there any trace of it"
    kept = {arrival["key"]: arrival["outcome"] for arrival in desk.kept()}
    assert kept == {'["P1"]': "refused", '["P3"]': "refused", '["P4"]': "refused", '["P5"]': "created"}
    [mended] = desk.desk({"code": "P1", "grams": 6_000, "version": 2, "sender": {"number": "1"}})
    assert mended.result == "created"
    assert {sender["number"] for sender in desk.running.all("sender")} == {"1", "4"}


def test_a_conflict_in_a_chunk_that_is_done_again_names_the_record_that_is_there(desk: Desk) -> None:
    first, conflict = desk.desk(
        {"code": "P1", "sender": {"number": "1"}}, {"code": "P1", "grams": 7, "sender": {"number": "2"}}
    )
    assert (first.result, conflict.result, told(conflict)) == ("created", "refused", [("", "VERSION_CONFLICT")])
    assert conflict.record == first.record == desk.parcel(first)["id"]
    assert [sender["number"] for sender in desk.running.all("sender")] == ["1"]


def test_two_messages_at_once_make_the_same_record_once(database_url: str) -> None:
    loose = CLUB.replace("model: sender\nkey: number", "model: sender").replace(
        "number: {type: text, max: 10, unique: true, required: true}", "number: {type: text, max: 10}"
    )
    running = Running(loose, database_url)
    try:
        running.create("town", {"code": "T1", "name": "Big"})
        intake = Intake(running.service)

        def send(at: int) -> list[str]:
            body = json.dumps({"parcels": [parcel(code=f"P{at}", sender={"number": "7"})]}).encode()
            return results(running.write(lambda tx: intake.receive(tx, "desk", body)))

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(send, range(12))) == [["created"]] * 12
        assert len(running.all("sender")) == 1
    finally:
        running.database.close()


def test_a_channels_own_alias_comes_before_those_of_all_and_before_keys(desk: Desk) -> None:
    assert town_of(desk, "P1") == desk.town["id"]  # T1 is a key
    desk.alias("T1", desk.other, None)
    assert town_of(desk, "P2") == desk.other["id"]
    desk.alias("T1", desk.town, "desk")
    assert town_of(desk, "P3") == desk.town["id"]


def test_another_channels_alias_means_nothing_here(desk: Desk) -> None:
    desk.alias("T1", desk.other, "strict")
    assert town_of(desk, "P1") == desk.town["id"]


def town_of(desk: Desk, code: str) -> str:
    [outcome] = desk.desk({"code": code, "town": "T1"})
    assert outcome.result == "created", outcome.problems
    return str(desk.parcel(outcome)["town"]["id"])


def test_a_record_found_by_several_fields_must_have_all_of_them(desk: Desk) -> None:
    [right] = desk.send("strict", {"code": "S1", "town": "Small", "zip": "200", "version": 1})
    assert desk.parcel(right)["town"]["id"] == desk.other["id"]
    assert desk.parcel(right)["zip"] == "200"
    [wrong] = desk.send("strict", {"code": "S2", "town": "Small", "zip": "100", "version": 1})
    assert ("town", "LOOKUP_UNKNOWN") in told(wrong)


# Files and messages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_table_in_each_declared_encoding(desk: Desk, encoding: str) -> None:
    body = "编码,城市,备注\nP1,T1,茶杯\nP2,T2,\n".encode(encoding)
    outcomes = desk.send("plain", body, media_type="text/csv")
    assert results(outcomes) == ["created", "created"]
    assert [outcome.rows for outcome in outcomes] == [(2,), (3,)]
    assert [desk.parcel(outcome)["note"] for outcome in outcomes] == ["茶杯", "-"]


def test_without_a_version_another_content_is_a_conflict(desk: Desk) -> None:
    desk.send("plain", "编码,城市,备注\nP1,T1,a\n".encode(), media_type="text/csv")
    [outcome] = desk.send("plain", "编码,城市,备注\nP1,T1,b\n".encode(), media_type="text/csv")
    assert told(outcome) == [("", "VERSION_CONFLICT")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "NOT_JSON"),
        (b"{", "NOT_JSON"),
        (b'{"parcels": [NaN]}', "NOT_JSON"),
        (b'{"parcels": [1e99999999999999999999]}', "NOT_JSON"),
        (b"[" * 100_000, "NOT_JSON"),
        (b'"\xed\xa0\x80"', "NOT_JSON"),
        (b'{"parcels": ["\\ud800"]}', "NOT_JSON"),
        (b"{}", "NO_RECORDS"),
        (b'{"parcels": []}', "NO_RECORDS"),
        (b"[]", "NO_RECORDS"),
    ],
)
def test_a_message_that_is_none_is_refused_whole(desk: Desk, body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        desk.send("desk", body)
    assert caught.value.code == code
    assert not desk.kept()


def test_an_unknown_channel_is_named(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no channel elsewhere"):
        desk.send("elsewhere", {})


# Who may send ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signature", "right"),
    [
        (hmac.new(b"s3cret", b"body", hashlib.sha256).hexdigest(), True),
        ("sha256=" + hmac.new(b"s3cret", b"body", hashlib.sha256).hexdigest(), True),
        (hmac.new(b"s3cret", b"another body", hashlib.sha256).hexdigest(), False),
        (hmac.new(b"another", b"body", hashlib.sha256).hexdigest(), False),
        ("", False),
        ("é", False),
    ],
)
def test_a_signature_is_of_the_body_with_the_secret(desk: Desk, signature: str, right: bool) -> None:
    secrets = {"DESK": "s3cret"}
    channel = desk.intake.channel("desk")
    assert may_send(channel, {"x-signature": signature}, b"body", secrets.__getitem__) is right


def test_a_channel_without_proof_of_its_own_leaves_it_to_tokens(desk: Desk) -> None:
    assert may_send(desk.intake.channel("plain"), {}, b"", {}.__getitem__) is None
