"""Numbers: exact on the way in, rounded half up only where computed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.fields.field import ValueFault
from engine.fields.number import LARGEST_INTEGER
from tests.fields.making import linked, make


def code(field: str, raw: object) -> str:
    with pytest.raises(ValueFault) as caught:
        make(field).parse(raw)
    return caught.value.code


@pytest.mark.parametrize(
    ("raw", "value"),
    [(5, "5.00"), ("5", "5.00"), ("-0.10", "-0.10"), (Decimal("1E+2"), "100.00"), ("12.3", "12.30"), ("1.2300", "1.23"),
     (" 7 ", "7.00"), (".5", "0.50"), ("1e2", "100.00"), ("-0", "0.00")],
)  # fmt: skip
def test_money_comes_as_number_or_text(raw: object, value: str) -> None:
    parsed = make("money").parse(raw)
    assert str(parsed) == value
    assert isinstance(parsed, Decimal)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (1.5, "VALUE_TYPE"),
        (True, "VALUE_TYPE"),
        ([1], "VALUE_TYPE"),
        (float("nan"), "VALUE_TYPE"),
        ("NaN", "VALUE_FORMAT"),
        ("Infinity", "VALUE_FORMAT"),
        ("1_000", "VALUE_FORMAT"),
        ("１２", "VALUE_FORMAT"),
        ("0x10", "VALUE_FORMAT"),
        ("", "VALUE_FORMAT"),
        ("1e99999", "VALUE_FORMAT"),
        ("9" * 5000, "VALUE_FORMAT"),
        (Decimal("NaN"), "VALUE_TYPE"),
        (Decimal("Infinity"), "VALUE_RANGE"),
        (Decimal("1E+999999"), "VALUE_RANGE"),
        (10**4000, "VALUE_RANGE"),
        ("10000000000000000", "VALUE_RANGE"),
        ("1.005", "VALUE_DIGITS"),
        (Decimal("1E-999999"), "VALUE_DIGITS"),
    ],
)
def test_what_is_no_money(raw: object, expected: str) -> None:
    assert code("money", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1.5", "VALUE_DIGITS"),
        (Decimal("1.5"), "VALUE_DIGITS"),
        (1.0, "VALUE_TYPE"),
        (False, "VALUE_TYPE"),
        (LARGEST_INTEGER + 1, "VALUE_RANGE"),
        (-(10**400), "VALUE_RANGE"),
        (Decimal("1E+999999"), "VALUE_RANGE"),
        (Decimal("NaN"), "VALUE_RANGE"),
        ("x", "VALUE_FORMAT"),
    ],
)
def test_what_is_no_integer(raw: object, expected: str) -> None:
    assert code("integer", raw) == expected


def test_integers() -> None:
    field = make("integer")
    assert [field.parse(raw) for raw in (5, "5", Decimal("5.0"), LARGEST_INTEGER)] == [5, 5, 5, LARGEST_INTEGER]
    assert all(type(field.parse(raw)) is int for raw in (5, "5", Decimal("5.0")))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234.50", "1234.50"), ("１２．５", "12.50"), ("12,345,678", "12345678.00"), ("-1,000", "-1000.00")],
)
def test_cells_have_separators_and_wide_digits(text: str, value: str) -> None:
    assert str(make("money").parse_text(text)) == value


@pytest.mark.parametrize("text", ["1,23", "1,2345", ",123", "1,234,56"])
def test_a_comma_elsewhere_is_no_separator(text: str) -> None:
    with pytest.raises(ValueFault):
        make("money").parse_text(text)


@pytest.mark.parametrize(
    ("limits", "good", "bad"),
    [
        ("min: 0", "0", "-0.01"),
        ("max: 10", "10", "10.01"),
        ("above: 0", "0.01", "0"),
        ("below: 1", "0.99", "1"),
        ("min: 0.5, max: 0.6", "0.55", "0.61"),
    ],
)
def test_constant_limits_are_tested_by_parse(limits: str, good: str, bad: str) -> None:
    field = f"{{type: money, {limits}}}"
    assert make(field).parse(good) == Decimal(good)
    assert code(field, bad) == "VALUE_RANGE"


def test_limits_that_read_the_record_are_left_to_whoever_has_it() -> None:
    fields, problems = linked("total: money\nit: {type: money, min: 0, max: total}")
    assert not problems
    assert fields["it"].parse("999") == 999
    bounds = fields["it"].bounds()
    assert [bound.name for bound in bounds] == ["min", "max"]
    limit = bounds[1].expression({"total": Decimal("5")}, {})
    assert bounds[1].holds(Decimal("5"), limit)
    assert not bounds[1].holds(Decimal("5.01"), limit)
    assert bounds[1].message(limit) == "must not be more than 5"


@pytest.mark.parametrize(
    ("digits", "value", "kept"),
    [(2, "1.005", "1.01"), (2, "-1.005", "-1.01"), (0, "2.5", "3"), (4, "1", "1.0000"), (2, "0.0049", "0.00")],
)
def test_computed_values_are_rounded_half_up(digits: int, value: str, kept: str) -> None:
    assert str(make(f"{{type: decimal, digits: {digits}}}").settle(Decimal(value))) == kept


def test_a_computed_value_that_is_too_large_is_a_fault() -> None:
    field = make("{type: decimal, precision: 5, digits: 2}")
    assert field.settle(Decimal("999.99")) == Decimal("999.99")
    assert field.settle(0) == 0
    for value in (Decimal("999.995"), Decimal("1E+40")):
        with pytest.raises(ValueFault, match="VALUE_RANGE"):
            field.settle(value)
    with pytest.raises(ValueFault, match="VALUE_RANGE"):
        make("integer").settle(2**60)
    assert make("integer").settle(Decimal("2.5")) == 3


def test_how_people_read_numbers() -> None:
    assert make("money").display(Decimal("1234567.5"), "zh") == "1,234,567.50"
    assert make("{type: decimal, digits: 3}").display(Decimal("1600.500"), "en") == "1,600.5"
    assert make("{type: decimal, digits: 3}").display(Decimal("600.000"), "en") == "600"
    assert make("integer").display(-12345, "en") == "-12,345"
    assert make("percent").display(Decimal("0.1300"), "zh") == "13%"
    assert make("percent").display(Decimal("0.0625"), "zh") == "6.25%"
    assert make("{type: decimal, digits: 8}").wire(Decimal("0E-8")) == "0.00000000"


@pytest.mark.parametrize(
    ("text", "value"), [("13%", "0.13"), ("0.13", "0.13"), ("６．２５％", "0.0625"), ("-1 %", "-0.01")]
)
def test_percentages_are_read_with_and_without_their_sign(text: str, value: str) -> None:
    assert make("percent").parse_text(text) == Decimal(value)


def test_a_percentage_keeps_its_digits_or_is_refused() -> None:
    with pytest.raises(ValueFault, match="VALUE_DIGITS"):
        make("percent").parse_text("0.001%")


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("{type: decimal, precision: 19}", "E107"),
        ("{type: decimal, precision: 0, digits: 0}", "E107"),
        ("{type: decimal, precision: 4, digits: 5}", "E107"),
        ("{type: decimal, digits: -1}", "E107"),
        ("{type: money, min: 0, above: 0}", "E110"),
        ("{type: money, max: nothing}", "E203"),
        ("{type: money, max: now}", "E205"),
        ("{type: money, spread: total}", "E110"),
        ("{type: money, spread: total, by: total}", "E405"),
    ],
)
def test_wrong_options_are_reported(field: str, problem: str) -> None:
    _, problems = linked(f"it: {field}")
    assert [found.code for found in problems] == [problem]


def test_an_amount_is_spread_over_rows() -> None:
    fields, problems = linked("""
total: money
note: text
lines: {type: rows, of: {weight: integer, part: {type: money, spread: total, by: weight}}}
""")
    assert not problems
    assert fields["lines"].of["part"].computed  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("spread", "by", "expected"),
    [
        ("totl", "weight", ["E303"]),
        ("total", "wight", ["E303"]),
        ("note", "weight", ["E404"]),
        ("total", "word", ["E404"]),
    ],
)
def test_what_is_spread_and_by_what_are_numbers(spread: str, by: str, expected: list[str]) -> None:
    _, problems = linked(f"""
total: money
note: text
lines: {{type: rows, of: {{weight: integer, word: text, part: {{type: money, spread: {spread}, by: {by}}}}}}}
""")
    assert [found.code for found in problems] == expected


def test_the_schema_says_what_is_constant() -> None:
    schema = make("{type: money, min: 0, below: 100}").schema()
    assert schema["type"] == ["string", "number"]
    assert (schema["minimum"], schema["exclusiveMaximum"]) == (0, 100)
