"""Texts: what they keep, what they refuse, how they are masked."""

from __future__ import annotations

import pytest

from engine.fields.field import ValueFault, mask_text
from tests.fields.making import linked, make


def code(field: str, raw: object) -> str:
    """The code of the fault that the field raises for this wire form."""
    with pytest.raises(ValueFault) as caught:
        make(field).parse(raw)
    return caught.value.code


def test_blanks_around_a_text_are_dropped() -> None:
    assert make("text").parse("　 a b \t") == "a b"


@pytest.mark.parametrize("raw", [1, True, ["a"], {"a": 1}, b"a", 1.5])
@pytest.mark.parametrize("type_", ["text", "long_text", "phone", "email"])
def test_only_texts_are_texts(type_: str, raw: object) -> None:
    assert code(type_, raw) == "VALUE_TYPE"


@pytest.mark.parametrize("raw", ["a\x00b", "a\nb", "a\tb", "a\x1bb", "a\x7fb", "a\x85b", "a\udfffb"])
def test_control_characters_are_refused(raw: str) -> None:
    assert code("text", raw) == "VALUE_CHARACTERS"


def test_the_place_of_a_wrong_character_is_told() -> None:
    with pytest.raises(ValueFault, match=r"character 3 \(U\+0000\)"):
        make("text").parse("ab\x00")


def test_other_scripts_and_spaces_are_kept() -> None:
    text = "上海　浦東😀 é à"  # with an ideographic and a no-break space
    assert make("text").parse(text) == text


def test_a_long_text_has_lines_and_tabs() -> None:
    assert make("long_text").parse("a\r\nb\rc\n\td\n") == "a\nb\nc\n\td"
    assert code("long_text", "a\x0bb") == "VALUE_CHARACTERS"
    assert code("long_text", "a\x00b") == "VALUE_CHARACTERS"


@pytest.mark.parametrize("raw", ["", "   ", "\t"])
def test_an_empty_text_is_no_value(raw: str) -> None:
    assert code("text", raw) == "VALUE_LENGTH"


def test_lengths() -> None:
    field = make("{type: text, min: 2, max: 3}")
    assert field.parse("中文") == "中文"
    assert code("{type: text, min: 2, max: 3}", "a") == "VALUE_LENGTH"
    assert code("{type: text, min: 2, max: 3}", "abcd") == "VALUE_LENGTH"
    assert make("text").parse("x" * 400)
    assert code("text", "x" * 401) == "VALUE_LENGTH"
    assert make("long_text").parse("x" * 20_000)
    assert code("long_text", "x" * 20_001) == "VALUE_LENGTH"
    assert field.schema() == {"type": "string", "minLength": 2, "maxLength": 3}


def test_a_pattern_matches_the_whole_text() -> None:
    field = make('{type: text, pattern: "[A-Z]{2}[0-9]+"}')
    assert field.parse("AB12") == "AB12"
    assert code('{type: text, pattern: "[A-Z]{2}[0-9]+"}', "xAB12") == "VALUE_FORMAT"
    assert field.schema()["pattern"] == "^(?:[A-Z]{2}[0-9]+)$"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("max: 0", "E107"),
        ("max: 1000001", "E107"),
        ("min: 5, max: 4", "E107"),
        ("min: 0", "E107"),
        ('pattern: "("', "E107"),
        ("value: \"'a'\", default: \"'b'\"", "E110"),
        ("default: 3", "E205"),
    ],
)
def test_wrong_options_are_reported(options: str, problem: str) -> None:
    _, problems = linked(f"it: {{type: text, {options}}}")
    assert [found.code for found in problems] == [problem]


def test_long_texts_are_not_unique() -> None:
    _, problems = linked("it: {type: long_text, unique: true}")
    assert [found.code for found in problems] == ["E404"]


@pytest.mark.parametrize(
    "raw",
    ["13800000001", "138****0001", "+86 138-0000-0001", "(021) 5555 1234", "021-55551234 转 8", "13800138000-1234",
     "021 5555 1234 ext 12"],
)  # fmt: skip
def test_telephone_numbers(raw: str) -> None:
    assert make("phone").parse(raw) == raw


def test_full_width_digits_become_plain() -> None:
    assert make("phone").parse("１３８００００　００１") == "1380000 001"


@pytest.mark.parametrize("raw", ["hello", "12", "1-", "+", "138 0000 000a", "********a", "1" * 65])
def test_what_is_no_telephone_number(raw: str) -> None:
    assert code("phone", raw) in ("VALUE_FORMAT", "VALUE_LENGTH")


def test_email_addresses() -> None:
    assert make("email").parse("Anna.Ro@Example.COM") == "Anna.Ro@example.com"
    assert make("email").mask("anna@example.com") == "a***@example.com"


@pytest.mark.parametrize("raw", ["a", "a@b", "a b@c.de", "@c.de", "a@@c.de", "a@.de", "a@b..de", "a@c.de\n,x@y.de"])
def test_what_is_no_email_address(raw: str) -> None:
    assert code("email", raw) in ("VALUE_FORMAT", "VALUE_CHARACTERS")


@pytest.mark.parametrize(
    ("text", "masked"),
    [("13800000001", "138****0001"), ("张三", "张*"), ("张小三", "张**"), ("a", "*"), ("12345678", "1*******")],
)
def test_masks(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_a_computed_text_is_kept_clean() -> None:
    field = make("{type: text, max: 3}")
    assert field.settle(" ab ") == "ab"
    assert field.settle("  ") is None
    with pytest.raises(ValueFault):
        field.settle("abcd")
