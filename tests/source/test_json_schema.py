"""The JSON Schemas for editors say the same as the parser, which they come from."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.source.problems import Problems
from engine.source.reader import read_text
from tests.source.broken import BROKEN
from tests.source.samples import GRAMMAR, Thing, parse

SCHEMA = GRAMMAR.json_schema(Thing, title="A thing")
VALIDATOR = Draft202012Validator(SCHEMA)

GOOD = [
    "",
    "label: x\ncount: 3\nprice: 0.5\nopen: false\nmode: 1\nlock: true\ncreate: a == b\nvalue: null\nextra: [{}]\n",
    "label: {zh: 物}\nprice: 3\nlock: version\ncreate: all\nvalues: {a: 1, b: true, c: x}\n",
    "due: 1.5 h\nrate: 20/s\nweek: {mon: [[09:00, 24:00]], tue: []}\n",
    "parts: {a: text, b: {type: text, max: 1, label: {en: x}}, c: {type: link, to: x}, d: {of: [a]}}\n",
    "acts: {say: hi}\nby: a\n",
    "acts: [{for_each: xs, as: x, do: [{say: hi, loud: true}]}, {loud: true, say: x}]\nby: {level: 2, roles: [a]}\n",
    "next: {a: b, c: {to: d, if: e}, f: null}\nby: [a, b]\n",
    "layout: [{rows: [[a]]}, {grid: x, columns: [y]}]\nmap: {$.a.b: {from: x, scale: 0.01}, x y: {const: null}}\n",
]


def plain(value: Any) -> Any:
    """The data as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def fits(text: str) -> tuple[bool, bool]:
    """Whether the thing fits the schema, and whether it parses."""
    problems = Problems()
    (document,) = read_text("thing: a\n" + text, "a.yaml", problems)
    return VALIDATOR.is_valid(plain(document.data)), GRAMMAR.parse(Thing, document, problems) is not None


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == "A thing"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("text", GOOD)
def test_what_parses_fits(text: str) -> None:
    assert parse(text)[1] == []
    assert fits(text) == (True, True)


@pytest.mark.parametrize("text", [text for text, _ in BROKEN])
def test_what_does_not_parse_does_not_fit(text: str) -> None:
    assert fits(text) == (False, False)


WORDS = st.sampled_from(["x", "text", "link", "all", "version", "5 min", "09:00", "20/s", "", "A b", "say"])
LEAVES = WORDS | st.booleans() | st.none() | st.integers(-1, 3) | st.just(0.5)
TOP_KEYS = [
    "label", "count", "price", "open", "mode", "lock", "create", "value", "values", "due", "rate", "week", "parts",
    "acts", "next", "by", "layout", "map",
]  # fmt: skip
INNER_KEYS = [
    "type", "to", "of", "say", "for_each", "as", "do", "if", "roles", "rows", "grid", "columns", "from", "const",
    "scale", "format", "mon", "zh", "max", "x", "X y",
]  # fmt: skip
KEYS = [*TOP_KEYS, *INNER_KEYS, "thing"]
DATA = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(TOP_KEYS), DATA, max_size=2))
def test_schema_and_parser_agree_on_anything(data: dict[str, Any]) -> None:
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in data.items())
    in_schema, in_parser = fits(text)
    assert in_schema == in_parser, parse(text)[1]


def test_docstrings_and_help_become_descriptions() -> None:
    definitions = SCHEMA["$defs"]
    assert SCHEMA["$ref"] == "#/$defs/Thing"
    assert definitions["Thing"]["description"] == "A thing with everything."
    assert definitions["Thing"]["properties"]["label"]["description"] == "What people read"
    assert "description" not in definitions["Grid"]
    assert definitions["Part"]["description"] == "A part, told by its type."
    (branch,) = [option for option in definitions["Branch"]["anyOf"] if option.get("type") == "object"]
    assert branch["properties"]["if"]["description"] == "Taken when it is true"
    assert branch["additionalProperties"] is False


def test_each_member_of_a_family_has_a_definition() -> None:
    assert {"Part_text", "Part_link", "Part_option", "Say", "Each"} <= set(SCHEMA["$defs"])
