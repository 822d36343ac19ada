"""When something falls due: the end of a span of time, the moment of a state's timer, the next repetition.

Pure: definitions, facts and moments in, moments out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.catalog.kinds.timers import Timer
from engine.errors import ExpressionError
from engine.expressions.calendars import WorkingTime
from engine.ports import Record
from engine.source.shape import Duration
from engine.steps.late import Rung, Timed
from engine.steps.step import Frame

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is due, and what it counts from. ``span`` is None where the moment itself is given."""

    since: datetime
    due_at: datetime
    span: Duration | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to become of the timers of a case: rows to add, rows that move, ids to call off."""

    add: tuple[Mapping[str, object], ...]
    move: tuple[Record, ...]
    drop: tuple[str, ...]


def end_of(since: datetime, span: Duration, calendar: WorkingTime | None) -> datetime:
    """When the span is over that begins then, in UTC. Working time by the calendar; ExpressionError without one.

    Workdays end at the time of day at which they began, working hours within working hours."""
    if not span.of_working_time:
        return since + span.timedelta
    if calendar is None:
        raise ExpressionError(f"the application has no calendar, so {span} cannot be counted")
    if span.unit == "work_hours":
        return calendar.add_time(since, MICROSECOND * int(span.amount * (HOUR // MICROSECOND)))
    here = since.astimezone(calendar.zone)
    day = calendar.add_days(here.date(), int(span.amount))
    return datetime.combine(day, here.time(), calendar.zone).astimezone(UTC)


def due_at(opened: datetime, timed: Timed, calendar: WorkingTime | None) -> datetime | None:
    """When something is due that is opened then; None where the definitions do not say."""
    return end_of(opened, timed.due, calendar) if timed.due is not None else None


def moment_of(timer: Timer, frame: Frame, entered: datetime, calendar: WorkingTime | None) -> Moment | None:
    """When the timer goes off for the record that entered the state then; None while the record does not say."""
    if timer.after is None:
        at: datetime | None = timer.at.expression(frame.record, frame.names) if timer.at is not None else None
        return Moment(at, at) if at is not None else None
    later: datetime | None = timer.since.expression(frame.record, frame.names) if timer.since is not None else None
    since = entered if later is None else max(entered, later)
    return Moment(since, end_of(since, timer.after, calendar), timer.after)


def again(
    repeating: Timer | Rung, turn: int, due_at: datetime, now: datetime, calendar: WorkingTime | None
) -> tuple[int, Moment] | None:
    """The turn that follows, and when it is due; None after the last. What was missed is made good once: turns whose
    moment has passed as well are passed over."""
    every = repeating.every or repeating.after
    while every is not None and turn < repeating.repeat:
        turn, since = turn + 1, due_at
        due_at = end_of(since, every, calendar)
        if due_at > now:
            return turn, Moment(since, due_at, every)
    return None


def changes(wanted: Mapping[str, Moment | None], rows: Sequence[Record], *, entered: bool) -> Changes:
    """What makes the rows of a case those that its state wants, by step. ``entered``: the state has just been entered,
    so that all begin anew; else a timer that has gone off does so again only for a later moment."""
    add: list[Mapping[str, object]] = []
    move: list[Record] = []
    keep: set[str] = set()
    for step, moment in wanted.items():
        own = [row for row in rows if row["step"] == step]
        latest = max((row["round"] for row in own), default=0)
        first = next((row for row in own if row["round"] == latest and row["turn"] == 1), None)
        if moment is None:
            continue
        if entered or first is None or (first["done_at"] is not None and moment.since > first["since"]):
            past = [row["round"] for row in own if row["done_at"] is not None]
            add.append({"step": step, "round": max(past, default=0) + 1, "rung": 1, "turn": 1, **row_of(moment)})
            continue
        keep.update(row["id"] for row in own)
        if first["done_at"] is None and (first["since"], first["due_at"]) != (moment.since, moment.due_at):
            move.append({**first, **row_of(moment)})
    waiting = [row["id"] for row in rows if row["done_at"] is None]
    return Changes(tuple(add), tuple(move), tuple(key for key in waiting if key not in keep))


def row_of(moment: Moment) -> dict[str, object]:
    """The columns of a timer that say when it is due."""
    span = moment.span
    return {"since": moment.since, "due_at": moment.due_at, "span": None if span is None else str(span)}


def by_calendar(rows: Iterable[Record], calendar: WorkingTime) -> list[Record]:
    """The rows as the calendar has them: what was counted in working time is counted anew."""
    return [{**row, "due_at": end_of(row["since"], Duration.parse(row["span"]), calendar)} for row in rows]
