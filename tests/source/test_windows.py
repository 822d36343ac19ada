"""Windows of time: how they are spelled, and which moments belong to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source.leaves import Window

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
INSTANT = timedelta(microseconds=1)
MOMENTS = st.integers(946_684_800_000_000, 3_786_912_000_000_000).map(
    lambda instant: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
)


@pytest.mark.parametrize(
    ("text", "shown", "days"),
    [
        ("day", "day", 1),
        ("last 36 min", "last 36 min", Decimal("0.025")),
        ("last 12 h", "last 12 h", Decimal("0.5")),
        ("7 days before today", "7 days before today", 7),
        ("1 day before today", "1 days before today", 1),
        ("4 weeks", "last 4 w", 28),
        ("last 2 days", "last 2 d", 2),
        ("36 hours", "last 36 h", Decimal("1.5")),
    ],
)
def test_what_is_a_window(text: str, shown: str, days: Decimal) -> None:
    window = Window.parse(text)
    assert (str(window), window.days) == (shown, days)
    assert Window.parse(str(window)) == window


@pytest.mark.parametrize(
    "text",
    [
        "",
        "days",
        "0 days",
        "last day",
        "7 weeks before today",
        "last 1.5 h",
        "60 min",
        "-1 days",
        "7 days before",
        "day 1",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="before today"):
        Window.parse(text)


def test_a_day_is_one_of_the_wall() -> None:
    moment = datetime(2026, 11, 21, 16, 0, 1, tzinfo=UTC)  # the 22nd has begun in Shanghai
    assert Window.parse("day").bounds(moment, SHANGHAI) == (datetime(2026, 11, 21, 16, tzinfo=UTC), moment)
    assert Window.parse("day").bounds(moment, BERLIN) == (datetime(2026, 11, 20, 23, tzinfo=UTC), moment)
    assert Window.parse("7 days before today").bounds(moment, SHANGHAI) == (
        datetime(2026, 11, 14, 16, tzinfo=UTC),
        datetime(2026, 11, 21, 16, tzinfo=UTC) - INSTANT,
    )


def test_days_on_which_clocks_are_changed_are_shorter_and_longer() -> None:
    after = datetime(2026, 3, 30, 10, tzinfo=UTC)  # on the 29th Berlin's clocks jump from two to three
    first, last = Window.parse("1 day before today").bounds(after, BERLIN)
    assert last + INSTANT - first == timedelta(hours=23)
    after = datetime(2026, 10, 26, 10, tzinfo=UTC)
    first, last = Window.parse("1 day before today").bounds(after, BERLIN)
    assert last + INSTANT - first == timedelta(hours=25)
    at_night = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # half past two for the second time
    assert Window.parse("day").bounds(at_night, BERLIN)[0] == datetime(2026, 10, 24, 22, tzinfo=UTC)


@given(
    MOMENTS,
    st.integers(1, 999_999),
    st.sampled_from(["s", "min", "h", "d", "w"]),
)
def test_what_happened_exactly_so_long_ago_is_out(moment: datetime, amount: int, unit: str) -> None:
    amount = amount if unit in ("s", "min") else amount % 500 + 1
    first, last = Window.parse(f"last {amount} {unit}").bounds(moment, SHANGHAI)
    length = timedelta(seconds=amount * {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}[unit])
    assert last == moment
    assert first - INSTANT == moment - length


@given(MOMENTS, st.integers(1, 400))
def test_days_before_today_end_where_the_day_begins(moment: datetime, days: int) -> None:
    first, last = Window.parse(f"{days} days before today").bounds(moment, BERLIN)
    assert last + INSTANT == Window.parse("day").bounds(moment, BERLIN)[0]
    assert first.astimezone(BERLIN).time() == datetime.min.time()
    assert (moment.astimezone(BERLIN).date() - first.astimezone(BERLIN).date()).days == days
