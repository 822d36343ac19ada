"""Values of a column that holds something else from now on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from engine.store.migrate.convert import always_fits, converter
from engine.store.migrate.schema import KINDS, type_of

ID = "01939a6e-5c00-7000-8000-000000000001"
MOMENT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "value", "after", "found", "same"),
    [
        ("integer", 7, "decimal(18, 2)", Decimal("7.00"), True),
        ("decimal(18, 2)", Decimal("7.00"), "integer", 7, True),
        ("decimal(18, 2)", Decimal("7.50"), "integer", 8, False),
        ("decimal(18, 3)", Decimal("1.005"), "decimal(18, 2)", Decimal("1.01"), False),
        ("decimal(18, 3)", Decimal("-1.005"), "decimal(18, 2)", Decimal("-1.01"), False),
        ("decimal(18, 2)", Decimal("1000.00"), "decimal(5, 2)", None, False),
        ("decimal(18, 2)", Decimal("999.99"), "decimal(5, 2)", Decimal("999.99"), True),
        ("integer", 10**15, "decimal(18, 4)", None, False),
        ("text", " 12.50 ", "decimal(18, 2)", Decimal("12.50"), True),
        ("text", "12.505", "decimal(18, 2)", Decimal("12.51"), False),
        ("text", "a dozen", "integer", None, False),
        ("text", "NaN", "integer", None, False),
        ("text", "1e999999", "integer", None, False),
        ("text", "9" * 19, "integer", None, False),
        ("text", "2026-11-22", "date", date(2026, 11, 22), True),
        ("text", "22.11.2026", "date", None, False),
        ("text", "2026-11-22T12:30:00Z", "datetime", MOMENT, True),
        ("text", "2026-11-22T12:30:00", "datetime", None, False),
        ("text", "12:30:00", "time", time(12, 30), True),
        ("text", "12:30:00.5", "time", None, False),
        ("text", ID, "key", ID, True),
        ("text", "ACME", "key", None, False),
        ("text", "true", "boolean", True, True),
        ("text", "yes", "boolean", None, False),
        ("text", '["a", 1]', "json", ["a", 1], True),
        ("text", "null", "json", None, False),
        ("text", '"\\u0000"', "json", None, False),
        ("datetime", MOMENT, "text", "2026-11-22T12:30:00+00:00", True),
        ("datetime", MOMENT, "date", None, False),
        ("decimal(18, 2)", Decimal("0.10"), "text", "0.10", True),
        ("boolean", True, "text", "true", True),
        ("boolean", True, "integer", None, False),
        ("integer", 1, "boolean", None, False),
        ("json", {"b": 1, "a": [2]}, "text", '{"a":[2],"b":1}', True),
        ("key", ID, "text", ID, True),
    ],
)
def test_values(before: str, value: Any, after: str, found: Any, same: bool) -> None:
    converted = converter(before, after)(value)
    assert converted == (found, same)
    assert type(converted[0]) is type(found)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**53) + 1, 2**53 - 1),
    "small_integer": st.integers(-(2**31), 2**31 - 1),
    "datetime": st.datetimes(timezones=st.just(UTC)),
    "date": st.dates(),
    "time": st.times().map(lambda value: value.replace(microsecond=0)),
    "key": st.uuids().map(str),
    "json": st.recursive(st.booleans() | st.integers(-9, 9) | texts, st.lists),
    "text": texts | st.integers().map(str) | st.decimals(allow_nan=False).map(str) | st.dates().map(str),
    "boolean": st.booleans(),
    "decimal(18, 2)": st.decimals(-(10**15), 10**15, places=2),
    "decimal(9, 4)": st.decimals(-(10**4), 10**4, places=4),
}


@given(st.data(), st.sampled_from(sorted(VALUES)), st.sampled_from(sorted(VALUES)))
def test_what_comes_out_is_what_the_column_takes(data: st.DataObject, before: str, after: str) -> None:
    value = data.draw(VALUES[before])
    found, same = converter(before, after)(value)
    assert found is not None or not same
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        bind = type_of(after).dialect_impl(dialect).bind_processor(dialect)
        if bind is not None and found is not None:
            bind(found)  # raises where the column cannot keep it


@given(st.data(), st.sampled_from(sorted(set(VALUES) - {"json"})))
def test_every_text_of_a_value_is_the_value_again(data: st.DataObject, kind: str) -> None:
    value = data.draw(VALUES[kind])
    text, same = converter(kind, "text")(value)
    assert same
    assert converter("text", kind)(text) == (value, True)


def test_all_kinds_are_tried() -> None:
    # The content of files is in a table of our own: no field is of that kind, so that none becomes one.
    assert set(KINDS) - {"bytes"} == set(VALUES) & set(KINDS)


@pytest.mark.parametrize(
    ("before", "after", "fits"),
    [
        ("decimal(18, 2)", "decimal(18, 2)", True),
        ("decimal(10, 2)", "decimal(18, 4)", True),
        ("decimal(18, 2)", "decimal(18, 4)", False),
        ("decimal(18, 4)", "decimal(18, 2)", False),
        ("integer", "decimal(18, 0)", False),
    ],
)
def test_decimals_that_always_fit(before: str, after: str, fits: bool) -> None:
    assert always_fits(before, after) is fits
