"""The second opinion: the table of cases, its steps, and what it refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import ExpressionError
from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import EvaluationError, ExpressionProblems
from engine.expressions.functions.function import functions
from engine.expressions.interpret import Step, interpret
from engine.expressions.language import compile_expression
from tests.expressions.table import BOX, CASES, SCOPE, SERVER_CASES, Case, record, scope_values

FUNCTIONS = functions(BUILTINS)


@pytest.mark.parametrize("case", [*CASES, *SERVER_CASES], ids=lambda case: case.name)
def test_case(case: Case) -> None:
    if case.fails:
        with pytest.raises(EvaluationError, match=f"^{case.fails} in `"):
            interpret(case.text, case.record, case.scope, SCOPE, FUNCTIONS)
        return
    value = interpret(case.text, case.record, case.scope, SCOPE, FUNCTIONS)
    expected = case.answer(compile_expression(case.text, SCOPE, functions=FUNCTIONS).type)
    if isinstance(expected, dict):
        value, expected = value["id"], expected["id"]
    assert value == expected
    assert not isinstance(value, float)
    assert (value is None) == (expected is None)


def test_steps_say_what_each_part_came_to() -> None:
    steps: list[Step] = []
    text = "a * rate > 1 and count(parts) == 4"
    assert interpret(text, record(), scope_values(), SCOPE, FUNCTIONS, trace=steps) is False
    said = {text[step.start : step.end]: step.value for step in steps}
    assert said["a"] == Decimal("10.00")
    assert said["a * rate"] == Decimal("1.25")
    assert said["a * rate > 1"] is True
    assert said["count(parts)"] == 3
    assert said["count(parts) == 4"] is False
    assert [said[text]] == [steps[-1].value] == [False]


def test_steps_leave_out_what_was_not_needed() -> None:
    steps: list[Step] = []
    interpret("i < 0 and a / 0 > 1", record(), scope_values(), SCOPE, FUNCTIONS, trace=steps)
    assert Decimal("10.00") not in [step.value for step in steps]


def test_a_bare_word_is_an_option_where_a_choice_is_expected() -> None:
    member = BOX.member("status")
    assert member is not None
    found = interpret("open if flag else done", record(), scope_values(), SCOPE, FUNCTIONS, expects=member.type)
    assert found == "open"


@pytest.mark.parametrize("text", ["nothing", "owner.nothing", "code.upper", "soundex(code)", "upper(a)", "parts(1)"])
def test_what_is_not_there_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        interpret(text, record(), scope_values(), SCOPE, FUNCTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "2 ** 9",
        "[x for x in codes]",
        "lambda: 1",
        "parts[0]",
        "f'{a}'",
        "(x := 3)",
        "code.clear()",
        "1 << 9",
        "{'a': 1}",
    ],
)
def test_what_is_no_expression_of_ours_is_refused(text: str) -> None:
    with pytest.raises((ExpressionError, ExpressionProblems)):
        interpret(text, record(), scope_values(), SCOPE, FUNCTIONS)


def test_data_is_never_reached_by_attributes() -> None:
    with pytest.raises(ExpressionError, match="no field 'clear'"):
        interpret("user.clear", record(), scope_values(), SCOPE, FUNCTIONS)
