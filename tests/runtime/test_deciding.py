"""A step asks a table: the record gets the answer, its history the row; and which version of the table counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.catalog.builder import build_texts
from engine.errors import Refused
from engine.policy.access import Actor
from engine.runtime.explaining import Explainer
from engine.runtime.service import SYSTEM, Service
from tests.runtime.running import Running

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
access: blind
can:
  parcel: {read: all, hide: [weight]}
---
model: town
key: code
fields: {code: {type: text, unique: true}, zone: {type: choice, of: [near, far]}}
---
model: parcel
workflow: sending
fields:
  town: {type: link, to: town}
  weight: {type: decimal, digits: 1}
  sent_on: date
  way: text
  fee: money
  parts: integer
  agreed: {type: money, system: true}
---
workflow: sending
for: parcel
start: draft
states:
  draft:
    do:
      - {decide: ways, into: found}
      - {decide: fees, given: {weight: weight}, as_of: sent_on, into: found_fee}
      - {decide: parts, given: {weight: weight}, into: found_parts}
      - {set: {way: found.way, fee: found_fee.amount, parts: found_parts}}
    events:
      again: {do: [{decide: fees, given: {weight: weight}, into: found_fee}, {set: {fee: found_fee.amount}}]}
      as_begun:
        do:
          - {decide: fees, given: {weight: weight}, binding: pinned, into: found_fee}
          - {set: {agreed: found_fee.amount}}
---
table: ways
for: parcel
inputs: {zone: {value: town.zone}, weight: {value: weight, type: decimal, range: "[0..1000]"}}
outputs: {way: text}
rows: |
  id     | zone | weight || way
  walk   | near | < 5    || 步行
  bike   | near | >= 5   || bike
  lorry  | far  | -      || lorry
---
table: fees
valid: {to: 2026-11-30}
inputs: {weight: decimal}
outputs: {amount: money}
rows: |
  weight || amount
  <= 10  || 5
  > 10   || {weight * 0.5}
---
table: fees
valid: {from: 2026-12-01}
inputs: {weight: decimal}
outputs: {amount: money}
rows: |
  weight || amount
  -      || 9.5
---
table: parts
hit: collect count
inputs: {weight: decimal}
outputs: {part: text}
rows: |
  weight || part
  > 1    || box
  > 20   || pallet
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    running.create("town", {"code": "N", "zone": "near"})
    running.create("town", {"code": "F", "zone": "far"})
    yield running
    running.database.close()


def test_the_record_gets_what_the_tables_give(club: Running) -> None:
    parcel = club.create("parcel", {"town": "N", "weight": 30})
    assert (parcel["way"], parcel["fee"], parcel["parts"]) == ("bike", Decimal(15), 2)
    parcel = club.create("parcel", {"town": "F", "weight": 1})
    assert (parcel["way"], parcel["fee"], parcel["parts"]) == ("lorry", Decimal(5), 0)


def test_the_history_names_the_row_with_its_line_and_the_values(club: Running) -> None:
    parcel = club.create("parcel", {"town": "N", "weight": "4.9"})
    history = [entry for entry in club.all("history") if entry["record"] == parcel["id"]]
    reasons = {reason["rule"]: reason for entry in history for reason in entry["reasons"]}
    line = 1 + next(n for n, text in enumerate(CLUB.splitlines()) if "walk" in text)
    assert reasons["ways.walk"] == {
        "rule": "ways.walk", "outcome": "decided", "message": "way 步行", "at": f"definitions/app.yaml:{line}:3",
        "read": {"zone": "near", "weight": "4.9"},
    }  # fmt: skip
    assert reasons["fees.1"]["read"] == {"weight": "4.9"}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"town": "N", "weight": 1001}, "OUT_OF_RANGE"),
        ({"town": "N"}, "NO_DECISION"),  # null is in no row
        ({"weight": 3}, "NO_DECISION"),
    ],
)
def test_what_no_row_decides_goes_no_further(club: Running, values: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        club.create("parcel", values)
    assert refused.value.code == code
    assert refused.value.reasons[0].rule == "ways"
    assert not club.all("parcel")


def test_the_day_chooses_the_version(club: Running) -> None:
    def fee(**values: str) -> Decimal:
        found: Decimal = club.create("parcel", {"town": "N", "weight": 2, **values})["fee"]
        return found

    assert fee() == Decimal(5)
    assert fee(sent_on="2026-11-30") == Decimal(5)
    assert fee(sent_on="2026-12-01") == Decimal("9.5")
    club.clock.step(
        datetime(2026, 11, 30, 16, 0, tzinfo=UTC) - club.clock.now()
    )  # midnight on the application's clocks
    assert fee() == Decimal("9.5")
    assert fee(sent_on="2026-11-30") == Decimal(5)


def test_a_pinned_table_is_that_of_the_beginning(club: Running) -> None:
    parcel = club.create("parcel", {"town": "N", "weight": 2})
    changed = build_texts({"definitions/app.yaml": CLUB.replace("<= 10  || 5", "<= 10  || 6")})
    old = club.catalog
    club.service = Service(changed, club.store, club.clock, lambda _tx, _print: old)
    club.clock.step(timedelta(days=5))
    assert club.fire("parcel", parcel["id"], "again")["fee"] == Decimal(6)
    assert club.fire("parcel", parcel["id"], "as_begun")["agreed"] == Decimal(5)
    club.clock.step(timedelta(days=30))
    assert club.fire("parcel", parcel["id"], "again")["fee"] == Decimal("9.5")
    assert club.fire("parcel", parcel["id"], "as_begun")["agreed"] == Decimal(5), "the version of its first day"


def test_no_version_on_a_day_is_refused(club: Running) -> None:
    one = build_texts({"definitions/app.yaml": CLUB.replace("{to: 2026-11-30}", "{from: 2026-11-25, to: 2026-11-30}")})
    club.service = Service(one, club.store, club.clock, lambda _tx, _print: one)
    with pytest.raises(Refused, match="no version holds on 2026-11-20") as refused:
        club.create("parcel", {"town": "N", "weight": 2})
    assert refused.value.code == "NO_DECISION"


def test_a_reader_sees_only_the_values_of_fields_that_are_his_to_see(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    parcel = club.create("parcel", {"town": "N", "weight": 2})

    def read(actor: Actor) -> dict[str, str]:
        reasons = [reason for entry in club.timeline("parcel", parcel["id"], actor) for reason in entry["reasons"]]
        return {name: value for reason in reasons for name, value in reason.get("read", {}).items()}

    assert read(SYSTEM) == {"zone": "near", "weight": "2.0"}
    assert read(clerk) == {"weight": "2.0"}, "the zone is the town's, of which he knows nothing"
    assert read(club.user("blind", "blind")) == {}


def test_the_explanation_tells_the_values_that_its_reader_may_know(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    parcel = club.create("parcel", {"town": "N", "weight": 2})

    def told(actor: Actor) -> set[tuple[str, Any]]:
        tree = club.read(lambda tx: Explainer(club.reading).record(tx, actor, "parcel", parcel["id"]))
        reasons = [reason for act in tree.parts if act.kind == "act" for reason in act.parts]
        return {(part.name, part.value) for reason in reasons for part in reason.parts if part.kind == "part"}

    assert told(SYSTEM) == {("zone", "near"), ("weight", "2.0")}
    assert told(clerk) == {("weight", "2.0")}


def test_a_refusal_names_no_values(club: Running) -> None:
    with pytest.raises(Refused) as refused:
        club.create("parcel", {"town": "N", "weight": 1001})
    assert refused.value.message == "ways: weight is not what the table expects"
