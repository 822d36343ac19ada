"""When something is due, and what becomes of a case's timers, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.expressions.calendars import WorkingTime
from engine.policy.deadlines import Moment, again, changes, end_of
from engine.source.shape import Duration

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)  # a Friday, noon in Shanghai
DAY = ((timedelta(hours=9), timedelta(hours=12)), (timedelta(hours=13), timedelta(hours=18)))
OFFICE = WorkingTime("Asia/Shanghai", (DAY, DAY, DAY, DAY, DAY, (), ()))


@pytest.mark.parametrize(
    ("span", "ends"),
    [
        ("30 min", NOON + timedelta(minutes=30)),
        ("2 w", NOON + timedelta(days=14)),
        ("1 work_hours", datetime(2026, 11, 20, 6, tzinfo=UTC)),  # lunch comes first
        ("5 work_hours", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("5.5 work_hours", datetime(2026, 11, 23, 1, 30, tzinfo=UTC)),
        ("1 work_days", datetime(2026, 11, 23, 4, tzinfo=UTC)),
    ],
)
def test_when_a_span_is_over(span: str, ends: datetime) -> None:
    assert end_of(NOON, Duration.parse(span), OFFICE) == ends


def test_working_time_needs_a_calendar() -> None:
    assert end_of(NOON, Duration.parse("1 h"), None) == NOON + timedelta(hours=1)
    with pytest.raises(ExpressionError, match="no calendar"):
        end_of(NOON, Duration.parse("1 work_hours"), None)


@given(times=st.integers(1, 20), late=st.integers(0, 3_000))
def test_turns_follow_each_other_and_missed_ones_are_passed_over(times: int, late: int) -> None:
    repeating: Any = SimpleNamespace(repeat=times, every=None, after=Duration.parse("10 min"))
    first = NOON + timedelta(minutes=10)
    now = first + timedelta(minutes=late)
    following = again(repeating, 1, first, now, None)
    left = [turn for turn in range(2, times + 1) if NOON + timedelta(minutes=10 * turn) > now]
    if following is None:
        assert left == []
    else:
        turn, moment = following
        assert turn == left[0]
        assert moment.due_at == NOON + timedelta(minutes=10 * turn) > now


ACTS = st.lists(st.one_of(st.just("enter"), st.just("leave"), st.just("wait"), st.integers(-30, 30)), max_size=30)


@given(acts=ACTS)
@example(acts=["enter", 0, -5])  # an earlier moment than that at which it has gone off
@example(acts=["enter", 10, "wait", 10, "wait"])
@example(acts=["enter", 10, "leave", "wait", "enter"])
def test_a_timer_goes_off_once_for_each_moment_and_is_never_lost(acts: list[str | int]) -> None:
    """A state with a timer at a moment that changes, entered and left at random, against what one would expect."""
    keys, now, rows = count(), NOON, []
    at: datetime | None = None
    standing, gone_off, last = False, 0, None

    def follow(entered: bool) -> None:
        nonlocal rows
        wanted = {"open.end": Moment(at, at) if at is not None else None} if standing else {}
        found = changes(wanted, rows, entered=entered)
        moved = {row["id"]: row for row in found.move}
        rows = [moved.get(row["id"], row) for row in rows if row["id"] not in found.drop]
        rows += [{"id": next(keys), "done_at": None, **row} for row in found.add]

    for act in acts:
        if act == "enter":
            standing, last = True, None
        elif act == "leave":
            standing = False
        elif act == "wait":
            now += timedelta(minutes=20)
        else:
            at = now + timedelta(minutes=int(act))
        if act != "wait":
            follow(entered=act == "enter")
        due = [row for row in rows if row["done_at"] is None and row["due_at"] <= now]
        expected = standing and at is not None and at <= now and (last is None or at > last)
        assert len(due) == expected, (act, rows)
        for row in due:
            row["done_at"], last, gone_off = now, at, gone_off + 1
        waiting = [row for row in rows if row["done_at"] is None]
        assert len(waiting) <= 1
        assert not (waiting and not standing)
        if standing and at is not None and at > now and (last is None or at > last):
            assert [row["due_at"] for row in waiting] == [at]
        names = [(row["step"], row["round"], row["turn"]) for row in rows]
        assert len(names) == len(set(names)), "the name of a timer is unique"
    assert gone_off == sum(row["done_at"] is not None for row in rows)
