"""Working time: which days are worked, from when to when, and how far so much of it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from hashlib import sha256
from zoneinfo import ZoneInfo

from engine.errors import ExpressionError

#: Nobody plans further than a hundred years ahead; it bounds the work of one call.
MOST_DAYS = 36_600
DAY = timedelta(days=1)
NOTHING = timedelta()

#: From when to when, as times since midnight by the clock on the wall.
Spans = Sequence[tuple[timedelta, timedelta]]


@dataclass(frozen=True)
class WorkingTime:
    """A calendar. ``week`` has the spans of Monday to Sunday; ``workdays`` are worked as the week's first working day
    is, unless their own day of the week has spans. Past ``confirmed_until`` nobody has announced holidays yet."""

    timezone: str
    week: tuple[Spans, ...]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    confirmed_until: date | None = None

    @cached_property
    def version(self) -> str:
        """A hash of what the calendar says: what was counted by another one is counted anew."""
        said = (self.timezone, self.week, sorted(self.holidays), sorted(self.workdays), self.confirmed_until)
        return sha256(repr(said).encode()).hexdigest()

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.timezone)

    def is_workday(self, day: date) -> bool:
        """Whether the day is worked: a make-up workday is, a holiday is not, else the week says so."""
        return day in self.workdays or (day not in self.holidays and bool(self.week[day.weekday()]))

    def is_confirmed(self, day: date) -> bool:
        """Whether what the calendar says of the day is settled."""
        return self.confirmed_until is None or day <= self.confirmed_until

    def spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """When the day is worked, in UTC."""
        if self.is_workday(day):
            usual: Spans = next((spans for spans in self.week if spans), ())
            for begin, end in self.week[day.weekday()] or usual:
                yield self._moment(day, begin), self._moment(day, end)

    def _moment(self, day: date, since_midnight: timedelta) -> datetime:
        wall = datetime.combine(day, time()) + since_midnight
        return wall.replace(tzinfo=self.zone).astimezone(UTC)

    def add_days(self, day: date, count: int) -> date:
        """The workday so many after the day, or before it when negative; the day itself for 0."""
        step = DAY if count > 0 else -DAY
        left = abs(count)
        for _ in range(MOST_DAYS):
            if left == 0:
                return day
            day += step
            left -= self.is_workday(day)
        raise ExpressionError("no such workday within a hundred years")

    def days_between(self, begin: date, end: date) -> int:
        """How many workdays follow ``begin``, up to ``end``; negative when the end is before."""
        if end < begin:
            return -self.days_between(end, begin)
        if (end - begin).days > MOST_DAYS:
            raise ExpressionError("more than a hundred years")
        return sum(self.is_workday(begin + DAY * n) for n in range(1, (end - begin).days + 1))

    def add_time(self, moment: datetime, amount: timedelta) -> datetime:
        """When so much working time is over, counted from the moment; the moment itself for nothing."""
        if amount < NOTHING:
            raise ExpressionError("working time is not counted backwards")
        if amount == NOTHING:
            return moment
        day = moment.astimezone(self.zone).date()
        for _ in range(MOST_DAYS):
            for begin, end in self.spans(day):
                begin = max(begin, moment)
                if begin >= end:
                    continue
                if amount <= end - begin:
                    return begin + amount
                amount -= end - begin
            day += DAY
        raise ExpressionError("not so much working time within a hundred years")

    def time_between(self, begin: datetime, end: datetime) -> timedelta:
        """How much working time lies between; negative when the end is before."""
        if end < begin:
            return -self.time_between(end, begin)
        day, last = begin.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        if (last - day).days > MOST_DAYS:
            raise ExpressionError("more than a hundred years")
        total = NOTHING
        while day <= last:
            for opens, closes in self.spans(day):
                total += max(min(closes, end) - max(opens, begin), NOTHING)
            day += DAY
        return total
