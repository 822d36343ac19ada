"""Rows: their fields, their scope, how deep they go."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.fields.field import ValueFault
from engine.fields.rows import RowsField
from tests.fields.making import linked, make

LINES = "{type: rows, key: no, of: {no: integer, quantity: {type: decimal, digits: 3, above: 0}, note: text}}"


def test_a_row_is_read_by_its_fields() -> None:
    rows = make(LINES).parse([{"no": "1", "quantity": "2.5", "note": None}, {"id": "x", "quantity": 1}])
    assert rows == [{"no": 1, "quantity": Decimal("2.500"), "note": None}, {"id": "x", "quantity": Decimal("1.000")}]


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        ({}, "VALUE_TYPE", "list of rows"),
        ("x", "VALUE_TYPE", "list of rows"),
        ([1], "VALUE_TYPE", r"\[0\] expected a row"),
        ([{}, {"quantity": 0}], "VALUE_RANGE", r"\[1\]\.quantity must be more than 0"),
        ([{"nothing": 1}], "VALUE_TYPE", r"\[0\] has no field 'nothing'"),
    ],
)
def test_the_first_fault_is_told_with_its_place(raw: object, code: str, message: str) -> None:
    with pytest.raises(ValueFault, match=message) as caught:
        make(LINES).parse(raw)
    assert caught.value.code == code


def test_row_expressions_see_the_row_and_the_record_around() -> None:
    fields, problems = linked("""
rate: decimal
total: {type: money, value: sum(lines.amount)}
lines:
  type: rows
  of:
    quantity: decimal
    amount: {type: money, value: quantity * record.rate + thing.rate}
    parts: {type: rows, of: {share: {type: decimal, max: quantity, value: record.rate}}}
""")
    # `quantity` belongs to the row around a part, which a part's expressions do not name.
    assert [found.code for found in problems] == ["E203"]
    lines = fields["lines"]
    assert isinstance(lines, RowsField)
    amount = lines.of["amount"].value.expression  # type: ignore[index,union-attr]
    record = {"rate": Decimal(3)}
    assert amount({"quantity": Decimal(2)}, {"record": record, "thing": record}) == 9


def test_rows_nest_two_deep_at_most() -> None:
    _, problems = linked("a: {type: rows, of: {b: {type: rows, of: {x: text}}}}")
    assert not problems
    _, problems = linked("a: {type: rows, of: {b: {type: rows, of: {c: {type: rows, of: {x: text}}}}}}")
    assert [found.code for found in problems] == ["E405"]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{type: rows, of: {}}", "E107"),
        ("{type: rows, of: {a: text}, key: b}", "E303"),
        ("{type: rows, of: {a: json}, key: a}", "E404"),
        ("{type: rows, of: {a: text}, unique: true}", "E404"),
        ("{type: rows, of: {a: text}, default: 1}", "E110"),
        ("{type: rows, of: {a: {type: text, max: 0}}}", "E107"),
    ],
)
def test_wrong_rows_are_reported(field: str, code: str) -> None:
    _, problems = linked(f"it: {field}")
    assert [found.code for found in problems] == [code]


def test_the_wire_form_has_the_wire_form_of_each_field() -> None:
    rows = [{"id": "x", "no": 1, "quantity": Decimal("2.500"), "note": None}]
    assert make(LINES).wire(rows) == [{"id": "x", "no": 1, "quantity": "2.500", "note": None}]
    assert make(LINES).display(rows, "en") == "1 row"
    assert make(LINES).display(rows * 2, "zh") == "2 行"


def test_computed_fields_are_read_only_in_the_schema() -> None:
    schema = make("{type: rows, of: {a: integer, b: {type: integer, value: a + 1}}}").schema()
    properties = schema["items"]["properties"]
    assert "readOnly" not in properties["a"]
    assert properties["b"]["readOnly"] is True
