"""The registry of functions, and how a new one comes into the language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from engine.expressions.builtins import BUILTINS
from engine.expressions.decimals import floor_quotient, quotient, remainder, round_half_up
from engine.expressions.faults import ExpressionProblems
from engine.expressions.functions.function import NUMBER, Form, Function, Writer, functions
from engine.expressions.functions.lists import LIST_FUNCTIONS
from engine.expressions.language import compile_expression
from engine.expressions.tree import Call, walk
from engine.expressions.types import INTEGER, TEXT
from tests.expressions.table import CASES, SCOPE, SERVER_CASES, record, scope_values

FUNCTIONS = functions(BUILTINS)


def test_every_form_of_every_function_has_a_case() -> None:
    trees = [compile_expression(case.text, SCOPE, functions=FUNCTIONS).tree for case in [*CASES, *SERVER_CASES]]
    called = {(node.function, node.form) for tree in trees for node in walk(tree) if isinstance(node, Call)}
    # What stands on a list is asked of a database: see tests/runtime/test_lists.py.
    here = [function for function in BUILTINS if function not in LIST_FUNCTIONS]
    assert called == {(function.name, form) for function in here for form in range(len(function.forms))}


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="'round'"):
        functions([*BUILTINS, FUNCTIONS["round"]])


SHOUT = Function(
    "shout", (Form(takes=(TEXT, INTEGER), optional=1, gives=TEXT, run=lambda text, n=1: text + "!" * n),), ""
)
GREET = Function(
    "greet",
    (Form(takes=(TEXT,), gives=TEXT, run=lambda text, word: f"{word or 'Hello'} {text}", hidden=("greeting",)),),
    "",
)


def doubled(_write: Writer, _call: Call, args: Sequence[str]) -> str:
    return f"({args[0]} * 2)"


TWICE = Function(
    "twice",
    (Form(takes=(NUMBER,), gives=NUMBER, run=lambda value: value * 2, inline=doubled),),
    "",
)
MORE = functions([*BUILTINS, SHOUT, GREET, TWICE])


def test_a_new_function_is_an_entry_in_a_list() -> None:
    def value(text: str, **others: object) -> object:
        return compile_expression(text, SCOPE, functions=MORE)(record(**others), scope_values(greeting=None))

    assert value("shout(name)") == "Box!"
    assert value("shout(name, 3)") == "Box!!!"
    assert value("shout(name, i)", name=None) is None
    assert value("twice(a) + 1") == Decimal(21)
    assert value("twice(i)") == 14


def test_a_function_may_read_the_scope_unasked() -> None:
    expression = compile_expression("greet(name)", SCOPE, functions=MORE)
    assert expression.scope_reads == {("greeting",)}
    assert expression(record(), {"greeting": "Ahoy"}) == "Ahoy Box"
    assert expression(record(), {}) == "Hello Box"


def test_the_number_of_arguments_is_told() -> None:
    with pytest.raises(ExpressionProblems, match="shout takes 1 or 2 arguments, not 3"):
        compile_expression("shout(name, 1, 2)", SCOPE, functions=MORE)
    with pytest.raises(ExpressionProblems, match="coalesce takes 2 or more arguments, not 1"):
        compile_expression("coalesce(name)", SCOPE, functions=MORE)


def test_the_sum_of_no_durations_is_a_duration() -> None:
    expression = compile_expression("sum(minutes(p.times) for p in spares)", SCOPE, functions=FUNCTIONS)
    assert expression(record(), {}) == timedelta()


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [
        ("0.5", 0, "1"),
        ("-0.5", 0, "-1"),
        ("1.005", 2, "1.01"),
        ("-0.004", 2, "0.00"),
        ("1250", -2, "1300"),
        ("7", 2, "7.00"),
    ],
)
def test_rounding_writes_the_digits_asked_for(value: str, digits: int, rounded: str) -> None:
    assert str(round_half_up(Decimal(value), digits)) == rounded


def test_arithmetic_is_exact_but_for_quotients() -> None:
    large, small = Decimal("99999999999999999999999999.99"), Decimal("0.000000000000000000000001")
    assert str(large + small) == "99999999999999999999999999.990000000000000000000001"
    assert str(large * large) == "9999999999999999999999999998000000000000000000000000.0001"
    assert str(quotient(large, 3)) == "33333333333333333333333333.33"
    assert len(quotient(Decimal(2), Decimal(3)).as_tuple().digits) == 28


@pytest.mark.parametrize(("a", "b"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (0, 5)])
def test_floor_division_of_decimals_is_that_of_integers(a: int, b: int) -> None:
    assert (floor_quotient(Decimal(a), b), remainder(Decimal(a), b)) == (a // b, a % b)
    assert floor_quotient(Decimal(a), Decimal(b)) * b + remainder(Decimal(a), Decimal(b)) == a
