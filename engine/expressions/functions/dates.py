"""Dates and times. A datetime is UTC inside; its date, its time of day and its year are local: in the zone that the
scope calls ``timezone`` (a name of the IANA database), UTC where the scope has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.errors import ExpressionError
from engine.expressions.decimals import Number
from engine.expressions.functions.function import NUMBER, Form, Function
from engine.expressions.types import DATE, DATETIME, DURATION, INTEGER, TEXT, TIME, Type

ZONE = ("timezone",)


def zone_of(name: str | None) -> tzinfo:
    """The zone of that name; UTC for None."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExpressionError(f"there is no time zone '{name}'") from None


def local(moment: datetime, zone: str | None) -> datetime:
    """The moment as clocks of the zone show it."""
    return moment.astimezone(zone_of(zone))


def to_date(moment: datetime, zone: str | None) -> date:
    """The day on which the moment falls in the zone."""
    return local(moment, zone).date()


def to_time(moment: datetime, zone: str | None) -> time:
    """The time of day of the moment in the zone."""
    return local(moment, zone).time()


def same_date(day: date) -> date:
    """The date itself: lets a text constant stand for a date."""
    return day


def week(day: date) -> str:
    """The week of ISO 8601: ``2026-W48``."""
    year, number, _ = day.isocalendar()
    return f"{year:04}-W{number:02}"


def microseconds(amount: Number, unit: int) -> timedelta:
    """So many units of so many microseconds, parts of a microsecond dropped."""
    return timedelta(microseconds=int(amount * unit))


def days(amount: Number) -> timedelta:
    """So many times 24 hours."""
    return microseconds(amount, 86_400_000_000)


def hours(amount: Number) -> timedelta:
    """So many hours."""
    return microseconds(amount, 3_600_000_000)


def minutes(amount: Number) -> timedelta:
    """So many minutes."""
    return microseconds(amount, 60_000_000)


def days_between(begin: date, end: date) -> int:
    """How many days ``end`` is after ``begin``; negative when before."""
    return (end - begin).days


def next_day(moment: datetime, cutoff: time, at: time, zone: str | None) -> datetime:
    """The time ``at`` of the local day after the moment's; from ``cutoff`` on, of the one after that. In UTC."""
    here = local(moment, zone)
    day = here.date() + timedelta(days=1 if here.time() < cutoff else 2)
    return datetime.combine(day, at, here.tzinfo).astimezone(UTC)


def _of_date(name: str, run: Callable[[date], object], gives: Type, summary: str) -> Function:
    """A function of a date, also of the local date of a datetime."""

    def of_datetime(moment: datetime, zone: str | None) -> object:
        return run(to_date(moment, zone))

    forms = (
        Form(takes=(DATE,), gives=gives, run=run),
        Form(takes=(DATETIME,), gives=gives, run=of_datetime, hidden=ZONE, fails=True),
    )
    return Function(name, forms, summary)


def _durations(entries: Sequence[tuple[str, Callable[[Number], timedelta]]]) -> tuple[Function, ...]:
    return tuple(
        Function(
            name,
            (Form(takes=(NUMBER,), gives=DURATION, run=run, fails=True),),
            f"{name}(2): a duration, to add or compare",
        )
        for name, run in entries
    )


DATES = (
    _of_date("date", same_date, DATE, "date(created_at): the local date"),
    Function(
        "time",
        (Form(takes=(DATETIME,), gives=TIME, run=to_time, hidden=ZONE, fails=True),),
        "time(created_at): local time of day",
    ),
    _of_date("year", lambda day: day.year, INTEGER, "year(due)"),
    _of_date("month", lambda day: day.month, INTEGER, "month(due): 1 to 12"),
    _of_date("day", lambda day: day.day, INTEGER, "day(due): 1 to 31"),
    _of_date("weekday", date.isoweekday, INTEGER, "weekday(due): 1 is Monday, 7 is Sunday"),
    _of_date("week", week, TEXT, 'week(due): the ISO week, "2026-W48"'),
    *_durations((("days", days), ("hours", hours), ("minutes", minutes))),
    Function(
        "days_between",
        (Form(takes=(DATE, DATE), gives=INTEGER, run=days_between),),
        "days_between(begin, end): negative when the end is before",
    ),
    Function(
        "next_day",
        (Form(takes=(DATETIME, TIME, TIME), gives=DATETIME, run=next_day, hidden=ZONE, fails=True),),
        'next_day(created_at, "18:00", "09:00"): at nine tomorrow, or the day after when it is past six',
    ),
)
