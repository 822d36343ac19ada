"""The calendar of the application against a library that others keep."""

from __future__ import annotations

from datetime import date, timedelta

import holidays

from engine.catalog.catalog import Catalog


def test_the_working_days_of_2026_are_those_that_were_announced(application: Catalog) -> None:
    ours, theirs = application.working_time, holidays.country_holidays("CN", years=2026)
    assert ours is not None
    year = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [day for day in year if ours.is_workday(day) != theirs.is_working_day(day)] == []
    assert sum(map(ours.is_workday, year)) == 248
    assert ours.is_confirmed(date(2026, 12, 31))
    assert not ours.is_confirmed(date(2027, 1, 1))
