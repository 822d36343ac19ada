"""What the page of the language shows is one application that loads, and whose tests pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.catalog.builder import load
from engine.catalog.builtins import BUILTINS
from engine.catalog.catalog import Catalog
from engine.runtime.scratch import scratch
from engine.runtime.testing import TestRunner

PAGE = (Path(__file__).parent.parent / "docs/language.md").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application that the blocks of the page make."""
    root = tmp_path_factory.mktemp("workshop")
    (root / "definitions").mkdir()
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)):
        (root / f"definitions/{number:02}.yaml").write_text(block, "utf-8")
    return root


@pytest.fixture(scope="module")
def workshop(folder: Path) -> Catalog:
    """Its catalogue."""
    return load(folder)


def test_the_tests_of_the_page_pass(workshop: Catalog, folder: Path) -> None:
    with scratch(workshop) as database:
        results = list(TestRunner(database, folder).run(list(workshop.tests.values())))
    assert len(results) > 4
    assert [str(failure) for result in results for failure in result.failures] == []


def test_the_page_shows_every_kind(workshop: Catalog) -> None:
    shown = set(re.findall(r"^(\w+): ", "\n".join(workshop.sources.values()), re.MULTILINE))
    assert set(BUILTINS.kinds) <= shown


@pytest.mark.parametrize(
    "words", [BUILTINS.fields, BUILTINS.steps, BUILTINS.functions], ids=["fields", "steps", "functions"]
)
def test_the_page_names_every_word(words: object) -> None:
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
    assert not [word for word in words if word not in named]  # type: ignore[attr-defined]  # registries list their names
