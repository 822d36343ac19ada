"""What holds for every expression: it is refused with a place or it runs, as its type, nullability and reads say."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PROBLEM_CODES
from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import EvaluationError, ExpressionProblems, Fault
from engine.expressions.functions.function import functions
from engine.expressions.language import Expression, compile_expression, fuse
from engine.expressions.parse import DEEPEST, MOST_NODES
from engine.expressions.scan import LONGEST_TEXT
from engine.expressions.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, TEXT
from tests.expressions.random_expressions import expressions, records, scopes
from tests.expressions.table import CASES, SCOPE, record, scope_values

FUNCTIONS = functions(BUILTINS)
PYTHON_TYPES = {INTEGER: int, DECIMAL: Decimal, BOOLEAN: bool, TEXT: str, DATE: date, DATETIME: datetime}

LEAVES = st.sampled_from(["flag", "other", "ready", "true", "false", "null", "a>3", "b<a", "name==null", "1/i>0"])
#: Yes and no, nested freely: here three-valued logic is easily got wrong.
LOGIC = st.recursive(
    LEAVES | st.builds("any({} for p in parts if {})".format, LEAVES | st.just("p.open"), LEAVES | st.just("p.open")),
    lambda part: st.one_of(
        st.builds("({} {} {})".format, part, st.sampled_from(["and", "or"]), part),
        st.builds("({1} {0} {2} {0} {3})".format, st.sampled_from(["and", "or"]), part, part, part),
        st.builds("(not {})".format, part),
        st.builds("({} if {} else {})".format, part, part, part),
    ),
    max_leaves=8,
)
EXPRESSIONS = st.one_of(expressions(), LOGIC)


def compiled(text: str) -> Expression:
    return compile_expression(text, SCOPE, functions=FUNCTIONS)


def attempt(text: str) -> tuple[Expression | None, tuple[Fault, ...]]:
    """The expression or what is wrong with it."""
    try:
        return compiled(text), ()
    except ExpressionProblems as problems:
        return None, problems.faults


class Failed(str):
    """The message of an error, in the place of a value."""


def outcome(expression: Any, r: Mapping[str, Any], s: Mapping[str, Any]) -> Any:
    """The value, or Failed."""
    try:
        return expression(r, s)
    except EvaluationError as error:
        return Failed(error.message)


@given(EXPRESSIONS, records(), scopes())
def test_a_value_is_as_the_type_says(text: str, r: dict[str, Any], s: dict[str, Any]) -> None:
    expression = compiled(text)
    value = outcome(expression, r, s)
    if value is None:
        assert expression.nullable
    elif not isinstance(value, Failed):
        assert type(value) is PYTHON_TYPES.get(expression.type, str)


@given(LOGIC, records(), scopes())
def test_a_test_is_the_value_being_true(text: str, r: dict[str, Any], s: dict[str, Any]) -> None:
    expression = compiled(text)
    value = outcome(expression, r, s)
    if not isinstance(value, Failed):
        # What the value does not need, a test may leave out; never the other way round.
        assert expression.holds(r, s) is (value is True)
        assert outcome(compiled(f"not ({text})"), r, s) is (None if value is None else not value)


@given(EXPRESSIONS, EXPRESSIONS, records(), scopes())
def test_fused_is_the_same(one: str, two: str, r: dict[str, Any], s: dict[str, Any]) -> None:
    expressions = [compiled(one), compiled(two)]
    values = [outcome(expression, r, s) for expression in expressions]
    failed = [value for value in values if isinstance(value, Failed)]
    assert outcome(fuse(expressions), r, s) == (failed[0] if failed else tuple(values))


def prune(values: Any, paths: Iterable[tuple[str, ...]]) -> Any:
    """Only what the paths lead to."""
    if isinstance(values, list):
        return [prune(item, paths) for item in values]
    if not isinstance(values, dict):
        return values
    heads = {path[0] for path in paths if path}
    return {name: prune(values[name], [path[1:] for path in paths if path and path[0] == name]) for name in heads}


def check_reads(expression: Expression, r: dict[str, Any], s: dict[str, Any]) -> None:
    """Whether the expression finds what it needs in no more than what it says it reads."""
    whole = outcome(expression, r, s)
    pruned = outcome(expression, prune(r, expression.reads), prune(s, expression.scope_reads))
    assert pruned == whole or expression.type not in PYTHON_TYPES  # a record is given with what was left of it


@given(EXPRESSIONS, records(), scopes())
def test_reads_are_all_that_is_needed(text: str, r: dict[str, Any], s: dict[str, Any]) -> None:
    check_reads(compiled(text), r, s)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reads_of_the_table(case: Any) -> None:
    check_reads(compiled(case.text), case.record, case.scope)


WORDS = re.findall(
    r"\S+",
    "a parts p owner . name sum any ( ) [ ] , + - * / // % ** == != < > and or not in if else for is lambda : := = "
    'null true None 1 2.5 1e9 "x" \' " f\' \\ # @ & | ~ { } await yield _ __class__ 箱 ， \x00 \ud800',
)
TEXTS = st.one_of(
    st.text(max_size=60), st.text(string.printable, max_size=60), st.lists(st.sampled_from(WORDS)).map(" ".join)
)


@given(TEXTS)
def test_any_text_is_refused_with_a_place_or_compiles(text: str) -> None:
    expression, faults = attempt(text)
    assert (expression is None) == bool(faults)
    for fault in faults:
        assert fault.code in PROBLEM_CODES
        assert 0 <= fault.start <= fault.end <= len(text), fault
        assert fault.start < fault.end or not text
    if expression is not None:
        outcome(expression, record(), scope_values())


DEEP = {
    "brackets": ("(", "a", ")"),
    "minus": ("-", "a", ""),
    "not": ("not ", "flag", ""),
    "sums": ("", "a", " + b"),
    "nested sums": ("(b + ", "a", ")"),
    "fractions": ("(b / ", "a", ")"),
    "and": ("(other and ", "flag", ")"),
    "and or": ("(other and (ready or ", "flag", "))"),
    "conditions": ("(1 if flag else ", "a", ")"),
    "conditions on conditions": ("(flag if ", "flag", " else other)"),
    "logic on conditions": ("(other and (flag if ", "flag", " else other))"),
    "comparisons": ("((flag and ", "flag", ") == other)"),
    "rounds": ("round(", "a", ", 2)"),
    "coalesce": ("coalesce(b, ", "a", ")"),
    "minima": ("min(b, ", "a", ")"),
    "lists": ("(i in [j, 1 if ", "flag", " else 2])"),
    "tests": ("(not ", "flag", " and other)"),
    "members": ("", "owner", ".boss"),
    "joins": ("(name + ", "name", ")"),
}


@pytest.mark.parametrize("shape", DEEP.values(), ids=DEEP.keys())
def test_as_deep_as_allowed_and_deeper(shape: tuple[str, str, str]) -> None:
    """The deepest expression of each shape that is accepted also compiles and runs; all others are refused."""
    before, middle, after = shape
    attempts = [attempt(before * times + middle + after * times) for times in range(1, DEEPEST + 2)]
    accepted = [expression for expression, _ in attempts if expression is not None][-1]
    refused = [faults for _, faults in attempts if faults]
    assert refused
    assert {fault.code for faults in refused for fault in faults} == {"E207"}
    outcome(accepted, record(), scope_values())
    if accepted.type == BOOLEAN:
        accepted.holds(record(), scope_values())
    assert len(accepted.source) < 40 * LONGEST_TEXT


@pytest.mark.parametrize(
    "text",
    [
        "a + " * 2_000 + "a",
        "(" * 1_000 + "a" + ")" * 1_000,
        "-" * 1_999 + "a",
        "not " * 490 + "flag",
        "owner" + ".boss" * 390,
        "[" + "a," * (MOST_NODES + 1) + "]",
        "max(" + "1," * (MOST_NODES + 1) + "1)",
        "1" * 1_000,
        "4000000**4000000",
        "9**9**9**9",
        "'%900000000d' % 1",
        "'a' * 1000000000",
        "'a'.ljust(1000000000)",
        "f'{a:>900000000}'",
        "parts.clear()",
        "().__class__.__bases__[0].__subclasses__()",
        "a.__class__",
        "[x for x in ().__class__.__base__.__subclasses__()]",
        "(lambda: a)()",
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "exec('1')",
        "getattr(owner, 'name')",
        "record.items",
        "parts.append(1)",
        "(a := 3)",
        "any(any(any(p.open for p in parts) for q in parts) for x in parts)",
        "sum(p.weight for p in parts for q in parts)",
    ],
)
def test_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(ExpressionProblems):
        compiled(text)


def test_texts_that_grow_are_stopped() -> None:
    doubling = "name"
    for _ in range(6):
        doubling = f"concat({doubling}, {doubling})"
    with pytest.raises(EvaluationError, match="100000 are the most"):
        compiled(doubling)(record(name="x" * 50_000), {})
    with pytest.raises(EvaluationError, match="more than 100000"):
        compiled('replace(name, "x", name)')(record(name="x" * 50_000), {})
    with pytest.raises(EvaluationError, match=r"the most in `name \+ name`"):
        compiled("name + name + name")(record(name="x" * 60_000), {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("made + days(9999999)", "a time out of range in `made + days(9999999)`"),
        ("sent - days(9999999)", "a time out of range in `sent - days(9999999)`"),
        ("days(99999999999)", "a value out of range in `days(99999999999)`"),
        ("days(999999999) * 9", "a duration out of range in `days(999999999) * 9`"),
        (
            "round(" + " * ".join(["1000000000000000.5"] * 9) + ", 2)",
            "a number out of range in `round(1000000000000000.5",
        ),
        ("date(sent)", "there is no time zone 'Mars/Olympus' in `date(sent)`"),
        ('next_day(sent, "10:00", "09:00")', "there is no time zone 'Mars/Olympus' in `next_day"),
    ],
)
def test_values_out_of_range(text: str, message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        compiled(text)(record(), scope_values(timezone="Mars/Olympus"))
    assert caught.value.message.startswith(message)


def test_generated_code_reaches_no_builtins() -> None:
    for text in ("round(a * b, 2) - price", "sum(p.weight for p in parts if p.open)", "any(parts.open)"):
        namespace = compiled(text).function.__globals__
        assert namespace["__builtins__"] == {}


def test_a_record_is_not_changed() -> None:
    r, s = record(), scope_values()
    for case in CASES:
        if case.fails is None:
            compiled(case.text)(r, s)
    assert (r, s) == (record(), scope_values())
