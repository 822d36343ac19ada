"""Working time: what always holds of it, and what cannot be worked out. Its cases stand in ``cases.yaml``."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.expressions.builtins import BUILTINS
from engine.expressions.calendars import WorkingTime
from engine.expressions.faults import ExpressionProblems
from engine.expressions.functions.function import functions
from engine.expressions.language import compile_expression
from engine.expressions.types import DATE, DATETIME, Member, Scope, SimpleShape
from tests.expressions.table import CALENDAR

FUNCTIONS = functions(BUILTINS)
SCOPE = Scope(SimpleShape("thing", {"day": Member(DATE), "at": Member(DATETIME)}))
FRIDAY = {"day": date(2026, 11, 20), "at": datetime(2026, 11, 20, 9, tzinfo=UTC)}  # five in the afternoon there


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("add_work_days(day, 1.5)", "E205"),
        ("add_work_hours(day, 1)", "E205"),
        ("add_work_day(day, 1)", "E206"),
        ("add_work_hours(at)", "E206"),
        ('is_workday("soon")', "E205"),
    ],
)
def test_wrong_calls_are_found_at_load(text: str, code: str) -> None:
    with pytest.raises(ExpressionProblems) as found:
        compile_expression(text, SCOPE, functions=FUNCTIONS)
    assert found.value.faults[0].code == code


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("is_workday(day)", {}, "the application has no calendar"),
        ("add_work_hours(at, -1)", {"_calendar": CALENDAR}, "working time is not counted backwards"),
        ("add_work_hours(at, 1)", {"_calendar": WorkingTime("UTC", ((),) * 7)}, "not so much working time"),
        ("add_work_days(day, 40000)", {"_calendar": CALENDAR}, "no such workday"),
    ],
)
def test_what_cannot_be_worked_out_says_why(text: str, names: dict[str, Any], said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        compile_expression(text, SCOPE, functions=FUNCTIONS)(FRIDAY, names)


moments = st.datetimes(datetime(2026, 9, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
amounts = st.integers(1, 20_000).map(lambda minutes: timedelta(minutes=minutes))


@given(moments, amounts)
def test_what_is_added_is_what_is_measured(moment: datetime, amount: timedelta) -> None:
    assert CALENDAR.time_between(moment, CALENDAR.add_time(moment, amount)) == amount


@given(moments, moments, amounts)
def test_who_starts_later_is_not_done_earlier(one: datetime, other: datetime, amount: timedelta) -> None:
    first, second = sorted((one, other))
    assert CALENDAR.add_time(first, amount) <= CALENDAR.add_time(second, amount)


@given(st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.integers(1, 200))
def test_days_that_are_added_are_counted(day: date, count: int) -> None:
    end = CALENDAR.add_days(day, count)
    assert CALENDAR.is_workday(end)
    assert CALENDAR.days_between(day, end) == count


def test_spans_follow_the_clock_on_the_wall_when_it_is_put_forward() -> None:
    night = ((timedelta(), timedelta(hours=24)),)
    berlin = WorkingTime("Europe/Berlin", (night,) * 7)
    begin = datetime(2026, 3, 28, 23, tzinfo=UTC)  # the midnight before the hour that is left out
    assert berlin.time_between(begin, begin + timedelta(hours=23)) == timedelta(hours=23)
    assert [end - start for start, end in berlin.spans(date(2026, 3, 29))] == [timedelta(hours=23)]
