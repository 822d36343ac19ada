"""`backtest` as it is typed: a changed file against what is in force in the database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.catalog.reload import CatalogHolder
from engine.cli import app
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from tests.runtime.test_backtest import CLUB

TABLE = CLUB[CLUB.index("table: ways") :]
NEW = TABLE.replace("table: ways", "table: other")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The club, with three parcels that were sent."""
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "app.yaml").write_text(CLUB, "utf-8")
    (tmp_path / "data").mkdir()
    engine = Engine(CatalogHolder(tmp_path), Database.open(f"sqlite:///{tmp_path / 'data' / 'orderloom.db'}"))
    engine.prepare()

    def create(model: str, **values: object) -> str:
        made = engine.write(lambda tx: engine.service.create(tx, SYSTEM, model, values))
        return str(made["id"])

    create("town", code="N", zone="near", limit=500)
    for code, price in (("a", 50), ("b", 120), ("c", 160)):
        key = create("parcel", code=code, town="N", items=[{"price": price}])
        engine.write(lambda tx, key=key: engine.service.fire(tx, SYSTEM, "parcel", key, "send"))
    engine.database.close()
    return tmp_path


def run(folder: Path, text: str, *words: str, code: int = 0) -> Result:
    file = folder / "changed.yaml"
    file.write_text(text, "utf-8")
    result = CliRunner().invoke(app, ["--app", str(folder), "backtest", str(file), *words])
    assert result.exit_code == code, result.output
    return result


def test_an_unchanged_file_changes_nothing(folder: Path) -> None:
    said = run(folder, TABLE).output
    assert said.splitlines() == ["ways: 3 decisions about parcel, 0 would be others"]


def test_a_changed_file_tells_counts_money_and_examples(folder: Path) -> None:
    said = run(folder, TABLE.replace("100", "130"), "--sum", "worth").output.splitlines()
    assert said[0] == "ways: 3 decisions about parcel, 1 would be others"
    assert said[1].split() == ["1", "way", "bike", "→", "way", "walk", "120.00"]
    assert said[2].startswith("  e.g. b at 20")
    plain = json.loads(run(folder, TABLE.replace("100", "130"), "--format", "json", "--sum", "worth").output)
    assert plain["changed"] == [{"before": "way bike", "after": "way walk", "count": 1, "amount": "120.00"}]


def test_files_in_the_folder_are_held_against_what_is_in_force(folder: Path) -> None:
    (folder / "definitions" / "app.yaml").write_text(CLUB.replace("100", "130"), "utf-8")
    assert "1 would be others" in run(folder, TABLE.replace("100", "130")).output


def test_mistakes(folder: Path) -> None:
    assert "E406" in run(folder, TABLE.replace(">= 100", "> 100"), code=1).output
    assert "holds nothing that decides" in run(folder, "view: it\nfor: parcel\ncolumns: [code]\n", code=1).output
    assert "is no day" in run(folder, TABLE, "--from", "yesterday", code=2).output
    assert "say at which event" in run(folder, NEW, code=1).output


def test_what_is_not_in_force_is_tried_at_an_event(folder: Path) -> None:
    said = run(folder, NEW, "--event", "send", "--sum", "worth").output.splitlines()
    assert said[0] == "other: 3 decisions about parcel, 3 would be others"
    assert [line.split() for line in said[1:3]] == [
        ["2", "not", "asked", "→", "way", "bike", "280.00"],
        ["1", "not", "asked", "→", "way", "walk", "50.00"],
    ]
