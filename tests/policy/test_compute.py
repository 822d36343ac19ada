"""What a record says by itself: defaults once, computed fields always, amounts spread to the last cent, and what it
must meet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Complaint
from engine.policy.compute import Computer
from engine.ports import Record
from tests.policy.office import office, paper

COMPUTER = Computer(office(), "paper")


def line(**values: Any) -> Record:
    fields = dict.fromkeys(office().row_fields("paper", ["lines"]))
    return {**fields, "id": None, "name": "cup", **values}


def worked_out(**values: Any) -> tuple[Record, list[Complaint]]:
    record = paper(**{"id": None, "code": "P", "weight": Decimal(1), "urgent": None, "rebate": None, **values})
    names, complaints = {"record": record, "paper": record}, []
    COMPUTER.fill(record, names)
    COMPUTER.compute(record, names, complaints)
    return record, [*complaints, *COMPUTER.complaints(record, names)]


def test_defaults_fill_what_is_null_in_new_records_and_rows_only() -> None:
    record, _ = worked_out(lines=[line(), line(price=Decimal(7)), line(id="r3", pieces=3)])
    assert (record["note"], record["urgent"], record["rebate"]) == ("for P", False, 0)
    assert [(row["line"], row["pieces"], row["price"]) for row in record["lines"]] == [
        (1, 1, Decimal(5)),
        (2, 1, Decimal(7)),
        (3, 3, None),
    ]
    kept, _ = worked_out(id="p1", note=None)
    assert kept["note"] is None, "it was taken away on purpose"


def test_each_computed_field_comes_after_what_it_reads() -> None:
    record, complaints = worked_out(lines=[line(pieces=2), line(pieces=3)], rebate=Decimal(5), weight=Decimal(4))
    assert (record["goods"], record["total"], record["rate"]) == (25, 20, 5)
    assert [row["share"] for row in record["lines"]] == [2, 3]
    assert complaints == []


def test_one_that_cannot_be_worked_out_is_named_and_the_others_are() -> None:
    record, complaints = worked_out(lines=[line()], weight=Decimal(0))
    assert [(one.at, one.code) for one in complaints] == [("rate", "CANNOT_COMPUTE")]
    assert (record["total"], record["rate"]) == (5, None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"code": None}, [("code", "VALUE_REQUIRED")]),
        ({"code": ""}, [("code", "VALUE_REQUIRED")]),
        ({"lines": [line(), line(name=None)]}, [("lines[1].name", "VALUE_REQUIRED")]),
        ({"lines": [line(pieces=0)]}, [("lines[0].pieces", "VALUE_RANGE")]),
        ({"lines": [line()], "rebate": Decimal(5)}, []),
        ({"lines": [line()], "rebate": Decimal("5.01")}, [("rebate", "VALUE_RANGE")]),
        ({"lines": [line(pieces=201)], "urgent": True}, [("total", "TOO_DEAR")]),
        ({"lines": [line(pieces=200)], "urgent": True}, []),
        ({"lines": [line(pieces=201)], "urgent": False}, []),
    ],
)
def test_what_a_record_must_meet(values: Record, expected: list[tuple[str, str]]) -> None:
    assert [(one.at, one.code) for one in worked_out(**values)[1]] == expected


MONEY = st.decimals(0, 10**6, places=2)


@given(lines=st.lists(st.tuples(st.integers(1, 99), MONEY), min_size=1, max_size=9), share=st.integers(0, 100))
def test_what_is_spread_adds_up_and_goes_by_weight(lines: list[tuple[int, Decimal]], share: int) -> None:
    goods = sum(pieces * price for pieces, price in lines)
    rebate = (goods * share / 100).quantize(Decimal("0.01")) if goods else Decimal(0)
    record, complaints = worked_out(lines=[line(pieces=n, price=p) for n, p in lines], rebate=rebate)
    assert complaints == []
    assert sum(row["share"] for row in record["lines"]) == rebate
    for row in record["lines"]:
        exact = rebate * row["amount"] / goods if goods else Decimal(0)
        assert abs(row["share"] - exact) < Decimal("0.01")
