"""Pending versions of records at work on both databases: what is kept, what can be read of it, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from engine.errors import AccessDenied, InvalidValues, NotFound, Refused, StaleVersion
from engine.expressions.types import RecordType
from engine.policy.access import Actor
from engine.policy.reach import Reach
from engine.ports import Record
from engine.runtime.explaining import Explainer
from engine.runtime.past import Moment, Past
from engine.runtime.service import SYSTEM
from engine.runtime.tasks import Tasks
from engine.runtime.versions import Versions
from tests.runtime.running import Running

LIBRARY = """
app: club
timezone: Asia/Shanghai
---
access: clerk
scopes: {mine: owner == user}
can:
  parcel:
    read: all
    create: all
    update: {when: 'status == "draft"', only: [note, code, rebate, rows]}
    events: all
    private: true
  thing: {read: all}
---
access: guest
can: {parcel: {read: all, events: [change], hide: [note], update: {rows: all, only: [note]}}}
---
access: boss
can: {parcel: {read: all, events: all}}
---
model: thing
key: code
fields:
  code: {type: text, unique: true, required: true}
  price: {type: money, required: true}
---
model: parcel
key: number
title: number
workflow: sending
fields:
  number: {type: sequence, format: "P{seq:4}", unique: true}
  code: {type: text, max: 20}
  secret: {type: text, private: true}
  note: {type: text, max: 50}
  rebate: {type: money, default: 0, min: 0, max: goods}
  goods: {type: money, value: sum(rows.amount)}
  total: {type: money, value: goods - rebate}
  sent: {type: integer, system: true, default: 0}
  wished: {type: money, system: true}
  rows:
    type: rows
    key: line
    of:
      line: {type: integer}
      thing: {type: link, to: thing, required: true}
      pieces: {type: decimal, digits: 1, above: 0, required: true}
      price: {type: money, default: thing.price}
      amount: {type: money, value: "round(pieces * price, 2)"}
      share: {type: money, spread: rebate, by: amount}
      gone: {type: decimal, digits: 1, system: true, default: 0}
checks:
  some_rows: {require: count(rows) > 0, at: rows}
  not_less_than_gone: {require: all(r.gone <= r.pieces for r in rows), at: rows, code: GONE_ALREADY}
---
workflow: sending
for: parcel
start: draft
states:
  draft: {events: {send: {to: sent}}}
  sent:
    events:
      change:
        propose: true
        input: {reason: {type: text, required: true}}
        require: proposed.total <= 1000
        message: {zh: 太贵, en: Too dear}
        do: [{set: {wished: proposed.total}}]
      give: {do: [{set: {gone: r.pieces}, of: rows, as: r}]}
      take: {do: [{apply: proposed}]}
      leave: {input: {why: text}, do: [{drop: proposed, why: input.why}]}
      ask: {propose: [code, rows], to: sorted}
      stop: {to: over}
  sorted:
    next:
      less: {if: proposed.total <= total, to: agreed}
      more: {to: asking}
  asking:
    approval: {boss: {by: {role: boss}, nobody: refuse, skip_if: proposed.total < 100}}
    approved: agreed
    rejected: kept
  agreed: {do: [{apply: proposed}], next: {back: {to: sent}}}
  kept: {do: [{drop: proposed, why: "'not agreed'"}], next: {back: {if: proposed == null, to: sent}}}
  over: {}
