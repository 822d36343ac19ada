"""Exports show what the actor may see, to those who may take it out, in forms that harm nobody who opens them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from engine.errors import AccessDenied, BadRequest, NotFound
from engine.policy.access import Actor
from engine.runtime.exporting import CHUNK, Exporter
from engine.runtime.service import SYSTEM
from tests.runtime.running import Running

CLUB = """
app: club
timezone: Asia/Shanghai
---
model: town
key: code
fields:
  code: {type: text, unique: true, label: {zh: 编码, en: Code}}
  phone: {type: phone, private: true, label: {zh: 电话, en: Phone}}
---
model: parcel
key: code
fields:
  code: {type: text, unique: true, label: {zh: 单号, en: Number}}
  town: {type: link, to: town, label: {zh: 城市, en: Town}}
  note: {type: text, max: 50, label: {zh: 备注, en: Note}}
  price: {type: money, label: {zh: 价格, en: Price}}
  secret: {type: text, label: {zh: 秘密, en: Secret}}
  at: {type: datetime, label: {zh: 时间, en: At}}
  rows: {type: rows, of: {thing: text}}
---
view: dear
for: parcel
columns: [code, note, price, town, town.phone, secret, at]
where: price > 1
sort: -price
---
access: reader
can: {parcel: {read: all}, town: {read: all}}
---
access: taker
scopes: {cheap: price < 9}
can: {parcel: {read: cheap, export: true, hide: [secret]}, town: {read: all}}
---
access: keeper
can: {parcel: {read: all, export: true}, town: {read: all, private: true, export: true}}
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    running.create("town", {"code": "T1", "phone": "13812345678"})
    for code, note, price in (
        ("P1", "=1+1", "5.00"),
        ("P2", '好, "x"', "9.50"),
        ("P3", "cheap", "0.50"),
        ("P4", "-3", "2.00"),
    ):
        values = {"code": code, "note": note, "price": price, "town": "T1", "secret": "s", "rows": [{"thing": "cup"}]}
        running.create("parcel", {**values, "at": "2026-05-01T00:30:00Z"})
    yield running
    running.database.close()


def export(club: Running, actor: Actor, name: str, path: Path, language: str = "en") -> int:
    return Exporter(club.reading, club.database).run(actor, name, path, language)


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_view_is_written_with_its_columns_condition_and_order(club: Running, tmp_path: Path) -> None:
    path = tmp_path / "dear.csv"
    assert export(club, SYSTEM, "dear", path) == 3
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, first, *_ = table(path)
    assert header[:4] == ["Number", "Note", "Price", "Town"]
    assert first == ["P2", '好, "x"', "9.50", "T1", "13812345678", "s", "2026-05-01T08:30:00"]
    assert [row[0] for row in table(path)[1:]] == ["P2", "P1", "P4"]


def test_labels_come_in_the_language_that_is_asked_for(club: Running, tmp_path: Path) -> None:
    export(club, SYSTEM, "dear", tmp_path / "a.csv", "zh")
    assert table(tmp_path / "a.csv")[0][:3] == ["单号", "备注", "价格"]


def test_a_sheet_has_the_same_cells_as_texts(club: Running, tmp_path: Path) -> None:
    export(club, SYSTEM, "dear", tmp_path / "a.csv")
    export(club, SYSTEM, "dear", tmp_path / "a.xlsx")
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)] == table(tmp_path / "a.csv")
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_cells_that_look_like_formulas_are_made_harmless_and_numbers_are_left(club: Running, tmp_path: Path) -> None:
    export(club, SYSTEM, "dear", tmp_path / "a.csv")
    assert [row[1] for row in table(tmp_path / "a.csv")[1:]] == ['好, "x"', "'=1+1", "-3"]


def test_records_come_as_lines_of_json_with_their_rows(club: Running, tmp_path: Path) -> None:
    assert export(club, SYSTEM, "parcel", tmp_path / "a.jsonl") == 4
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    assert {line["code"] for line in lines} == {"P1", "P2", "P3", "P4"}
    assert all([row["thing"] for row in line["rows"]] == ["cup"] for line in lines)


def test_a_model_is_written_with_all_its_fields(club: Running, tmp_path: Path) -> None:
    assert export(club, SYSTEM, "town", tmp_path / "a.csv") == 1
    header, row = table(tmp_path / "a.csv")
    assert dict(zip(header, row, strict=True))["Phone"] == "13812345678"


def test_more_records_than_one_page_all_come(club: Running, tmp_path: Path) -> None:
    for at in range(CHUNK + 1):
        club.create("town", {"code": f"N{at}"})
    assert export(club, SYSTEM, "town", tmp_path / "a.csv") == CHUNK + 2
    assert len({row[0] for row in table(tmp_path / "a.csv")}) == CHUNK + 3


def test_without_the_right_nothing_is_written(club: Running, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied):
        export(club, club.user("r", "reader"), "dear", tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_what_the_actor_may_not_see_is_not_in_the_file(club: Running, tmp_path: Path) -> None:
    taker = club.user("t", "taker")
    assert export(club, taker, "dear", tmp_path / "a.csv") == 2  # one is dearer than it may read
    assert [(row[0], row[5]) for row in table(tmp_path / "a.csv")[1:]] == [("P1", ""), ("P4", "")]
    export(club, taker, "parcel", tmp_path / "a.jsonl")
    text = (tmp_path / "a.jsonl").read_text("utf-8")
    assert "secret" not in text
    assert "P2" not in text


def test_private_data_are_masked_without_the_right_to_them(club: Running, tmp_path: Path) -> None:
    export(club, club.user("t", "taker"), "dear", tmp_path / "t.csv")
    masked = {row[4] for row in table(tmp_path / "t.csv")[1:]}
    assert "13812345678" not in masked
    assert all("*" in text for text in masked)
    export(club, club.user("k", "keeper"), "dear", tmp_path / "k.csv")
    assert {row[4] for row in table(tmp_path / "k.csv")[1:]} == {"13812345678"}


def test_what_is_no_view_and_no_format_is_said_so(club: Running, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        export(club, SYSTEM, "nothing", tmp_path / "a.csv")
    with pytest.raises(BadRequest) as caught:
        export(club, SYSTEM, "dear", tmp_path / "a.pdf")
    assert caught.value.code == "WRONG_FORMAT"
