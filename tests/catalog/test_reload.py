"""The catalogue in use follows the files, and keeps serving while they have a problem."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder, stamp
from engine.errors import DefinitionError, EngineError
from tests.catalog.sample import PARCELS

BOX = "model: box\nfields: {name: text}\n"
#: Long enough for the slowest machine; a test that passes never waits for it.
PATIENCE = 30.0


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "base.yaml").write_text(PARCELS, encoding="utf-8")
    return tmp_path


@contextmanager
def watching(holder: CatalogHolder) -> Iterator[None]:
    holder.start(interval=0.01)
    try:
        yield
    finally:
        holder.stop()


def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def test_a_new_file_is_in_use_soon_and_the_old_catalogue_is_untouched(app: Path) -> None:
    holder = CatalogHolder(app)
    old = holder.current
    with watching(holder):
        (app / "forms").mkdir()
        (app / "forms" / "box.yaml").write_text(BOX, encoding="utf-8")
        eventually(lambda: "box" in holder.current.models)
    assert "box" not in old.models
    assert holder.problems == ()


def test_a_mistake_keeps_the_old_one_serving_and_says_where_it_is(app: Path) -> None:
    holder = CatalogHolder(app)
    old, path = holder.current, app / "definitions" / "box.yaml"
    with watching(holder):
        path.write_text(BOX.replace("text", "txet"), encoding="utf-8")
        eventually(lambda: holder.problems)
        assert holder.current is old
        assert [(p.code, str(p.span)) for p in holder.problems] == [("E107", "definitions/box.yaml:2:16")]
        path.write_text(BOX, encoding="utf-8")
        eventually(lambda: "box" in holder.current.models)
        assert holder.problems == ()
        path.unlink()
        eventually(lambda: "box" not in holder.current.models)


def test_a_change_between_loading_and_watching_is_not_missed(app: Path) -> None:
    holder = CatalogHolder(app)
    (app / "definitions" / "box.yaml").write_text(BOX, encoding="utf-8")
    with watching(holder):
        eventually(lambda: "box" in holder.current.models)


def test_without_a_sound_catalogue_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "a.yaml").write_text("modle: a\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match="E108"):
        CatalogHolder(tmp_path)


def test_hooks_before_may_refuse_and_hooks_after_are_told(app: Path) -> None:
    holder = CatalogHolder(app)
    told: list[tuple[Catalog, Catalog]] = []
    refusing = [True]

    def gate(old: Catalog, new: Catalog) -> None:
        if refusing[0]:
            raise EngineError("apply it first")

    holder.before(gate)
    holder.after(lambda old, new: told.append((old, new)))
    old = holder.current
    (app / "definitions" / "box.yaml").write_text(BOX, encoding="utf-8")
    assert holder.reload() is False
    assert (holder.current is old, str(holder.refused), told) == (True, "apply it first", [])
    refusing[0] = False
    assert holder.reload() is True
    assert (told, holder.refused) == ([(old, holder.current)], None)


def test_reloading_what_has_not_changed_changes_nothing(app: Path) -> None:
    holder = CatalogHolder(app)
    old = holder.current
    assert holder.reload() is False
    assert holder.current is old


def test_a_catalogue_from_elsewhere_can_be_taken(app: Path) -> None:
    holder = CatalogHolder(app)
    other = build_texts({"a.yaml": BOX})
    assert holder.take(lambda current: None if current is other else other) is True
    assert holder.current is other
    assert holder.take(lambda current: None if current is other else other) is False


def test_what_was_refused_waits_until_somebody_else_has_made_it_ready(app: Path) -> None:
    holder = CatalogHolder(app)

    def gate(old: Catalog, new: Catalog) -> None:
        raise EngineError("apply it first")

    holder.before(gate)
    path = app / "definitions" / "box.yaml"
    path.write_text(BOX, encoding="utf-8")
    assert holder.reload() is False
    assert holder.take(lambda _: build_texts({"a.yaml": BOX})) is True
    assert str(holder.refused) == "apply it first"
    assert holder.take(lambda _: CatalogHolder(app).current) is True
    assert holder.refused is None


def test_a_fault_that_is_not_in_the_files_is_tried_again(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.catalog.reload.PATIENCE", 0.01)
    holder = CatalogHolder(app)
    faults = [OSError("no database"), OSError("still none")]
    looked: list[bool] = []

    def gate(old: Catalog, new: Catalog) -> None:
        if faults:
            raise faults.pop()

    holder.before(gate)
    holder.looked(lambda: looked.append("box" in holder.current.models))
    with watching(holder):
        (app / "definitions" / "box.yaml").write_text(BOX, encoding="utf-8")
        eventually(lambda: looked)
    assert (looked, faults) == ([True], [])


def test_only_definition_files_count(app: Path) -> None:
    before = stamp(app)
    (app / "definitions" / "notes.txt").write_text("x", encoding="utf-8")
    (app / "definitions" / ".hidden.yaml").write_text("x", encoding="utf-8")
    (app / "other.yaml").write_text("x", encoding="utf-8")
    assert stamp(app) == before
    (app / "definitions" / "deep").mkdir()
    (app / "definitions" / "deep" / "a.yml").write_text("x", encoding="utf-8")
    assert len(stamp(app)) == len(before) + 1


def test_the_files_are_watched_once(app: Path) -> None:
    holder = CatalogHolder(app)
    with watching(holder), pytest.raises(RuntimeError):
        holder.start()
