"""Formats of sequences."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fields.sequence import SequenceField, SequenceFormat
from tests.fields.making import linked, make


def test_a_number_carries_the_date_and_the_count() -> None:
    format_ = SequenceFormat.read("SO{yyyy}{mm}{dd}{seq:6}")
    day = date(2026, 11, 22)
    assert format_.write(day, 1) == "SO20261122000001"
    assert format_.write(day, 1_234_567) == "SO202611221234567"
    assert format_.period(day) == "2026-11-22"


def test_counters_restart_when_the_date_in_them_changes() -> None:
    monthly = SequenceFormat.read("{yy}{mm}-{seq:3}")
    assert monthly.period(date(2026, 11, 1)) == monthly.period(date(2026, 11, 30)) != monthly.period(date(2026, 12, 1))
    assert SequenceFormat.read("N{seq:4}").period(date(2026, 1, 1)) == SequenceFormat.read("N{seq:4}").period(date.max)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SO{yyyy}", "exactly one counter"),
        ("{seq:3}{seq:3}", "exactly one counter"),
        ("{seq}", "none of"),
        ("{seq:0}{seq:1}", "none of"),
        ("{seq:13}", "none of"),
        ("{hour}{seq:3}", "none of"),
        ("{seq:3", "a single '{' at character 1"),
        ("seq:3}", "a single '}' at character 6"),
        ("", "exactly one counter"),
    ],
)
def test_wrong_formats_are_reported(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceFormat.read(text)
    _, problems = linked(f'it: {{type: sequence, format: "{text}"}}')
    assert [found.code for found in problems] == ["E107"]
    assert message in problems[0].message


def test_the_engine_gives_the_number() -> None:
    field = make('{type: sequence, format: "A{seq:3}"}')
    assert isinstance(field, SequenceField)
    assert field.generated
    assert field.unique
    assert field.pattern.write(date(2026, 1, 1), 7) == "A007"
    _, problems = linked('it: {type: sequence, format: "A{seq:3}", default: "\'A1\'"}')
    assert [found.code for found in problems] == ["E110"]


@given(
    st.sampled_from(["{yyyy}{mm}{dd}{seq:2}", "{seq:1}{yy}{dd}", "{yy}{seq:2}{mm}", "{seq:3}"]),
    st.lists(st.tuples(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 10**6)), min_size=2, max_size=2),
)
def test_numbers_of_one_period_differ_and_so_do_periods(text: str, pair: list[tuple[date, int]]) -> None:
    format_ = SequenceFormat.read(text)
    (day, number), (other_day, other) = pair
    same = (format_.period(day), number) == (format_.period(other_day), other)
    assert (format_.write(day, number) == format_.write(other_day, other)) is same
