"""What stands in a record that the reader may not read is not shown by another one that leads there: not as a column,
not by a lookup, not in a file, and nobody asks by it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadRequest
from engine.runtime.exporting import Exporter
from tests.runtime.running import Running

CLUB = """
app: club
timezone: Asia/Shanghai
---
model: region
key: code
fields:
  code: {type: text, unique: true}
  opens: date
---
model: town
key: code
fields:
  code: {type: text, unique: true}
  quota: integer
  phone: {type: phone, private: true}
  region: {type: link, to: region}
  region_code: {type: lookup, from: region.code}
---
model: parcel
key: number
fields:
  number: {type: text, unique: true}
  town: {type: link, to: town}
  quota: {type: lookup, from: town.quota}
  phone: {type: lookup, from: town.phone}
  region: {type: lookup, from: town.region}
  region_code: {type: lookup, from: town.region_code}
  doubled: {type: integer, value: town.quota * 2}
  stops:
    type: rows
    of:
      town: {type: link, to: town}
      quota: {type: lookup, from: town.quota}
      phone: {type: lookup, from: town.phone}
---
view: far
for: parcel
columns: [number, town, town.quota, town.phone, town.region.code, quota, phone, region_code]
sort: number
---
access: boss
everything: true
---
access: near
scopes: {open: region.opens <= today}
can:
  parcel: {read: all, export: true, private: true}
  town: {read: open, private: true}
  region: {read: all}
---
access: blind
can: {parcel: {read: all, export: true, private: true}}
---
access: hiding
can:
  parcel: {read: all, export: true, private: true}
  town: {read: all, hide: [quota, region]}
  region: {read: all}
"""

#: What each reader sees of the parcels to the near and the far town, in the columns of the view.
SEEN = {
    "boss": [
        ["P1", "near", "1", "13800000001", "N", "1", "13800000001", "N"],
        ["P2", "far", "2", "13800000002", "S", "2", "13800000002", "S"],
    ],
    # The far town's region opens later: the town is not theirs yet.
    "near": [
        ["P1", "near", "1", "13800000001", "N", "1", "13800000001", "N"],
        ["P2", "id", "", "", "", "", "", ""],
    ],
    "blind": [["P1", "id", "", "", "", "", "", ""], ["P2", "id", "", "", "", "", "", ""]],
    # The towns are theirs to read, but for two fields; and phones are masked there.
    "hiding": [
        ["P1", "near", "", "138****0001", "", "", "138****0001", "N"],
        ["P2", "far", "", "138****0002", "", "", "138****0002", "S"],
    ],
}
LOOKED_UP = ("quota", "phone", "region_code")


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    for code, opens in (("N", "2026-01-01"), ("S", "2027-01-01")):
        running.create("region", {"code": code, "opens": opens})
    for at, (code, region) in enumerate((("near", "N"), ("far", "S")), 1):
        running.create("town", {"code": code, "quota": at, "phone": f"1380000000{at}", "region": region})
        running.create("parcel", {"number": f"P{at}", "town": code, "stops": [{"town": "near"}, {"town": code}]})
    yield running
    running.database.close()


def wires(club: Running, role: str, *expand: str) -> list[dict[str, Any]]:
    actor = club.user(role, role)
    records = club.all("parcel", actor, expand=expand, sort=["number"])
    return [club.reading.wire(actor, "parcel", record, expand) for record in records]


def looked_up(wire: dict[str, Any]) -> list[str]:
    return [str(wire.get(name, "")) for name in LOOKED_UP]


@pytest.mark.parametrize("role", SEEN)
def test_a_file_has_what_its_taker_could_have_read_there(club: Running, role: str, tmp_path: Path) -> None:
    actor = club.user(role, role)
    ids = {town["id"] for town in club.all("town")}
    Exporter(club.reading, club.database).run(actor, "far", tmp_path / "far.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "far.csv").read_bytes().decode("utf-8-sig"))))[1:]
    assert [["id" if cell in ids else cell for cell in row] for row in rows] == SEEN[role]


@pytest.mark.parametrize("role", SEEN)
def test_lookups_are_absent_where_the_reader_could_not_have_looked(club: Running, role: str) -> None:
    assert [looked_up(wire) for wire in wires(club, role)] == [row[5:] for row in SEEN[role]]


@pytest.mark.parametrize("role", SEEN)
def test_lookups_are_absent_beside_expanded_links_and_in_rows(club: Running, role: str) -> None:
    found = wires(club, role, "town", "stops.town")
    assert [looked_up(wire) for wire in found] == [row[5:] for row in SEEN[role]]
    stops = found[1]["stops"]
    assert [[str(stop.get("quota", "")), str(stop.get("phone", ""))] for stop in stops] == [
        row[5:7] for row in SEEN[role]
    ]
    assert [isinstance(stop["town"], dict) for stop in stops] == [row[1] != "id" for row in SEEN[role]]


@pytest.mark.parametrize("role", SEEN)
def test_lines_of_json_have_no_more(club: Running, role: str, tmp_path: Path) -> None:
    actor = club.user(role, role)
    Exporter(club.reading, club.database).run(actor, "parcel", tmp_path / "all.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert [looked_up(line) for line in sorted(lines, key=lambda line: str(line["number"]))] == [
        row[5:] for row in SEEN[role]
    ]


def test_a_link_that_is_looked_up_is_its_id_where_it_may_be_followed(club: Running) -> None:
    region = club.all("region", where='code == "N"')[0]["id"]
    assert [wire.get("region") for wire in wires(club, "near")] == [region, None]


def test_what_is_worked_out_from_it_is_the_records_own(club: Running) -> None:
    assert [wire["doubled"] for wire in wires(club, "blind")] == [2, 4]


@pytest.mark.parametrize("role", ["near", "blind", "hiding"])
@pytest.mark.parametrize(
    "how", [{"where": "quota > 1"}, {"sort": ("quota",)}, {"where": "any(s.quota > 1 for s in stops)"}]
)
def test_nobody_asks_by_a_lookup_that_they_might_not_see(club: Running, role: str, how: dict[str, Any]) -> None:
    club.all("parcel", club.user("boss", "boss"), **how)
    with pytest.raises(BadRequest) as caught:
        club.all("parcel", club.user(role, role), **how)
    assert caught.value.code == "PRIVATE_FIELD"


@pytest.mark.parametrize(
    "group", [{"group": ["quota"], "measure": {"n": "count(id)"}}, {"group": [], "measure": {"n": "max(quota)"}}]
)
def test_nobody_groups_or_measures_by_it(club: Running, group: dict[str, Any]) -> None:
    boss, blind = club.user("boss", "boss"), club.user("blind", "blind")
    assert club.read(lambda tx: club.reading.aggregate(tx, boss, "parcel", **group))
    with pytest.raises(BadRequest) as caught:
        club.read(lambda tx: club.reading.aggregate(tx, blind, "parcel", **group))
    assert caught.value.code == "PRIVATE_FIELD"