"""


class Office:
    """The office, with a clerk, a guest and a boss; each parcel is sent, with two rows of A and B: 10 and 5."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.clerk = running.user("clara", "clerk")
        self.guest = running.user("gus", "guest")
        self.boss = running.user("bo", "boss")
        for code, price in (("A", "10.00"), ("B", "2.50")):
            running.create("thing", {"code": code, "price": price})

    def sent(self) -> Record:
        rows = [{"thing": "A", "pieces": "1"}, {"thing": "B", "pieces": "2"}]
        made = self.running.create("parcel", {"code": "one", "note": "n", "rows": rows}, self.clerk)
        return self.running.fire("parcel", made["id"], "send", self.clerk)

    def fire(self, key: str, event: str, values: dict[str, Any] | None = None, actor: Actor | None = None) -> Record:
        return self.running.fire("parcel", key, event, actor or self.clerk, values)

    def pending(self, key: str) -> list[Record]:
        return self.running.all("proposal", equal={"record": key, "outcome": "pending"})

    def decide(self, key: str, decision: str) -> None:
        [task] = self.running.all("task", equal={"record": key, "open": "true"})
        tasks = Tasks(self.running.service)
        self.running.write(lambda tx: tasks.decide(tx, self.boss, task["id"], decision, "because"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("office") / "scratch.db"
        running = Running(LIBRARY, f"sqlite:///{path}")
        yield Office(running)
        running.database.close()
        return
    with request.getfixturevalue("postgres").scratch() as url:
        running = Running(LIBRARY, url)
        yield Office(running)
        running.database.close()


def rows_of(record: Record) -> list[tuple[int, str, Decimal]]:
    """Line, thing (10 is A's price, 2.50 that of B) and pieces."""
    return [(row["line"], "A" if row["price"] == 10 else "B", row["pieces"]) for row in record["rows"]]


def changed(office: Office, record: Record, **values: Any) -> dict[str, Any]:
    """What is put in: the first row three times, the second gone, a third one new."""
    first = record["rows"][0]["id"]
    return {"rows": [{"id": first, "pieces": "3"}, {"thing": "B", "pieces": "1"}], "reason": "more", **values}


def test_the_record_stays_as_it_is_until_it_is_applied_and_then_changes_once(office: Office) -> None:
    before = office.sent()
    key, version = before["id"], before["version"]
    office.fire(key, "change", changed(office, before))
    kept = office.running.get("parcel", key)
    assert (kept["total"], kept["wished"]) == (Decimal("15.00"), Decimal("32.50"))  # the event's own step
    assert rows_of(kept) == [(1, "A", 1), (2, "B", 2)]
    [proposal] = office.pending(key)
    assert (proposal["proposed_by"]["id"], proposal["seen_version"]) == (office.clerk.id, version)
    office.fire(key, "take", actor=office.boss)
    applied = office.running.get("parcel", key)
    assert rows_of(applied) == [(1, "A", 3), (2, "B", 1)]
    assert (applied["total"], applied["version"]) == (Decimal("32.50"), version + 2)  # `wished` was set, then this
    assert applied["rows"][0]["id"] == before["rows"][0]["id"]
    [closed] = office.running.all("proposal", equal={"record": key})
    assert (closed["outcome"], closed["closed_by"]["id"]) == ("applied", office.boss.id)
    assert closed["became_version"] == applied["version"]


def test_what_comes_and_goes_of_rows_is_kept_by_row(office: Office) -> None:
    before = office.sent()
    first, second = (row["id"] for row in before["rows"])
    rows = [{"id": second, "pieces": "4"}, {"thing": "A", "pieces": "5", "line": 9}]
    office.fire(before["id"], "ask", {"rows": rows})
    after = office.running.get("parcel", before["id"])
    assert rows_of(after) == [(2, "B", 4), (9, "A", 5)]
    [proposal] = office.running.all("proposal", equal={"record": before["id"]})
    assert {path: [part is not None for part in parts] for path, parts in proposal["changes"].items()} == {
        f"rows.[{first}]": [True, False],
        f"rows.[{second}].pieces": [True, True],
        f"rows.[{after['rows'][1]['id']}]": [False, True],
    }
    assert set(proposal["changes"][f"rows.[{first}]"][0]) == {"line", "thing", "pieces", "price"}  # nothing worked out


def test_a_second_proposal_names_the_first(office: Office) -> None:
    before = office.sent()
    office.fire(before["id"], "change", {"note": "m", "reason": "r"})
    with pytest.raises(Refused) as refused:
        office.fire(before["id"], "change", {"note": "o", "reason": "r"}, office.guest)
    assert refused.value.code == "PROPOSAL_PENDING"
    assert "clara" in str(refused.value.message)
    office.fire(before["id"], "leave", {"why": "a mistake"})
    office.fire(before["id"], "change", {"note": "o", "reason": "r"}, office.guest)
    ended = office.running.all("proposal", equal={"record": before["id"], "outcome": "dropped"})
    assert [(one["why"], one["closed_by"]["id"]) for one in ended] == [("a mistake", office.clerk.id)]
    assert office.running.get("parcel", before["id"])["note"] == "n"


@pytest.mark.parametrize(("event", "record"), [("take", "parcel"), ("leave", "parcel")])
def test_what_is_not_pending_can_be_neither_applied_nor_dropped(office: Office, event: str, record: str) -> None:
    before = office.sent()
    with pytest.raises(Refused) as refused:
        office.fire(before["id"], event)
    assert refused.value.code == "NOTHING_PENDING"
    assert office.running.get(record, before["id"])["version"] == before["version"]


def test_branches_and_approvals_read_the_record_as_it_would_be(office: Office) -> None:
    less, little, more = office.sent(), office.sent(), office.sent()
    office.fire(less["id"], "ask", {"rows": [{"id": less["rows"][0]["id"]}]})  # the second row goes
    assert rows_of(office.running.get("parcel", less["id"])) == [(1, "A", 1)]
    office.fire(little["id"], "ask", {"rows": [{"id": little["rows"][0]["id"], "pieces": "5"}]})
    assert office.running.get("parcel", little["id"])["total"] == Decimal("50.00")  # too little to ask anybody
    office.fire(more["id"], "ask", {"rows": [{"id": more["rows"][0]["id"], "pieces": "10.5"}]})
    assert office.running.get("parcel", more["id"])["status"] == "asking"
    office.decide(more["id"], "reject")
    back = office.running.get("parcel", more["id"])
    assert (back["status"], rows_of(back), office.pending(more["id"])) == ("sent", [(1, "A", 1), (2, "B", 2)], [])


def test_a_guard_refuses_what_would_be_and_nothing_is_kept(office: Office) -> None:
    before = office.sent()
    with pytest.raises(Refused) as refused:
        office.fire(before["id"], "change", changed(office, before, rows=[{"thing": "A", "pieces": "101"}]))
    assert refused.value.code == "GUARD_REFUSED"
    assert office.pending(before["id"]) == []


@pytest.mark.parametrize(
    ("values", "at", "code"),
    [
        ({"notes": "x"}, "notes", "UNKNOWN_FIELD"),
        ({"total": "1"}, "total", "READ_ONLY"),
        ({"status": "over"}, "status", "READ_ONLY"),
        ({"rebate": "99"}, "rebate", "VALUE_RANGE"),
        ({"rows": []}, "rows", "CHECK_FAILED"),
        ({"rows": [{"id": "00000000-0000-0000-0000-000000000001", "pieces": "1"}]}, "rows[0].id", "UNKNOWN_ROW"),
        ({"rows": [{"thing": "C", "pieces": "1"}]}, "rows[0].thing", "LINK_UNKNOWN"),
        ({"rows": [{"line": 1, "gone": "1"}]}, "rows[0].gone", "READ_ONLY"),
        ({}, "", "NOTHING_PROPOSED"),
        ({"code": "one"}, "", "NOTHING_PROPOSED"),
    ],
)
def test_what_could_not_be_saved_cannot_be_proposed(office: Office, values: dict[str, Any], at: str, code: str) -> None:
    before = office.sent()
    with pytest.raises(InvalidValues) as refused:
        office.fire(before["id"], "change", {"reason": "r", **values})
    assert (at, code) in [(complaint.at, complaint.code) for complaint in refused.value.complaints]
    assert office.pending(before["id"]) == []


def test_what_other_rules_say_of_the_record_counts_when_it_is_proposed(office: Office) -> None:
    before = office.sent()
    office.fire(before["id"], "give")  # both rows are gone
    with pytest.raises(InvalidValues) as refused:
        office.fire(before["id"], "ask", {"rows": [{"line": 1, "pieces": "0.5"}, {"line": 2}]})
    assert [complaint.code for complaint in refused.value.complaints] == ["GONE_ALREADY"]
    office.fire(before["id"], "ask", {"rows": [{"line": 1, "pieces": "2"}, {"line": 2}]})
    assert rows_of(office.running.get("parcel", before["id"]))[0] == (1, "A", 2)


def test_who_may_propose_what(office: Office) -> None:
    before = office.sent()
    for values, actor in (
        ({"secret": "x"}, office.clerk),  # not among the fields that a clerk may ever change
        ({"code": "x"}, office.guest),
        ({"note": "x"}, office.boss),  # may fire the event, and change nothing
    ):
        with pytest.raises(AccessDenied):
            office.fire(before["id"], "change", {"reason": "r", **values}, actor)
    office.fire(before["id"], "change", {"note": "x", "reason": "r"}, office.guest)
    assert len(office.pending(before["id"])) == 1


def test_a_state_that_does_not_know_the_event_and_a_version_that_is_gone(office: Office) -> None:
    before = office.sent()
    with pytest.raises(StaleVersion):
        office.running.write(
            lambda tx: office.running.service.fire(
                tx, office.clerk, "parcel", before["id"], "change", {"note": "x", "reason": "r"}, version=1
            )
        )
    office.fire(before["id"], "stop")
    with pytest.raises(Refused) as refused:
        office.fire(before["id"], "change", {"note": "x", "reason": "r"})
    assert refused.value.code == "TRANSITION_REFUSED"
    assert office.pending(before["id"]) == []


def test_what_has_changed_elsewhere_stays_and_what_has_changed_here_is_a_conflict(office: Office) -> None:
    before = office.sent()
    key, first = before["id"], before["rows"][0]["id"]
    office.fire(key, "change", changed(office, before))
    office.fire(key, "give")  # a field of the same rows that nobody puts in
    office.running.update("parcel", key, {"code": "two"})
    office.running.update("parcel", key, {"rows": [{"id": first, "pieces": "7"}, {"line": 2}]})
    with pytest.raises(Refused) as refused:
        office.fire(key, "take")
    assert refused.value.code == "PROPOSAL_CONFLICT"
    assert [(one.at, one.code) for one in refused.value.complaints] == [("rows[0].pieces", "CHANGED_MEANWHILE")]
    assert len(office.pending(key)) == 1  # nothing is lost
    office.running.update("parcel", key, {"rows": [{"id": first, "pieces": "1"}, {"line": 2}]})
    office.fire(key, "take")
    after = office.running.get("parcel", key)
    assert (after["code"], rows_of(after)) == ("two", [(1, "A", 3), (2, "B", 1)])
    assert [row["gone"] for row in after["rows"]] == [1, 0]  # the second is a new row, not the old one of its number


def test_the_history_names_who_has_proposed_and_who_has_agreed(office: Office) -> None:
    before = office.sent()
    office.fire(before["id"], "ask", {"rows": [{"line": 1, "pieces": "20"}, {"line": 2}]})
    office.decide(before["id"], "approve")
    entry = next(one for one in office.running.timeline("parcel", before["id"]) if one["act"] == "approve")
    [reason] = [one for one in entry["reasons"] if one["outcome"] == "applied"]
    assert (reason["rule"], reason["message"]["en"]) == ("sending.ask", "proposed by clara")
    assert reason["parts"] == [{"rule": "vote.boss", "outcome": "approve", "message": "bo"}]
    [pieces] = [change for path, change in entry["changes"].items() if path.endswith(".pieces")]
    assert pieces == ["1.0", "20.0"]


def told(office: Office, key: str, actor: Actor) -> Any:
    def work(tx: Any) -> Any:
        record = office.running.reading.get(tx, actor, "parcel", key)
        return Versions(office.running.reading).wire(tx, actor, "parcel", record)

    return office.running.read(work)


def test_who_may_not_read_a_field_does_not_learn_what_is_proposed_of_it(office: Office) -> None:
    before = office.sent()
    key, first = before["id"], before["rows"][0]["id"]
    assert told(office, key, office.clerk) is None
    rows = [{"line": 1, "pieces": "2"}, {"line": 2}]
    office.fire(key, "change", {"note": "m", "secret": "s", "rows": rows, "reason": "r"}, SYSTEM)
    office.running.update("parcel", key, {"note": "o"})
    everything = told(office, key, office.clerk)
    assert everything["changes"] == {
        "note": ["o", "m"],
        "secret": [None, "s"],
        "goods": ["15.00", "25.00"],  # what follows from it, too
        "total": ["15.00", "25.00"],
        f"rows.[{first}].pieces": ["1.0", "2.0"],
        f"rows.[{first}].amount": ["10.00", "20.00"],
    }
    assert everything["record"]["total"] == "25.00"
    assert [one["at"] for one in everything["conflicts"]] == ["note"]
    less = told(office, key, office.guest)
    assert "note" not in less["changes"]
    assert "note" not in less["record"]
    assert (less["changes"]["secret"], less["record"]["secret"], less["conflicts"]) == ([None, "***"], "*", [])


def test_an_earlier_version_stays_readable(office: Office) -> None:
    before = office.sent()
    key, version = before["id"], before["version"]
    office.fire(key, "ask", {"code": "two", "rows": [{"line": 1, "pieces": "20"}, {"thing": "A", "pieces": "1"}]})
    office.decide(key, "approve")
    versions = Versions(office.running.reading)

    def read(number: int, actor: Actor = office.clerk) -> Any:
        return office.running.read(lambda tx: versions.past(tx, actor, "parcel", key, number))

    then, now = read(version), read(office.running.get("parcel", key)["version"])
    assert (then["version"], then["code"], then["total"], then["status"]) == (version, "one", "15.00", "sent")
    assert [(row["line"], row["pieces"]) for row in then["rows"]] == [(1, "1.0"), (2, "2.0")]
    assert (now["code"], now["total"]) == ("two", "210.00")
    assert "note" not in read(version, office.guest)
    with pytest.raises(NotFound):
        read(99)


def test_what_is_offered_says_that_somebody_was_first(office: Office) -> None:
    before = office.sent()

    def offered(actor: Actor) -> dict[str, list[str]]:
        def work(tx: Any) -> dict[str, list[str]]:
            reading = office.running.reading
            offers = reading.offers(tx, actor, "parcel", reading.get(tx, actor, "parcel", before["id"]))
            return {one.name: [reason.outcome for reason in one.verdict.reasons] for one in offers if not one.verdict}

        return dict(office.running.read(work))

    assert "change" not in offered(office.clerk)
    assert offered(office.boss)["change"] == ["denied"]  # changes no field
    office.fire(before["id"], "change", {"note": "m", "reason": "r"})
    assert offered(office.clerk)["change"] == ["PROPOSAL_PENDING"]


def test_an_explanation_tells_what_is_proposed_as_far_as_one_may_know_it(office: Office) -> None:
    before = office.sent()
    office.fire(before["id"], "change", {"note": "m", "code": "two", "reason": "r"}, SYSTEM)
    explainer = Explainer(office.running.reading)

    def explained(actor: Actor) -> list[tuple[str, Any]]:
        tree = office.running.read(lambda tx: explainer.record(tx, actor, "parcel", before["id"]))
        [found] = [part for part in tree.parts if part.kind == "proposal"]
        return [(part.name, part.value) for part in found.parts if part.kind == "change"]

    reach = Reach(office.running.catalog, office.running.service.rights, office.guest)
    catalog = office.running.catalog
    for text, beyond in (("proposed.note", "proposed.note"), ("record.proposed.note", "record.proposed.note")):
        assert (
            reach.beyond(
                "parcel", catalog.compile(text, catalog.scope("parcel", record=RecordType.of(catalog.shape("parcel"))))
            )
            == beyond
        )
    assert reach.beyond("parcel", catalog.compile("proposed.code", catalog.scope("parcel"))) is None
    assert explained(office.clerk) == [("code", ["one", "two"]), ("note", ["n", "m"])]
    assert explained(office.guest) == [("code", ["one", "two"])]


def test_of_two_at_the_same_moment_one_is_told_of_the_other(office: Office) -> None:
    before = office.sent()
    start, refused = Barrier(2), []

    def propose(note: str) -> None:
        start.wait()
        try:
            office.fire(before["id"], "change", {"note": note, "reason": "r"})
        except Refused as error:
            refused.append(error.code)

    people = [Thread(target=propose, args=(note,)) for note in ("x", "y")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert refused == ["PROPOSAL_PENDING"]
    assert len(office.pending(before["id"])) == 1


def test_what_is_proposed_has_no_past(office: Office) -> None:
    before = office.sent()
    office.fire(before["id"], "change", {"rows": [{"line": 1, "pieces": "2"}, {"line": 2}], "reason": "r"})
    past = Past(office.running.store, frozenset({("proposed", "total"), ("total",)}), "parcel")

    def totals(tx: Any) -> list[Any]:
        [record] = past.records(tx, [(before["id"], Moment(office.running.clock.now()))])
        return [record["total"], record["proposed"]["total"]] if record is not None else []

    assert past.only_present == {"proposed"}  # so a back-test says that it is as it is now
    assert office.running.read(totals) == [Decimal("15.00"), Decimal("25.00")]
