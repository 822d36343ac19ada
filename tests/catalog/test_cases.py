"""Broken definitions: each file of ``tests/cases`` is built beside a sound application, and every line with a comment
such as ``# E302`` must have exactly those problems, and no other line any."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from engine.catalog.builder import build_texts
from engine.errors import DefinitionError

CASES = Path(__file__).parents[1] / "cases"
BASE = {"base.yaml": (CASES / "base" / "parcels.yaml").read_text(encoding="utf-8")}
EXPECTED = re.compile(r"# (E\d{3}(?: E\d{3})*)\s*$")


def expected(text: str) -> Counter[tuple[int, str]]:
    """The (line, code) pairs that the comments announce."""
    return Counter(
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        if (found := EXPECTED.search(line))
        for code in found[1].split()
    )


def reported(texts: dict[str, str]) -> Counter[tuple[int, str]]:
    """The (line, code) pairs that a build reports, all in ``case.yaml``."""
    with pytest.raises(DefinitionError) as caught:
        build_texts(texts)
    assert all(problem.span is not None and problem.span.file == "case.yaml" for problem in caught.value.problems), str(
        caught.value
    )
    return Counter((problem.span.line, problem.code) for problem in caught.value.problems if problem.span)


def test_the_base_is_sound() -> None:
    build_texts(BASE)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    announced = expected(text)
    assert announced, "a case announces at least one problem"
    assert reported({**BASE, "case.yaml": text}) == announced
