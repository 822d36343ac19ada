"""What falls due for a record: the timers that wait, what happens then, and why at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.catalog.kinds.timers import Timer
from engine.errors import Label
from engine.policy.access import Actor
from engine.policy.reach import Reach
from engine.ports import Record
from engine.runtime.casework import Casework
from engine.runtime.deadlines import DUE, timed_by_place
from engine.runtime.service import Service
from engine.source.shape import Duration, Formula
from engine.steps.late import Rung, Timed
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Ahead:
    """A timer that waits. ``does`` is `timer` for one of the state, `due` for the end of a time that somebody has, else
    what the rung of a ladder does: `remind`, `escalate`, `approve`, `reject` or `steps`. ``due_at`` is None where it
    follows from what the reader may not read. ``text`` says how it is counted, at the line ``at``; ``calendar`` is the
    calendar that was asked, and where it stands; ``provisional``: nobody has announced its holidays for that day."""

    kind: str
    name: str
    label: Label | None
    does: str
    due_at: datetime | None
    since: datetime | None
    text: str
    at: str
    calendar: tuple[str, str] | None = None
    provisional: bool = False
    turn: tuple[int, int] | None = None


def ahead(service: Service, tx: Transaction, actor: Actor, model: str, work: Casework) -> Iterator[Ahead]:
    """What falls due for a record that the actor may read, the next first."""
    reach = Reach(service.catalog, service.rights, actor)
    for row in work.timers:
        if row["kind"] == "case":
            state = work.state
            timer = state.timers.get(str(row["step"]).rpartition(".")[2]) if state is not None else None
            if timer is not None:
                yield _of_state(service, reach, model, timer, row)
        else:
            timed = timed_by_place(service.catalog).get(row["place"])
            if timed is None:
                timed = timed_by_place(service.catalog_of(tx, row)).get(row["place"])
            if timed is not None:
                yield _of_ladder(service, timed, row)


def _of_state(service: Service, reach: Reach, model: str, timer: Timer, row: Record) -> Ahead:
    formulas: list[Formula] = [formula for formula in (timer.at, timer.since) if formula is not None]
    known = all(reach.beyond(model, formula.expression) is None for formula in formulas)
    if timer.after is None:
        text, key = formulas[0].text if formulas else "", "at"
    else:
        text, key = " + ".join(filter(None, [timer.since.text if timer.since else "", str(timer.after)])), "after"
    due_at: datetime | None = row["due_at"] if known else None
    calendar, provisional = _counted(service, row)
    return Ahead(
        kind="case",
        name=timer.name,
        label=timer.label,
        does="timer",
        due_at=due_at,
        since=row["since"] if known and row["span"] is not None else None,
        text=text,
        at=str(timer.span_of(key)),
        calendar=calendar,
        provisional=provisional and known,
        turn=(row["turn"], timer.repeat) if timer.repeat > 1 else None,
    )


def _of_ladder(service: Service, timed: Timed, row: Record) -> Ahead:
    rung: Rung | None = timed.late[row["rung"] - 1] if row["rung"] != DUE else None
    place = rung.span_of("after") if rung is not None else timed.span_of("due")
    calendar, provisional = _counted(service, row)
    return Ahead(
        kind=row["kind"],
        name=row["step"],
        label=getattr(timed, "label", None),
        does="due" if rung is None else rung.do if isinstance(rung.do, str) else "steps",
        due_at=row["due_at"],
        since=row["since"],
        text=row["span"] or "",
        at=str(place),
        calendar=calendar,
        provisional=provisional,
        turn=(row["turn"], rung.repeat) if rung is not None and rung.repeat > 1 else None,
    )


def _counted(service: Service, row: Record) -> tuple[tuple[str, str] | None, bool]:
    """The calendar by which the moment was counted, and whether nobody has announced its holidays up to that day."""
    catalog, working = service.catalog, service.catalog.working_time
    if working is None or row["span"] is None or not Duration.parse(row["span"]).of_working_time:
        return None, False
    name = catalog.app.calendar or next(iter(catalog.calendars))
    provisional = not working.is_confirmed(row["due_at"].astimezone(working.zone).date())
    return (name, str(catalog.calendars[name].span)), provisional
