"""The patterns of control flow: the application of ``definitions/`` runs, and ``docs/patterns.md`` names its tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.catalog.builder import load
from engine.catalog.catalog import Catalog
from engine.runtime.scratch import scratch
from engine.runtime.testing import Result, TestRunner

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/patterns.md").read_text("utf-8")
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
LINK = re.compile(r"\[([^]]+)\]\(\.\./tests/patterns/(definitions/\w+\.yaml)\)")
#: Fewer would mean that something has been lost.
LEAST = 25


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(HERE)


@pytest.fixture(scope="module")
def results(catalog: Catalog) -> dict[str, Result]:
    """How each test came out, by its title."""
    with scratch(catalog) as database:
        return {result.test.test: result for result in TestRunner(database, HERE).run(list(catalog.tests.values()))}


def test_the_tests_pass(results: dict[str, Result]) -> None:
    assert [str(failure) for result in results.values() for failure in result.failures] == []


def test_the_page_names_each_pattern_and_a_test_that_is_there_or_the_reason_why_not(catalog: Catalog) -> None:
    rows = ROW.findall(PAGE)
    assert [int(number) for number, *_ in rows] == list(range(1, 44))
    supported = 0
    for number, name, _, last in rows:
        link = LINK.fullmatch(last)
        if link is None:
            assert re.fullmatch(r"No\. .{40,}", last), f"{number} {name}: neither a test nor a reason"
            continue
        supported += 1
        test = catalog.tests.get(link[1])
        assert test is not None, f"{number} {name}: there is no test {link[1]!r}"
        assert test.document.file == link[2]
    assert supported >= LEAST
    assert f"{supported} of the 43 are there, {43 - supported} are not." in PAGE


def test_no_pattern_shows_the_same_test_as_another() -> None:
    named = [link[0] for link in LINK.findall(PAGE)]
    assert len(named) == len(set(named))
