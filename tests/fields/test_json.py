"""JSON values: what every reader keeps, and what a schema says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.fields.field import ValueFault
from engine.fields.json import DEEPEST
from tests.fields.making import linked, make

PROFILE = """
{type: json, schema: {type: object, required: [kind], additionalProperties: false,
 properties: {kind: {enum: [none, special]}, number: {type: string, pattern: "^[0-9]{3}$"}, rate: {minimum: 0.5}},
 if: {properties: {kind: {const: special}}}, then: {required: [number]}}}
""".replace("\n", "")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def code(field: str, raw: object) -> str:
    with pytest.raises(ValueFault) as caught:
        make(field).parse(raw)
    return caught.value.code


@pytest.mark.parametrize("raw", [1, "a", True, [], {}, {"a": [None, 2.5, {"b": "ü"}]}, -(2**63) + 1, 0.1])
def test_json_stays_as_it_is(raw: object) -> None:
    assert make("json").parse(raw) == raw


def test_numbers_become_plain_ones() -> None:
    assert make("json").parse([Decimal("1.50"), Decimal("2.0"), 3.0]) == [1.5, 2, 3]
    assert [type(item) for item in make("json").parse([Decimal("1.50"), Decimal("2.0"), 3.0])] == [float, int, int]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (2**64, "VALUE_RANGE"),
        (Decimal("1E+400"), "VALUE_RANGE"),
        (Decimal("1E+999999"), "VALUE_RANGE"),
        (Decimal("NaN"), "VALUE_RANGE"),
        (float("inf"), "VALUE_RANGE"),
        (Decimal("0.12345678901234567890"), "VALUE_DIGITS"),
        (Decimal("1E-400"), "VALUE_DIGITS"),
        ("a\x00", "VALUE_CHARACTERS"),
        (["\ud800"], "VALUE_CHARACTERS"),
        ({"\udfff": 1}, "VALUE_CHARACTERS"),
        ({1: 1}, "VALUE_TYPE"),
        (object(), "VALUE_TYPE"),
        (nested(DEEPEST + 1), "VALUE_DEPTH"),
        (nested(100_000), "VALUE_DEPTH"),
        (["x" * 1_000_000], "VALUE_LENGTH"),
    ],
)
def test_what_no_json_reader_would_keep(raw: object, expected: str) -> None:
    assert code("json", raw) == expected


def test_the_deepest_is_still_allowed() -> None:
    assert make("json").parse(nested(DEEPEST)) == nested(DEEPEST)


def test_a_schema_is_kept() -> None:
    assert make(PROFILE).parse({"kind": "special", "number": "123", "rate": Decimal("0.5")})
    assert code(PROFILE, {"kind": "special"}) == "VALUE_SCHEMA"
    assert code(PROFILE, {"kind": "none", "rate": Decimal("0.4")}) == "VALUE_SCHEMA"
    with pytest.raises(ValueFault, match="number: "):
        make(PROFILE).parse({"kind": "special", "number": "12"})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("{type: strin}", "E107"),
        ('{pattern: "("}', "E107"),
        ('{$ref: "#/$defs/none"}', "E107"),
        ('{$ref: "https://example.org/x.json"}', "E302"),
        ("{properties: {a: {$ref: other.json}}}", "E302"),
    ],
)
def test_wrong_schemas_are_reported(schema: str, expected: str) -> None:
    _, problems = linked(f"it: {{type: json, schema: {schema}}}")
    assert [found.code for found in problems] == [expected]


@pytest.mark.parametrize("text", ["{", "nan", "null", "{'a': 1}", ""])
def test_texts_that_are_no_json(text: str) -> None:
    with pytest.raises(ValueFault):
        make("json").parse_text(text)
