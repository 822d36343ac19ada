"""`explain` and `eval`: why a record is as it is, and what an expression comes to on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.catalog.reload import CatalogHolder
from engine.cli import app
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database

TEXT = """\
app: club
---
model: player
key: name
workflow: membership
fields:
  name: {type: text, unique: true, required: true}
  score: {type: decimal, digits: 2, default: 0}
  twice: {type: decimal, digits: 2, value: score * 2}
---
workflow: membership
for: player
start: guest
states:
  guest:
    next: {good: {if: twice >= 10, to: member}}
    events: {throw_out: {to: gone, require: score < 1}}
  member: {}
  gone: {}
---
access: trainer
can: {player: {read: all, hide: [score, twice]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The club with one player, and a trainer who may not see scores."""
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "app.yaml").write_text(TEXT, "utf-8")
    (tmp_path / "data").mkdir()
    engine = Engine(CatalogHolder(tmp_path), Database.open(f"sqlite:///{tmp_path / 'data' / 'orderloom.db'}"))
    engine.prepare()
    engine.write(lambda tx: engine.service.create(tx, SYSTEM, "player", {"name": "Ann", "score": "4.50"}))
    trainer = {"login": "tom", "name": "Tom", "roles": [{"role": "trainer"}]}
    engine.write(lambda tx: engine.service.create(tx, SYSTEM, "user", trainer))
    engine.database.close()
    return tmp_path


def said(folder: Path, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["--app", str(folder), *words])
    assert result.exit_code == code, result.output
    return result.output


def test_a_record_is_explained_by_its_key(folder: Path) -> None:
    lines = said(folder, "explain", "player/Ann").splitlines()
    assert lines[0].startswith("record player = ")
    assert "    good → member = false  twice >= 10  (definitions/app.yaml:16:18)" in lines
    assert "  field twice = 9.00  score * 2  (definitions/app.yaml:9:44)" in lines
    assert "    score = 4.50" in lines


def test_one_event_or_field_is_explained(folder: Path) -> None:
    event = said(folder, "explain", "player/Ann", "--event", "throw_out").splitlines()
    assert event[0].startswith("event throw_out = refused")
    assert any(line.startswith("  part score < 1 = false") for line in event)
    assert said(folder, "explain", "player/Ann", "--field", "twice").startswith("field twice = 9.00  score * 2")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("player",), 2, "not written as MODEL/ID"),
        (("plyer/Ann",), 2, "did you mean 'player'"),
        (("player/Bob",), 2, "there is no player 'Bob'"),
        (("player/Ann", "--field", "twyce"), 1, "did you mean 'twice'"),
        (("player/Ann", "--field", "twice", "--event", "x"), 2, "not both"),
        (("player/Ann", "--as", "tim"), 1, "there is no user tim"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, words: tuple[str, ...], code: int, told: str) -> None:
    assert told in said(folder, "explain", *words, code=code)


def test_an_expression_is_worked_out_on_a_record(folder: Path) -> None:
    assert said(folder, "eval", "1 / 8 + 2") == "2.125    (decimal)\n"
    lines = said(folder, "eval", 'score > 4 and name == "Ann"', "--on", "player/Ann", "--trace").splitlines()
    assert lines[:2] == ["true    (boolean)", "reads name, score"]
    assert [line.strip() for line in lines[2:]] == [
        "score > 4 = true",
        "score = 4.50",
        'name == "Ann" = true',
        "name = Ann",
    ]


def test_a_wrong_expression_is_marked_where_it_is_wrong(folder: Path) -> None:
    told = said(folder, "eval", "score + nane", "--on", "player/Ann", code=1)
    assert "did you mean 'name'" in told
    assert told.splitlines()[-2:] == ["  score + nane", "          ^^^^"]
    assert "division by zero" in said(folder, "eval", "1 / (score - 4.5)", "--on", "player/Ann", code=1)


def test_nobody_works_out_what_is_not_theirs_to_read(folder: Path) -> None:
    assert "score is not yours to read" in said(
        folder, "eval", "score * 2", "--on", "player/Ann", "--as", "tom", code=1
    )
    whole = said(folder, "explain", "player/Ann", "--as", "tom")
    assert "4.50" not in whole
    assert "9.00" not in whole
    assert "    good → member = null" in whole
