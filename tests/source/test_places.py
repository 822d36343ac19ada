"""The places of keys, values, and of the characters inside a scalar."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Span
from engine.source.characters import ESCAPED, NUMBERED, places_of
from engine.source.document import Document, Path
from engine.source.problems import Problems
from engine.source.reader import read_text
from engine.source.text import SourceText


def read(text: str) -> Document:
    problems = Problems()
    (document,) = read_text(text, "a.yaml", problems)
    assert not list(problems)
    return document


def text_at(document: Document, span: Span) -> str:
    """The characters of a span, as an editor would select them."""
    lines = [document.source.line(number) for number in range(span.line, span.end_line + 1)]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


BLOCKS = """\
model: a   # a comment
fields:
  one:
    type: text   # another

  two: {type: link, to: b}   # more
list:
- x
- y: 1
  z: [1,
      2]

# the end
last: end
"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("model",), "a"),
        (("fields", "one"), "type: text"),
        (("fields", "two"), "{type: link, to: b}"),
        (("fields",), "one:\n    type: text   # another\n\n  two: {type: link, to: b}"),
        (("list",), "- x\n- y: 1\n  z: [1,\n      2]"),
        (("list", 0), "x"),
        (("list", 1), "y: 1\n  z: [1,\n      2]"),
        (("list", 1, "z", 1), "2"),
        (("last",), "end"),
        ((), BLOCKS.rstrip("\n")),
    ],
)
def test_the_span_of_a_value_holds_it_and_nothing_else(path: Path, text: str) -> None:
    document = read(BLOCKS)
    assert text_at(document, document.span(path)) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "model"),
        (("fields", "two", "to"), "to"),
        (("list", 1), "y"),  # an item has no key: its own first one
        (("list", 0), "x"),
        (("list", 1, "z", 0), "1"),
    ],
)
def test_the_span_of_a_key(path: Path, text: str) -> None:
    document = read(BLOCKS)
    assert text_at(document, document.key_span(path)) == text


def test_what_is_not_there_has_the_place_of_what_is_around_it() -> None:
    document = read(BLOCKS)
    assert document.span(("fields", "two", "label", "zh")) == document.span(("fields", "two"))
    assert document.key_span(("fields", "two", "label")) == document.key_span(("fields", "two", "label", "zh"))
    assert document.span(("model", "type")) == document.span(("model",))
    assert document.within(("fields", "two", "label"), 0, 2) == document.span(("fields", "two"))
    assert document.within(("fields",), 0, 2) == document.span(("fields",))


def test_an_absent_value_stands_behind_its_key() -> None:
    document = read("model: a\nb:\nc: 1\n")
    assert str(document.span(("b",))) == "a.yaml:2:3"


@pytest.mark.parametrize(
    ("scalar", "line", "column"),
    [
        ("one + two", 2, 12),
        ("'one + two'", 2, 13),
        ('"one + two"', 2, 13),
        ("&x one + two", 2, 15),
        ("!!str 'one + two'", 2, 19),
        ("|\n  one +\n   two", 4, 4),
        ("|2\n  one +\n  two", 4, 3),
        (">\n  one +\n  two", 4, 3),
        (">-\n\n  one +\n\n  two\n", 6, 3),
        ("one +\n  two", 3, 3),
        ("'one +\n\n\n   two'", 5, 4),
        ('"one \\\n   + two"', 3, 6),
        ('"\\u006fne + two"', 2, 18),
        ("'it''s two'", 2, 13),
    ],
)
def test_the_place_of_a_word_inside_an_expression(scalar: str, line: int, column: int) -> None:
    document = read(f"model: a\nval: {scalar}\n")
    value = document.data["val"]
    start = value.index("two")
    span = document.within(("val",), start, start + 3)
    assert text_at(document, span) == "two"
    assert (span.line, span.column) == (line, column)


def test_the_end_of_an_expression_can_be_pointed_at() -> None:
    document = read("model: a\nx: '订单 +'\n")
    span = document.within(("x",), 4, 4)
    assert (span.line, span.column, span.end_column) == (2, 9, 9)
    assert document.within(("x",), 0, 99) == document.within(("x",), 0, 4)


def test_numbers_and_words_have_places_too() -> None:
    document = read("model: a\nx: 0.10\ny: true\n")
    assert text_at(document, document.within(("x",), 2, 4)) == "10"
    assert text_at(document, document.within(("y",), 0, 4)) == "true"


TEXTS = st.text(alphabet="ab ':\"#\\-,[]{}|>&*!%@`~.1订单😀é\n\t\u00a0", max_size=40)
VALUES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def scalars(value: Any, path: Path = ()) -> list[tuple[Path, str]]:
    """Every text in the data, with its path."""
    if isinstance(value, str):
        return [(path, value)]
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in below for found in scalars(item, (*path, key))]


@given(
    st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4),
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.sampled_from([None, True, False]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([12, 80]),
    st.booleans(),
)
@example({"a": "\n b\n\n c"}, ">", False, "\n", 12, True)
@example({"a": " b\n"}, "|", False, "\r\n", 12, True)
@example({"a": {"b": "订'\n\n单"}}, "'", True, "\n", 12, True)
def test_every_character_is_where_its_place_says(
    data: dict[str, Any], style: str | None, flow: bool | None, line_end: str, width: int, unicode: bool
) -> None:
    dumped = yaml.dump(
        {"model": "a", "data": data},
        default_style=style,
        default_flow_style=flow,
        line_break=line_end,
        width=width,
        allow_unicode=unicode,
        sort_keys=False,
    )
    document = read(dumped)
    # Not `data` itself: the dumper has bugs of its own in folded lines.
    assert document.data["data"] == yaml.load(dumped, yaml.BaseLoader)["data"]
    text = document.source.text
    for path, value in scalars(document.data):
        mark = document.marks
        for step in path:
            mark = mark[2][step][2] if isinstance(mark[2], dict) else mark[2][step]
        places = places_of(text, mark[0], mark[1], value)
        assert places is not None, (dumped, path)
        assert places == sorted(places)
        for character, place in zip(value, places, strict=False):
            stands = text[place]
            assert stands == character or stands in "\\\r\n", (dumped, path, character)
        span = document.span(path)
        if not value.startswith((" ", "\n")):
            assert yaml.load(text_at(document, span), yaml.BaseLoader) == value or style in ("|", ">") or "\n" in value


def test_every_escape_of_yaml_is_known() -> None:
    for letter, character in ESCAPED.items():
        document = read(f'model: a\nx: "-\\{letter}-"\n')
        assert document.data["x"] == f"-{character}-"
        assert document.within(("x",), 2, 3).column == 8
    for letter, digits in NUMBERED.items():
        document = read(f'model: a\nx: "\\{letter}{"41".zfill(digits)}-"\n')
        assert document.within(("x",), 1, 2).column == 5 + 2 + digits


def test_lines_and_columns() -> None:
    source = SourceText("a.yaml", "ab\r\nc\rd\n\ne")
    assert [source.line(number) for number in range(7)] == ["", "ab", "c", "d", "", "e", ""]
    assert [source.position(index) for index in (0, 4, 6, 8, 9, 10)] == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (5, 2)]
