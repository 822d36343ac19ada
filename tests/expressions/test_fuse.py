"""Several expressions in one function."""

from __future__ import annotations

import pytest

from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import EvaluationError
from engine.expressions.functions.function import functions
from engine.expressions.language import compile_expression, fuse
from tests.expressions.table import CASES, SCOPE, record, scope_values

FUNCTIONS = functions(BUILTINS)


def test_the_whole_table_in_one_function() -> None:
    texts = list(dict.fromkeys(case.text for case in CASES if case.fails is None))
    expressions = [compile_expression(text, SCOPE, functions=FUNCTIONS) for text in texts]
    together = fuse(expressions)(record(), scope_values())
    assert together == tuple(expression(record(), scope_values()) for expression in expressions)


def test_one_expression_is_a_tuple_of_one() -> None:
    assert fuse([compile_expression("i + 1", SCOPE, functions=FUNCTIONS)])(record(), {}) == (8,)


def test_nothing_cannot_be_fused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        fuse([])


def test_an_error_names_the_text_that_it_came_from() -> None:
    expressions = [compile_expression(text, SCOPE, functions=FUNCTIONS) for text in ("a / b", "3 + a / i", "b / a")]
    with pytest.raises(EvaluationError) as caught:
        fuse(expressions)(record(i=0), {})
    assert caught.value.message == "division by zero in `a / i`"
    assert (caught.value.place.text, caught.value.place.start, caught.value.place.end) == ("3 + a / i", 4, 9)


class Counting(dict[str, object]):
    """A record that notes how often each field is read."""

    def __init__(self, values: dict[str, object]) -> None:
        super().__init__(values)
        self.reads: list[str] = []

    def __getitem__(self, name: str) -> object:
        self.reads.append(name)
        return super().__getitem__(name)


def test_what_several_read_is_read_once() -> None:
    texts = ("owner.limit > a", "owner.limit < 3 or a > 2", "sum(p.weight * a for p in parts)")
    values = Counting(record())
    fuse([compile_expression(text, SCOPE, functions=FUNCTIONS) for text in texts])(values, {})
    assert sorted(values.reads) == ["a", "owner", "parts"]
