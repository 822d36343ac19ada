"""Dates, moments, times of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.fields.field import ValueFault
from tests.fields.making import linked, make

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def code(field: str, raw: object, zone: ZoneInfo | None = None) -> str:
    with pytest.raises(ValueFault) as caught:
        make(field).parse(raw, zone)
    return caught.value.code


@pytest.mark.parametrize(
    "raw",
    ["2026-11-22T09:59:41+08:00", "2026-11-22T01:59:41Z", "2026-11-22 09:59:41+0800", "2026-11-22T01:59:41.000Z"],
)
def test_moments_become_utc(raw: str) -> None:
    moment = make("datetime").parse(raw)
    assert moment == datetime(2026, 11, 22, 1, 59, 41, tzinfo=UTC)
    assert moment.tzinfo is UTC


def test_a_naive_moment_needs_a_zone() -> None:
    assert code("datetime", "2026-11-22T09:59:41") == "VALUE_ZONE"
    moment = make("datetime").parse("2026-11-22 09:59:41", SHANGHAI)
    assert moment == datetime(2026, 11, 22, 1, 59, 41, tzinfo=UTC)


def test_an_hour_that_the_clocks_leave_out_is_refused() -> None:
    assert code("datetime", "2026-03-29T02:30:00", BERLIN) == "VALUE_ZONE"


def test_an_hour_that_the_clocks_show_twice() -> None:
    field = make("datetime")
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert field.parse("2026-10-25T02:30:00", BERLIN) == first
    for moment in (first, second):
        assert field.parse_text(field.edit_text(moment, BERLIN), BERLIN) == moment


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("yesterday", "VALUE_FORMAT"),
        ("2026-11-22", "VALUE_FORMAT"),
        ("2026-13-01T00:00Z", "VALUE_FORMAT"),
        ("2026-02-30T00:00Z", "VALUE_FORMAT"),
        ("2026-11-22T25:00Z", "VALUE_FORMAT"),
        ("2026-W48-1T10:00Z", "VALUE_FORMAT"),
        ("20261122T095941Z", "VALUE_FORMAT"),
        ("２０２６-11-22T09:59Z", "VALUE_FORMAT"),
        ("0001-01-01T00:00+14:00", "VALUE_RANGE"),
        ("9999-12-31T23:59-12:00", "VALUE_RANGE"),
        (1763776781, "VALUE_TYPE"),
        (Decimal("1763776781"), "VALUE_TYPE"),
        ("", "VALUE_FORMAT"),
        ("2026-11-22T09:59:41" + "0" * 10_000, "VALUE_FORMAT"),
    ],
)
def test_what_is_no_moment(raw: object, expected: str) -> None:
    assert code("datetime", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-2-3", "VALUE_FORMAT"),
        ("2026-02-30", "VALUE_FORMAT"),
        ("20260203", "VALUE_FORMAT"),
        ("2026-W48-1", "VALUE_FORMAT"),
        ("0999-01-01", "VALUE_RANGE"),
        (20260203, "VALUE_TYPE"),
        (datetime(2026, 2, 3, 4, tzinfo=UTC), "VALUE_FORMAT"),
    ],
)
def test_what_is_no_date(raw: object, expected: str) -> None:
    assert code("date", raw) == expected


@pytest.mark.parametrize(
    "text",
    ["2026-11-05", "2026/11/5", "2026.11.05", "2026年11月5日", "２０２６-11-05", " 2026-11-05 ", "2026-11-05 00:00:00"],
)
def test_dates_that_people_write(text: str) -> None:
    assert make("date").parse_text(text) == date(2026, 11, 5)


@pytest.mark.parametrize("text", ["2026/11/5 9:59", "2026-11-05T09:59", "2026年11月5日 09:59:00", "2026-11-05T01:59Z"])
def test_moments_that_people_write(text: str) -> None:
    assert make("datetime").parse_text(text, SHANGHAI) == datetime(2026, 11, 5, 1, 59, tzinfo=UTC)


def test_a_day_alone_is_its_first_moment_in_the_zone() -> None:
    assert make("datetime").parse_text("2026-11-05", SHANGHAI) == datetime(2026, 11, 4, 16, tzinfo=UTC)
    with pytest.raises(ValueFault):
        make("datetime").parse_text("2026-11-05")


def test_values_and_cells_of_spreadsheets_pass() -> None:
    moment = datetime(2026, 11, 22, 9, 59, tzinfo=timezone(timedelta(hours=8)))
    assert make("datetime").parse(moment) == moment
    assert make("datetime").parse(moment.replace(tzinfo=None), SHANGHAI) == moment
    assert make("date").parse(datetime(2026, 11, 5)) == date(2026, 11, 5)  # noqa: DTZ001 - as spreadsheets have them
    assert make("time").parse(time(9, 30)) == time(9, 30)


@pytest.mark.parametrize(
    ("text", "value"), [("9:30", time(9, 30)), ("09:30:15", time(9, 30, 15)), ("２３:59", time(23, 59))]
)
def test_times_that_people_write(text: str, value: time) -> None:
    assert make("time").parse_text(text) == value


@pytest.mark.parametrize("raw", ["24:00", "9:30", "09:60", "0930", "09:30:00.5", "09:30+08:00", 930, "T09:30"])
def test_what_is_no_time(raw: object) -> None:
    assert code("time", raw) in ("VALUE_FORMAT", "VALUE_TYPE")


def test_how_people_read_them() -> None:
    moment = datetime(2026, 11, 22, 1, 59, 41, tzinfo=UTC)
    assert make("datetime").display(moment, "zh", SHANGHAI) == "2026-11-22 09:59"
    assert make("datetime").display(moment, "en", SHANGHAI) == "22 Nov 2026 09:59"
    assert make("datetime").display(moment, "en") == "22 Nov 2026 01:59 UTC"
    assert make("date").display(date(2026, 11, 5), "en") == "5 Nov 2026"
    assert make("time").display(time(9, 30), "zh") == "09:30"
    assert make("datetime").edit_text(moment, SHANGHAI) == "2026-11-22T09:59:41"
    assert make("datetime").wire(moment) == "2026-11-22T01:59:41Z"


def test_limits() -> None:
    assert code("{type: date, min: \"'2026-01-01'\"}", "2025-12-31") == "VALUE_RANGE"
    fields, problems = linked("start: datetime\nit: {type: datetime, above: start}")
    assert not problems
    (bound,) = fields["it"].bounds()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert not bound.holds(start, bound.expression({"start": start}, {}))


def test_limits_that_read_the_clock_are_not_constant() -> None:
    fields, problems = linked("it: {type: datetime, max: now + minutes(5)}")
    assert not problems
    assert fields["it"].parse("2999-01-01T00:00:00Z")
    assert len(fields["it"].bounds()) == 1
