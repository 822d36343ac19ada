"""A check that has been made is not made again, and nothing that the cache holds can mislead it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.catalog import cache
from engine.catalog.cache import check
from tests.catalog.sample import PARCELS


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app" / "definitions"
    folder.mkdir(parents=True)
    (folder / "base.yaml").write_text(PARCELS, encoding="utf-8")
    (folder / "bad.yaml").write_text("model: box\nfields: {name: txet}\n", encoding="utf-8")
    return tmp_path / "app"


def refuse(*args: object, **named: object) -> None:
    raise AssertionError("built again")


def test_a_second_check_reads_the_answer(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "cache"
    first = check(app, cache_dir=kept)
    assert [(p.code, str(p.span), p.hint) for p in first.problems] == [
        ("E107", "definitions/bad.yaml:2:16", "did you mean 'text'?")
    ]
    monkeypatch.setattr(cache, "build", refuse)
    again = check(app, cache_dir=kept)
    assert again.problems == first.problems
    assert again.texts.keys() == {"definitions/bad.yaml", "definitions/base.yaml"}


def test_any_change_is_seen(app: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache"
    assert len(check(app, cache_dir=kept).problems) == 1
    (app / "definitions" / "bad.yaml").write_text("model: box\nfields: {name: text}\n", encoding="utf-8")
    assert check(app, cache_dir=kept).problems == ()
    (app / "definitions" / "bad.yaml").rename(app / "definitions" / "good.yaml")
    (app / "definitions" / "copy.yaml").write_text("model: box\nfields: {name: text}\n", encoding="utf-8")
    assert [p.code for p in check(app, cache_dir=kept).problems] == ["E301"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "x"}', "\x00\xff"])
def test_a_foreign_file_is_as_good_as_none(app: Path, tmp_path: Path, content: str) -> None:
    kept = tmp_path / "cache"
    kept.mkdir()
    (kept / "checked.json").write_text(content, encoding="utf-8")
    (kept / "documents.txt").write_text(content, encoding="utf-8")
    assert [p.code for p in check(app, cache_dir=kept).problems] == ["E107"]


def test_damaged_problems_are_found_again(app: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache"
    check(app, cache_dir=kept)
    content = json.loads((kept / "checked.json").read_text(encoding="utf-8"))
    content["problems"] = [{"code": "E107"}]
    (kept / "checked.json").write_text(json.dumps(content), encoding="utf-8")
    assert [p.code for p in check(app, cache_dir=kept).problems] == ["E107"]


def test_a_check_without_a_cache_says_the_same(app: Path, tmp_path: Path) -> None:
    assert check(app).problems == check(app, cache_dir=tmp_path / "cache").problems


def test_a_file_that_cannot_be_read_is_a_problem_each_time(app: Path, tmp_path: Path) -> None:
    (app / "definitions" / "odd.yaml").write_bytes(b"\xff\xfe")
    for _ in range(2):
        assert [p.code for p in check(app, cache_dir=tmp_path / "cache").problems] == ["E107", "E100"]
