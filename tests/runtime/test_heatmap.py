"""Heat maps: which findings stand in which cell, in which sequence, and whose the map is to see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from engine.errors import AccessDenied, BadRequest
from engine.policy.access import Actor
from engine.runtime import heatmap as module
from engine.runtime.heatmap import Map, heatmap
from engine.runtime.service import SYSTEM
from tests.runtime.running import Running

CLUB = """
app: club
timezone: Asia/Shanghai
---
access: watcher
can: {finding: {read: all}, parcel: {read: all}, town: {read: all}}
---
access: half
scopes: {frozen: outcome == "freeze"}
can: {finding: {read: frozen}, parcel: {read: all}, town: {read: all}}
---
access: blind
can: {finding: {read: all}, parcel: {read: all}}
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
  town: {type: link, to: town}
  pieces: integer
  urgent: {type: boolean, default: false}
  day: date
  size: {type: choice, of: [small, large]}
---
workflow: sending
for: parcel
start: draft
states:
  draft: {events: {send: {to: sent}}}
  sent: {}
---
risk: watch
for: parcel
rules:
  many: {at: send, if: pieces > 10, do: [{review: many}], score: 2.5}
  more: {at: send, if: pieces > 20, do: [{freeze: town}], score: 9}
  trial: {at: send, if: pieces > 0, do: [{hold: trial}], score: 100, shadow: true}
heatmap: {rows: town.zone, columns: rule, cell: sum(score), window: 4 weeks}
---
risk: counted
for: parcel
rules: {each: {at: create, if: pieces > 0, do: [{allow: It is counted}], score: -1}}
heatmap: {rows: size, columns: urgent, window: day}
---
risk: by_day
for: parcel
rules: {each: {at: create, if: pieces > 0, do: [{allow: It is counted}]}}
heatmap: {rows: day, columns: pieces, window: last 60 min}
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    for code, zone in (("SH", "上海"), ("ZJ", "浙江"), ("Q", '"\\ or true'), ("N", None)):
        running.create("town", {"code": code, "zone": zone})
    yield running
    running.database.close()


def sent(club: Running, town: str | None, pieces: int, **more: Any) -> None:
    made = club.create("parcel", {"code": str(len(club.all("parcel"))), "town": town, "pieces": pieces, **more})
    club.fire("parcel", made["id"], "send")


def shown(club: Running, risk: str = "watch", actor: Actor = SYSTEM, *, shadow: bool = False) -> Map:
    found = club.catalog.risks[risk]
    assert found.heatmap is not None
    asked = found.heatmap
    result: Map = club.read(lambda tx: heatmap(club.reading, tx, actor, found, asked, shadow=shadow))
    return result


def cells(found: Map) -> list[tuple[Any, Any, Any]]:
    return [(cell.row, cell.column, cell.value) for cell in found.cells]


def lines(found: Any) -> list[tuple[Any, Any]]:
    return [(line.value, line.total) for line in found]


def check_drilling(club: Running, found: Map, measure: Any) -> set[str]:
    """Makes sure that the conditions of the cells part the findings among them; the ids of all these."""
    seen: set[str] = set()
    for cell in found.cells:
        records = club.all("finding", where=cell.where, limit=500)
        assert measure(records) == cell.value
        assert not seen & {record["id"] for record in records}
        seen |= {record["id"] for record in records}
    return seen


def scores(records: list[Any]) -> Decimal:
    return sum((record["score"] for record in records), Decimal(0))


def test_the_greatest_cell_comes_first_and_leads_to_its_findings(club: Running) -> None:
    for _ in range(3):
        sent(club, "SH", 11)
    sent(club, "ZJ", 11)
    found = shown(club)
    assert cells(found) == [("上海", "many", Decimal("7.5")), ("浙江", "many", Decimal("2.5"))]
    assert lines(found.rows) == [("上海", Decimal("7.5")), ("浙江", Decimal("2.5"))]
    assert lines(found.columns) == [("many", Decimal(10))]
    assert found.total == Decimal(10)
    in_shanghai = club.all("finding", where=found.cells[0].where)
    assert len(in_shanghai) == 3
    assert len(check_drilling(club, found, scores)) == 4


def test_size_decides_and_not_how_the_number_is_written(club: Running) -> None:
    sent(club, "SH", 30)
    for _ in range(5):
        sent(club, "ZJ", 12)
    assert cells(shown(club)) == [
        ("浙江", "many", Decimal("12.5")),
        ("上海", "more", Decimal(9)),
        ("上海", "many", Decimal("2.5")),
    ]


