"""Reading documents into the types that declare them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from engine.source.formulas import formulas
from engine.source.problems import Problems
from engine.source.reader import read_text
from engine.source.shape import Duration, Formula, Grammar, Located, Rate, TimeOfDay
from tests.source.broken import BROKEN
from tests.source.samples import Branch, Card, Each, Grid, LinkPart, OptionPart, Say, TextPart, Thing, parse


def good(text: str) -> Thing:
    thing, problems = parse(text)
    assert problems == []
    assert thing is not None
    return thing


def test_defaults_hold_for_what_is_not_said() -> None:
    thing = good("")
    assert (thing.thing, thing.count, thing.open, thing.label, thing.acts) == ("a", 0, True, None, ())
    assert thing.document.kind == "thing"


def test_plain_values() -> None:
    thing = good(
        "count: 3\nprice: 0.10\nopen: false\nlabel: {zh: 物, en: thing}\nmode: 1\nlock: false\nextra: [1, {a: ~}]\n"
    )
    assert (thing.count, thing.price, thing.open, thing.mode, thing.lock) == (3, Decimal("0.10"), False, 1, False)
    assert thing.label == {"zh": "物", "en": "thing"}
    assert thing.extra == [1, {"a": None}]


def test_a_whole_number_is_a_decimal_where_one_is_asked_for() -> None:
    price = good("price: 3\n").price
    assert isinstance(price, Decimal)


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        ("count(lines) > 0", "count(lines) > 0"),
        ("0.080", "0.080"),
        ("0", "0"),
        ("true", "true"),
        ("null", "null"),
        ("prepaid", "prepaid"),
        ("'\"text\"'", '"text"'),
        ("|\n  a +\n  b\n", "a +\nb\n"),
    ],
)
def test_any_scalar_is_an_expression(spelled: str, text: str) -> None:
    thing = good(f"values: {{}}\nvalue: {spelled}\n")
    assert isinstance(thing.value, Formula)
    assert thing.value.text == text


def test_a_formula_knows_its_place_and_is_bound_once() -> None:
    thing = good("values: {x: a + 订单}\n")
    formula = thing.values["x"]  # type: ignore[index]
    assert str(formula.span) == "a.yaml:2:13"
    assert str(formula.within(4, 6)) == "a.yaml:2:17"
    assert formula.expression is None
    formula.bind("compiled")
    assert formula.expression == "compiled"
    with pytest.raises(RuntimeError, match="bound already"):
        formula.bind("again")


def test_fixed_words_stand_before_expressions() -> None:
    assert good("create: all\n").create == "all"
    create = good("create: owner == user\n").create
    assert isinstance(create, Formula)


def test_members_of_a_family_by_type() -> None:
    parts = good(
        "parts:\n  a: text\n  b: {type: link, to: x, many: true}\n  c: {type: text, max: 5}\n  d: {of: [x]}\n"
    ).parts
    a, b, c, d = parts.values()
    assert isinstance(a, TextPart)
    assert a.max is None
    assert isinstance(b, LinkPart)
    assert (b.to, b.many) == ("x", True)
    assert isinstance(c, TextPart)
    assert c.max == 5
    assert isinstance(d, OptionPart)
    assert b.path == ("parts", "b")
    assert str(b.span) == "a.yaml:4:6"
    assert str(b.span_of("to")) == "a.yaml:4:23"
    assert str(b.key_span("many")) == "a.yaml:4:26"
    assert str(b.key_span()) == "a.yaml:4:3"
    assert a.span_of("type") == a.span


def test_members_of_a_family_by_their_first_word() -> None:
    acts = good("acts:\n- {for_each: xs, as: x, do: {say: hi, loud: true}}\n- {loud: true, say: ho}\n").acts
    each, say = acts
    assert isinstance(each, Each)
    (inner,) = each.do
    assert isinstance(inner, Say)
    assert inner.loud
    assert inner.path == ("acts", 0, "do")
    assert isinstance(say, Say)
    assert say.say == "ho"


def test_one_may_stand_for_many() -> None:
    (act,) = good("acts: {say: hi}\n").acts
    assert isinstance(act, Say)


def test_a_bare_value_fills_the_short_key() -> None:
    thing = good("next: {go: there, ask: {if: x > 1, to: here}, gone: null}\nby: [a, b]\n")
    go, ask, gone = thing.next.values()
    assert isinstance(go, Branch)
    assert go.to == "there"
    assert isinstance(ask, Branch)
    assert ask.if_ is not None
    assert ask.if_.text == "x > 1"
    assert gone is None
    assert thing.by is not None
    assert thing.by.roles == ("a", "b")
    one = good("by: a\n").by
    assert one is not None
    assert one.roles == ("a",)


def test_objects_are_told_apart_by_their_keys() -> None:
    card, grid = good("layout:\n- {card: x, rows: [[a, b], [c]]}\n- {columns: [x], grid: y}\n").layout
    assert isinstance(card, Card)
    assert card.rows == (("a", "b"), ("c",))
    assert isinstance(grid, Grid)


def test_times() -> None:
    thing = good("due: 8 work_hours\nrate: 20/s\nweek: {mon: [[09:00, 12:30], [13:30, 24:00]]}\n")
    assert thing.due == Duration(Decimal(8), "work_hours")
    assert thing.due is not None
    assert thing.due.of_working_time
    with pytest.raises(ValueError, match="calendar"):
        _ = thing.due.timedelta
    assert thing.rate == Rate(20, "s")
    assert thing.week["mon"][1] == (TimeOfDay(13 * 60 + 30), TimeOfDay(24 * 60))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30 min", timedelta(minutes=30)),
        ("30min", timedelta(minutes=30)),
        ("1 s", timedelta(seconds=1)),
        ("1.5 h", timedelta(minutes=90)),
        ("7 d", timedelta(days=7)),
        ("4 w", timedelta(weeks=4)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert Duration.parse(text).timedelta == length


@pytest.mark.parametrize("text", ["30", "min", "-1 d", "1 month", "1  d", "1 d ", "1e3 s", "٣ d", ""])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="units are"):
        Duration.parse(text)


def test_small_values_are_written_as_they_are_read() -> None:
    assert str(Duration.parse("1 work_day")) == "1 work_days"
    assert str(Rate.parse("600 / min")) == "600/min"
    assert Rate.parse("600/min").period == timedelta(minutes=1)
    assert str(TimeOfDay.parse("09:05")) == "09:05"
    assert TimeOfDay.parse("24:00").since_midnight == timedelta(days=1)


@pytest.mark.parametrize(("text", "problems"), BROKEN)
def test_every_problem_has_its_place_and_its_fix(text: str, problems: list[str]) -> None:
    thing, found = parse(text)
    assert thing is None
    assert [said[: len(wanted)] for said, wanted in zip(found, problems, strict=True)] == problems


def test_a_name_has_an_end() -> None:
    _, found = parse(f"parts: {{{'a' * 64}: text}}")
    assert found == ["2:9: E109 a name has at most 63 characters, this has 64"]


def test_the_document_itself_is_a_name_and_a_map() -> None:
    problems = Problems()
    (document,) = read_text("thing: No Name\n", "a.yaml", problems)
    assert Grammar().parse(Located, document, problems) is None
    assert [problem.code for problem in problems] == ["E104"]


def test_a_part_of_a_document_can_be_read_alone() -> None:
    problems = Problems()
    (document,) = read_text("thing: a\ngo: {to: there}\n", "a.yaml", problems)
    branch = Grammar().parse(Branch, document, problems, ("go",))
    assert branch is not None
    assert branch.to == "there"


def test_what_no_yaml_can_be_is_a_bug() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Odd(Located):
        x: complex

    with pytest.raises(TypeError, match="no shape of YAML"):
        Grammar().json_schema(Odd)


def test_all_expressions_of_a_definition_are_found() -> None:
    thing = good(
        "value: a\nvalues: {x: b}\nacts:\n- {for_each: c, as: x, do: {say: hi}}\nnext: {go: {to: x, if: d}}\ncreate: e"
    )
    assert sorted(formula.text for formula in formulas(thing)) == ["a", "b", "c", "d", "e"]


def test_objects_of_the_same_words_are_equal_wherever_they_stand() -> None:
    one, other = good("next: {go: there}\n"), good("count: 0\nnext: {go: there}\n")
    assert one.next == other.next
    assert one == other
