"""From what a caller sends to typed values: all that is wrong is told with its place, nothing wrong gets through."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Complaint
from engine.policy.values import MOST_ROWS, Reader, merge_rows, number_rows, whole_rows
from tests.policy.office import office

FIELDS = office().fields("paper")
READER = Reader(FIELDS, "Asia/Shanghai", refused=frozenset({"status", "version"}))


def read(values: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    complaints: list[Complaint] = []
    typed = READER.read(values, complaints)
    return typed, [(one.at, one.code) for one in complaints]


def test_values_are_typed_and_nulls_stay() -> None:
    typed, wrong = read({"code": "P", "rebate": "1.50", "note": None, "lines": [{"name": "cup", "pieces": 2}]})
    assert wrong == []
    assert typed == {"code": "P", "rebate": Decimal("1.50"), "note": None, "lines": [{"name": "cup", "pieces": 2}]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], [("", "VALUE_TYPE")]),
        ({"cod": "P"}, [("cod", "UNKNOWN_FIELD")]),
        ({"goods": 1}, [("goods", "READ_ONLY")]),
        ({"status": "done"}, [("status", "READ_ONLY")]),
        ({"rebate": "much"}, [("rebate", "VALUE_FORMAT")]),
        ({"lines": {"name": "cup"}}, [("lines", "VALUE_TYPE")]),
        ({"lines": [{"pieces": "x"}, 7]}, [("lines[0].pieces", "VALUE_FORMAT"), ("lines[1]", "VALUE_TYPE")]),
        ({"lines": [{"id": 7}]}, [("lines[0].id", "VALUE_TYPE")]),
        ({"lines": [{"line": 1}, {"line": 2}, {"line": 1}]}, [("lines[2].line", "DUPLICATE_KEY")]),
        ({"lines": [{}] * (MOST_ROWS + 1)}, [("lines", "TOO_MANY_ROWS")]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(values: Any, expected: list[tuple[str, str]]) -> None:
    assert read(values)[1] == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "nonsense"]), JSON, max_size=6))
def test_whatever_is_sent_each_field_is_typed_or_complained_about(values: dict[str, Any]) -> None:
    typed, wrong = read(values)
    for name in values:
        told = any(at == name or at.startswith((f"{name}.", f"{name}[")) for at, _ in wrong)
        assert told or name in typed


def test_rows_without_a_number_get_the_next_ones() -> None:
    rows = [{"line": None}, {"line": 7}, {"line": None}]
    number_rows(rows, "line")
    assert [row["line"] for row in rows] == [8, 7, 9]


def test_new_rows_are_whole_and_ids_of_the_caller_mean_nothing() -> None:
    [row] = whole_rows(READER.rows["lines"], [{"id": "x", "name": "cup"}])
    assert row == {**dict.fromkeys(office().row_fields("paper", ["lines"])), "id": None, "name": "cup"}


def merged(present: list[dict[str, Any]], given_: list[dict[str, Any]]) -> tuple[list[Any], list[tuple[str, str]]]:
    complaints: list[Complaint] = []
    rows = merge_rows(FIELDS["lines"], READER.rows["lines"], present, given_, "lines", complaints)
    return [(row["id"], row["line"], row["name"]) for row in rows], [(one.at, one.code) for one in complaints]


def test_rows_are_changed_by_id_or_key_added_and_left_out() -> None:
    present = [{"id": f"r{at}", "line": at, "name": "old"} for at in (1, 2, 3)]
    assert merged(present, [{"id": "r2", "name": "new"}, {"line": 1, "name": "newer"}, {"name": "more"}]) == (
        [("r2", 2, "new"), ("r1", 1, "newer"), (None, 3, "more")],
        [],
    )


def test_rows_that_are_not_there_and_rows_that_come_twice_are_told() -> None:
    present = [{"id": "r1", "line": 1, "name": "old"}]
    assert merged(present, [{"id": "r9"}])[1] == [("lines[0].id", "UNKNOWN_ROW")]
    assert merged(present, [{"id": "r1"}, {"line": 1}])[1] == [("lines[1].line", "DUPLICATE_KEY")]