def test_cells_without_a_value_and_with_quotes_in_it_lead_to_their_own(club: Running) -> None:
    for town in ("N", None, "Q", "SH"):
        sent(club, town, 11)
    found = shown(club)
    assert {row: value for row, _, value in cells(found)} == {
        None: Decimal(5),
        '"\\ or true': Decimal("2.5"),
        "上海": Decimal("2.5"),
    }
    assert len(check_drilling(club, found, scores)) == 4


def test_the_shadow_is_left_out_unless_asked_for(club: Running) -> None:
    sent(club, "SH", 1)
    assert (shown(club).cells, shown(club).total) == ((), 0)
    found = shown(club, shadow=True)
    assert cells(found) == [("上海", "trial", Decimal(100))]
    assert len(check_drilling(club, found, scores)) == 1


def test_what_happened_a_window_ago_is_out(club: Running) -> None:
    sent(club, "SH", 11)
    club.clock.step(timedelta(weeks=4) - timedelta(microseconds=1))
    assert len(shown(club).cells) == 1
    club.clock.step(timedelta(microseconds=1))
    assert shown(club).cells == ()


def test_a_map_may_count_and_stand_by_two_fields_of_the_record(club: Running) -> None:
    for size, urgent in (("large", True), ("large", False), ("large", True), (None, True)):
        club.create("parcel", {"code": str(len(club.all("parcel"))), "pieces": 1, "size": size, "urgent": urgent})
    found = shown(club, "counted")
    assert cells(found) == [("large", True, 2), ("large", False, 1), (None, True, 1)]
    assert lines(found.rows) == [("large", 3), (None, 1)]
    assert lines(found.columns) == [(True, 3), (False, 1)]
    assert len(check_drilling(club, found, len)) == 4


def test_days_and_numbers_lead_to_their_findings_too(club: Running) -> None:
    for day in ("2026-11-20", "2026-11-20", "2026-11-21"):
        club.create("parcel", {"code": str(len(club.all("parcel"))), "pieces": 3, "day": day})
    found = shown(club, "by_day")
    assert [(str(row), column, value) for row, column, value in cells(found)] == [
        ("2026-11-20", 3, 2),
        ("2026-11-21", 3, 1),
    ]
    assert len(check_drilling(club, found, len)) == 3


def test_the_record_is_asked_as_it_is_now(club: Running) -> None:
    sent(club, "SH", 11)
    [parcel] = club.all("parcel")
    club.update("parcel", parcel["id"], {"town": "ZJ"})
    assert cells(shown(club)) == [("浙江", "many", Decimal("2.5"))]


def test_it_is_for_those_who_may_read_all_that_it_is_made_of(club: Running) -> None:
    sent(club, "SH", 11)
    assert len(shown(club, actor=club.user("w", "watcher")).cells) == 1
    with pytest.raises(AccessDenied):
        shown(club, actor=club.user("h", "half"))
    with pytest.raises(AccessDenied, match=r"parcel\.town\.zone"):
        shown(club, actor=club.user("b", "blind"))
    assert shown(club, "counted", actor=club.user("c", "blind")).cells, "towns are no part of this one"


def test_a_map_that_is_too_fine_is_refused(club: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CELLS", 1)
    sent(club, "SH", 11)
    assert len(shown(club).cells) == 1
    sent(club, "ZJ", 11)
    with pytest.raises(BadRequest, match="too fine"):
        shown(club)


def test_it_is_one_statement(club: Running) -> None:
    sent(club, "SH", 11)
    shown(club)
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(club.database.engine, "before_cursor_execute", note)
    shown(club)
    assert len([text for text in statements if "SELECT" in text.upper()]) <= 1


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["SH", "ZJ", "N", None]), st.integers(5, 30)),
        max_size=6,
    )
)
def test_the_map_is_what_a_loop_over_all_findings_counts(club: Running, parcels: list[Any]) -> None:
    for town, pieces in parcels:
        sent(club, town, pieces)
    expected: dict[tuple[Any, str], Decimal] = {}
    for record in club.all("finding", where='risk == "watch" and not shadow', limit=500, expand=("parcel.town",)):
        town = record["parcel"]["town"]
        key = (town["zone"] if town is not None else None, record["rule"])
        expected[key] = expected.get(key, Decimal(0)) + record["score"]
    found = shown(club)
    assert {(cell.row, cell.column): cell.value for cell in found.cells} == expected
    values = [cell.value for cell in found.cells]
    assert values == sorted(values, reverse=True)
    assert found.total == sum(expected.values())
