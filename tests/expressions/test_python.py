"""The Python backend: the table of cases, and what its generated code is like."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import EvaluationError
from engine.expressions.functions.function import functions
from engine.expressions.language import compile_expression
from engine.expressions.types import DECIMAL, INTEGER, ListType, Type
from tests.expressions.table import CASES, SCOPE, SERVER_CASES, Case

FUNCTIONS = functions(BUILTINS)


def same(value: Any, answer: Any, type_: Type) -> bool:
    """Whether the value is the answer, and as Python has it: no float, no integer where a decimal belongs."""
    if isinstance(type_, ListType) and value is not None:
        return len(value) == len(answer) and all(same(a, b, type_.item) for a, b in zip(value, answer, strict=True))
    if value is not None and type_ in (DECIMAL, INTEGER) and type(value) is not {DECIMAL: Decimal, INTEGER: int}[type_]:
        return False
    return value == answer and (value is None) == (answer is None)


@pytest.mark.parametrize("case", [*CASES, *SERVER_CASES], ids=lambda case: case.name)
def test_case(case: Case) -> None:
    expression = compile_expression(case.text, SCOPE, functions=FUNCTIONS)
    if case.fails:
        with pytest.raises(EvaluationError, match=f"^{case.fails} in `"):
            expression(case.record, case.scope)
        return
    value = expression(case.record, case.scope)
    assert same(value, case.answer(expression.type), expression.type), value
    assert value is not None or expression.nullable
    assert expression.holds(case.record, case.scope) is (value is True)
