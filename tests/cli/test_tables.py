"""`table export` and `table import`: a grid goes to a spreadsheet and comes back into its place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli import app

TEXT = """\
# Who carries what. This comment stays.
app: club
---
access: keeper
everything: true
---
table: ways   # and this one
valid: {to: 2026-06-30}
inputs: {weight: decimal, zone: {of: [near, far]}}
outputs: {way: text}
rows: |
  id | weight || way
  r1 | -      || old
---
table: ways
valid: {from: 2026-07-01}
inputs:
  weight: {type: decimal, range: "[0..)"}
  zone: {of: [near, far]}
outputs: {way: {type: text}}          # a name
rows: |
  id | weight | zone || way
  # small ones
  r1 | < 5    | near || 步行
  r2 | >= 5   | near || bike           # heavy
  r3 | -      | far  || lorry

# before the tests
tests: |
  weight | zone || way
  4      | near || 步行
"""
OLD = TEXT.replace("id | weight || way", "id | weight | zone || way").replace("r1 | -      || old", "r1 | - | - || old")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "app.yaml").write_text(OLD, "utf-8")
    return tmp_path


def run(folder: Path, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--app", str(folder), "table", *words, "--on", "2026-11-20"])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_out_and_in_again_changes_nothing(folder: Path, suffix: str) -> None:
    file = folder / f"ways.{suffix}"
    run(folder, "export", "ways", str(file))
    run(folder, "import", "ways", str(file))
    before = (folder / "definitions" / "app.yaml").read_text("utf-8")
    assert before.split() == OLD.split(), "but for white space the file is the same"
    assert "already" in run(folder, "import", "ways", str(file)).output
    assert (folder / "definitions" / "app.yaml").read_text("utf-8") == before


def test_a_changed_cell_changes_its_line_only(folder: Path) -> None:
    file = folder / "ways.csv"
    run(folder, "export", "ways", str(file))
    run(folder, "import", "ways", str(file))
    aligned = (folder / "definitions" / "app.yaml").read_text("utf-8").splitlines()
    file.write_bytes(file.read_bytes().replace(b"lorry", "卡车".encode()))
    run(folder, "import", "ways", str(file))
    after = (folder / "definitions" / "app.yaml").read_text("utf-8").splitlines()
    assert [line for line in after if line not in aligned] == ["  r3 | -      | far  || 卡车"]
    assert "  r2 | >= 5   | near || bike   # heavy" in after


def test_rows_that_are_not_sound_change_nothing(folder: Path) -> None:
    file = folder / "ways.csv"
    run(folder, "export", "ways", str(file))
    before = (folder / "definitions" / "app.yaml").read_text("utf-8")
    file.write_bytes(file.read_bytes().replace(b"far,lorry", b"fra,lorry"))
    said = run(folder, "import", "ways", str(file), code=1).output
    assert "ways.csv:4:3: E107 C4: 'fra' is no value of zone; did you mean 'far'?" in said
    file.write_bytes(file.read_bytes().replace(b"fra,lorry", b"far,lorry").replace(b"< 5", b"< 4"))
    said = run(folder, "import", "ways", str(file), code=1).output
    assert "E406 A1: no row decides weight [4..5) and zone near" in said
    assert (folder / "definitions" / "app.yaml").read_text("utf-8") == before


def test_the_day_chooses_the_version(folder: Path) -> None:
    file = folder / "old.csv"
    result = CliRunner().invoke(app, ["--app", str(folder), "table", "export", "ways", str(file), "--on", "2026-06-30"])
    assert result.exit_code == 0
    assert "old" in file.read_text("utf-8")


def test_mistakes_of_the_user(folder: Path) -> None:
    assert "did you mean 'ways'?" in run(folder, "export", "wayz", str(folder / "x.csv"), code=1).output
    assert "neither .csv nor .xlsx" in run(folder, "export", "ways", str(folder / "x.ods"), code=2).output
