"""Choices of one and of several options, and booleans."""

from __future__ import annotations

import pytest

from engine.fields.field import ValueFault
from tests.fields.making import linked, make

ONE = "{type: choice, of: {retail: 零售, group: {zh: 团购, en: Group buying}}}"
MANY = "{type: choices, of: {red: 红, green: 绿, blue: 蓝}}"


def test_an_option_is_named() -> None:
    assert make(ONE).parse("retail") == "retail"


@pytest.mark.parametrize(
    ("raw", "code"), [("retial", "VALUE_CHOICE"), ("零售", "VALUE_CHOICE"), (1, "VALUE_TYPE"), ("", "VALUE_CHOICE")]
)
def test_anything_else_is_refused(raw: object, code: str) -> None:
    with pytest.raises(ValueFault) as caught:
        make(ONE).parse(raw)
    assert caught.value.code == code


def test_the_nearest_option_is_suggested() -> None:
    with pytest.raises(ValueFault, match="did you mean 'retail'"):
        make(ONE).parse("retial")


def test_a_long_wrong_text_is_not_echoed_whole() -> None:
    with pytest.raises(ValueFault) as caught:
        make(ONE).parse("x" * 100_000)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("text", ["零售", "retail", " Retail ", "ＲＥＴＡＩＬ"])
def test_a_cell_may_hold_the_label(text: str) -> None:
    assert make(ONE).parse_text(text) == "retail"


def test_labels_of_every_language_are_read() -> None:
    assert make(ONE).parse_text("团购") == make(ONE).parse_text("group buying") == "group"


def test_a_label_that_two_options_share_means_neither() -> None:
    field = make("{type: choice, of: {a: same, b: same, same_too: b}}")
    with pytest.raises(ValueFault):
        field.parse_text("same")
    assert field.parse_text("b") == "b"


def test_what_people_read() -> None:
    assert make(ONE).display("group", "zh") == "团购"
    assert make(ONE).display("group", "en") == "Group buying"
    assert make(ONE).display("retail", "en") == "零售"
    assert make(ONE).display("gone", "en") == "gone"
    assert make(MANY).display(["red", "blue"], "zh") == "红、蓝"


def test_several_options_stand_in_the_sequence_of_the_list() -> None:
    assert make(MANY).parse(["blue", "red"]) == ["red", "blue"]
    assert make(MANY).parse([]) == []
    assert make(MANY).parse_text("蓝；red") == ["red", "blue"]
    assert make(MANY).settle(["blue", "red", "blue"]) == ["red", "blue"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [(["red", "red"], "VALUE_DUPLICATE"), ("red", "VALUE_TYPE"), (["redd"], "VALUE_CHOICE"), ([["red"]], "VALUE_TYPE")],
)
def test_lists_that_are_wrong(raw: object, code: str) -> None:
    with pytest.raises(ValueFault) as caught:
        make(MANY).parse(raw)
    assert caught.value.code == code


def test_options_need_no_labels() -> None:
    field = make("{type: choice, of: [A, B, C]}")
    assert field.schema() == {"type": "string", "enum": ["A", "B", "C"]}
    assert field.display("A", "zh") == "A"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("of: []", "E107"),
        ("of: {}", "E107"),
        ("of: [a, a]", "E405"),
        ("of: ['a,b']", "E107"),
        ("of: [' a']", "E107"),
        ("of: ['']", "E107"),
        ("of: [a, b], default: c", "E203"),
    ],
)
def test_wrong_options_are_reported(options: str, code: str) -> None:
    _, problems = linked(f"it: {{type: choice, {options}}}")
    assert [found.code for found in problems] == [code]


def test_a_bare_option_is_a_default() -> None:
    assert make("{type: choice, of: [a, b], default: a}").default.expression({}, {}) == "a"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "value"), [("是", True), ("Yes", True), ("1", True), ("on", True), ("否", False), ("FALSE", False)]
)
def test_cells_say_yes_and_no(text: str, value: bool) -> None:
    assert make("boolean").parse_text(text) is value


@pytest.mark.parametrize("raw", [1, 0, "true", None.__class__, []])
def test_only_true_and_false_are_booleans(raw: object) -> None:
    with pytest.raises(ValueFault, match="VALUE_TYPE"):
        make("boolean").parse(raw)


def test_booleans_are_read_in_both_languages() -> None:
    field = make("boolean")
    assert [field.display(value, language) for value in (True, False) for language in ("zh", "en")] == [
        "是",
        "Yes",
        "否",
        "No",
    ]
    with pytest.raises(ValueFault, match="VALUE_FORMAT"):
        field.parse_text("perhaps")
