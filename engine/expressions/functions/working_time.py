"""Working time in expressions, by the calendar that the scope has as ``_calendar``: the application's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from engine.errors import ExpressionError
from engine.expressions.calendars import WorkingTime
from engine.expressions.decimals import Number, quotient
from engine.expressions.functions.dates import hours
from engine.expressions.functions.function import NUMBER, Form, Function
from engine.expressions.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER

#: No model can have this name.
CALENDAR = ("_calendar",)
HOUR = 3_600_000_000


def known(calendar: WorkingTime | None) -> WorkingTime:
    """The calendar. ExpressionError where the application has none."""
    if calendar is None:
        raise ExpressionError("the application has no calendar")
    return calendar


def is_workday(day: date, calendar: WorkingTime | None) -> bool:
    return known(calendar).is_workday(day)


def is_confirmed(day: date, calendar: WorkingTime | None) -> bool:
    return known(calendar).is_confirmed(day)


def add_work_days(day: date, count: int, calendar: WorkingTime | None) -> date:
    return known(calendar).add_days(day, count)


def add_work_days_at(moment: datetime, count: int, calendar: WorkingTime | None) -> datetime:
    """The same time of day, by the clocks of the calendar's zone."""
    used = known(calendar)
    here = moment.astimezone(used.zone)
    day = used.add_days(here.date(), count)
    return datetime.combine(day, here.time(), used.zone).astimezone(UTC)


def work_days_between(begin: date, end: date, calendar: WorkingTime | None) -> int:
    return known(calendar).days_between(begin, end)


def add_work_hours(moment: datetime, amount: Number, calendar: WorkingTime | None) -> datetime:
    return known(calendar).add_time(moment, hours(amount))


def work_hours_between(begin: datetime, end: datetime, calendar: WorkingTime | None) -> Decimal:
    found = known(calendar).time_between(begin, end) // timedelta(microseconds=1)
    return quotient(Decimal(found), Decimal(HOUR))


WORKING_TIME = (
    Function(
        "is_workday",
        (Form(takes=(DATE,), gives=BOOLEAN, run=is_workday, hidden=CALENDAR, fails=True),),
        "is_workday(due): by the calendar, holidays and make-up workdays included",
    ),
    Function(
        "is_confirmed",
        (Form(takes=(DATE,), gives=BOOLEAN, run=is_confirmed, hidden=CALENDAR, fails=True),),
        "is_confirmed(due): whether the calendar's holidays are announced up to there",
    ),
    Function(
        "add_work_days",
        (
            Form(takes=(DATE, INTEGER), gives=DATE, run=add_work_days, hidden=CALENDAR, fails=True),
            Form(takes=(DATETIME, INTEGER), gives=DATETIME, run=add_work_days_at, hidden=CALENDAR, fails=True),
        ),
        "add_work_days(today, 2): the second workday after; before when negative",
    ),
    Function(
        "work_days_between",
        (Form(takes=(DATE, DATE), gives=INTEGER, run=work_days_between, hidden=CALENDAR, fails=True),),
        "work_days_between(begin, end): the workdays after the first day, up to the last",
    ),
    Function(
        "add_work_hours",
        (Form(takes=(DATETIME, NUMBER), gives=DATETIME, run=add_work_hours, hidden=CALENDAR, fails=True),),
        "add_work_hours(now, 4): when so much working time is over",
    ),
    Function(
        "work_hours_between",
        (Form(takes=(DATETIME, DATETIME), gives=DECIMAL, run=work_hours_between, hidden=CALENDAR, fails=True),),
        "work_hours_between(begin, end)",
    ),
)
