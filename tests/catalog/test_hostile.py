"""Whatever is written in a definition, a build ends with a catalogue or with problems that say where they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.errors import DefinitionError
from tests.catalog.sample import PARCELS

CASES = sorted(path.read_text(encoding="utf-8") for path in (Path(__file__).parents[1] / "cases").glob("*.yaml"))
WORDS = sorted({word for text in (PARCELS, *CASES) for word in re.findall(r"[\w.]+|[^\w\s]", text)})
LINES = PARCELS.splitlines(keepends=True)
TOKENS = re.split(r"(\W)", PARCELS)


def build(text: str) -> None:
    """Builds the text; whatever is wrong must be a problem with a place inside it."""
    try:
        catalog = build_texts({"a.yaml": text})
    except DefinitionError as error:
        lines = text.splitlines() or [""]
        for problem in error.problems:
            assert problem.span is not None, str(problem)
            assert problem.span.file == "a.yaml", str(problem)
            assert 1 <= problem.span.line <= len(lines) + 1
        return
    for model in catalog.models:
        catalog.computations(model)
        catalog.live_fields(model)
        for name in catalog.fields(model):
            assert catalog.shape(model).member(name) is not None


@given(st.lists(st.tuples(st.integers(0, len(TOKENS) - 1), st.sampled_from(WORDS)), min_size=1, max_size=3))
def test_words_exchanged(changes: list[tuple[int, str]]) -> None:
    tokens = list(TOKENS)
    for at, word in changes:
        tokens[at] = word
    build("".join(tokens))


@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=4))
def test_lines_left_out(without: set[int]) -> None:
    build("".join(line for at, line in enumerate(LINES) if at not in without))


@given(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1), st.integers(1, 6))
def test_lines_repeated_elsewhere(source: int, target: int, count: int) -> None:
    build("".join([*LINES[:target], *LINES[source : source + count], *LINES[target:]]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n---\n",
        "model: record\nfields: {x: text}\n",
        "model: model\nfields: {model: text}\n",
        "extend: record\nfields: {x: text}\n",
        "model: user\nfields: {}\n",
        "extend: user\nfields: {badge: text}\n",
        "model: a\nfields: {}\n",
        "model: a\nfields: {x: {type: lookup, from: y.x}, y: {type: link, to: a}}\n",
        "model: a\nfields: {x: {type: lookup, from: y.x}, y: {type: lookup, from: x.y}}\n",
        "model: a\nfields: {a: {type: link, to: a, back: a}}\n",
        "model: a\nfields: {x: {type: money, value: holds.x}, y: {type: integer, value: count(holds)}}\n",
        "workflow: w\nfor: w\nextends: w\n",
        "workflow: w\nfor: user\nextends: [w]\n",
        "workflow: w\nextends: v\n---\nworkflow: v\nextends: null\nfor: user\nstart: a\nstates: {a: {}}\n",
        "extend: a\nfields: {x: text}\n---\nextend: a\nfields: {y: text}\n",
        "channel: c\nintake: {}\nidentity: {key: x}\nmap: {}\n",
        "test: [1]\n",
        "app: a\nintake: nothing\n",
        "access: a\ncan: {user: {read: b}}\nscopes: {b: c}\n",
        "message: m\ntext: {}\n",
    ],
)
def test_odd_documents(text: str) -> None:
    build(text)
