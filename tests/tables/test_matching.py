"""The quick ways to find rows give what the plain loop gives, under every hit policy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tables.axis import runs
from engine.tables.matching import generated, indexed
from engine.tables.rules import Rules, Undecided
from tests.tables.random_tables import every_case, rules, taken


def number(rows: list[int]) -> int:
    return sum(1 << row for row in rows)


@settings(max_examples=60, deadline=None)
@given(rules())
def test_index_and_generated_code_find_the_rows_of_the_loop(table: Rules) -> None:
    index, code = indexed(table.axes, table.tests), generated(table.tests, first_only=False)
    first = generated(table.tests, first_only=True)
    for values in every_case(table.inputs):
        expected = taken(table.tests, values)
        assert index(values) == code(values) == number(expected), values
        assert first(values) == number(expected[:1]), values


def by_hand(table: Rules, values: tuple[Any, ...]) -> Any:
    """What the standard says of each hit policy, over the plain loop."""
    hits = [row for row in table.rows if taken([row.tests], values)]
    outs = [{column.name: cell.value for column, cell in zip(table.outputs, row.gives, strict=True)} for row in hits]
    options = {"x": 0, "y": 1, "z": 2, None: 3}
    match table.hit:
        case "unique":
            return outs[0] if len(outs) == 1 else Undecided
        case "any":
            return outs[0] if outs and all(out == outs[0] for out in outs) else Undecided
        case "first":
            return outs[0] if outs else Undecided
        case "priority":
            return min(outs, key=lambda out: options[out["out"]]) if outs else Undecided
        case "rule_order" | "collect":
            return outs
        case "output_order":
            return sorted(outs, key=lambda out: options[out["out"]])
    scores = [out["score"] for out in outs if out["score"] is not None]
    match table.hit:
        case "collect sum":
            return sum(scores)
        case "collect count":
            return len(scores)
        case "collect min":
            return min(scores, default=None)
        case "collect max":
            return max(scores, default=None)


@settings(max_examples=100, deadline=None)
@given(rules())
def test_every_hit_policy_decides_as_by_hand(table: Rules) -> None:
    for values in every_case(table.inputs):
        expected = by_hand(table, values)
        if expected is Undecided:
            with pytest.raises(Undecided):
                table.decide(values)
        else:
            assert table.decide(values).value == expected, values


@given(rules(hit="unique"), st.integers(7, 99))
def test_a_value_out_of_its_range_is_refused(table: Rules, value: int) -> None:
    for place, column in enumerate(table.inputs):
        if column.name in ("number", "amount"):
            values = [every_case(table.inputs)[0][at] for at in range(len(table.inputs))]
            values[place] = value if column.name == "number" else Decimal(value)
            with pytest.raises(Undecided) as caught:
                table.decide(values)
            assert caught.value.code == "OUT_OF_RANGE"


@given(st.sets(st.integers(0, 200)))
def test_runs_are_the_bits(places: set[int]) -> None:
    found = [place for first, last in runs(number(list(places))) for place in range(first, last + 1)]
    assert found == sorted(places)
