"""What falls due for a record, as people read it: what happens, when, and how that moment was counted."""

from __future__ import annotations

from dataclasses import dataclass

from engine.runtime.ahead import Ahead, ahead
from engine.runtime.casework import Casework
from engine.source.shape import Duration
from engine.store.transaction import Transaction
from engine.web.pages.moments import moment_text
from engine.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that waits: ``when`` it goes off, ``why`` then, at which line; ``note`` where that may still change."""

    what: str
    when: str
    machine: str
    late: bool
    why: str
    at: str
    note: str


def dues(visit: Visit, tx: Transaction, work: Casework) -> list[Due]:
    """What falls due for the record of a case, the next first."""
    return [_due(visit, one) for one in ahead(visit.service, tx, visit.actor, visit.model, work)]


def what_text(visit: Visit, one: Ahead) -> str:
    """What happens then, and of whom it is."""
    name = visit.words.say(one.label, one.name)
    what = name if one.does == "timer" else f"{name} · {visit.words(f'ahead_{one.does}')}"
    return what + (f" ({one.turn[0]}/{one.turn[1]})" if one.turn is not None else "")


def why_text(visit: Visit, one: Ahead) -> str:
    """How the moment was counted."""
    words = visit.words
    span = one.text
    if one.does != "timer":
        amount = Duration.parse(one.text)
        span = words(f"ahead_{amount.unit}", amount=f"{amount.amount:f}")
    parts = [span]
    if one.since is not None:
        parts.append(words("since", when=moment_text(visit, one.since)))
    if one.calendar is not None:
        parts.append(words("ahead_calendar", name=one.calendar[0], at=one.calendar[1]))
    return " · ".join(parts)


def _due(visit: Visit, one: Ahead) -> Due:
    return Due(
        what=what_text(visit, one),
        when=moment_text(visit, one.due_at) if one.due_at is not None else visit.words("ahead_hidden"),
        machine=one.due_at.isoformat() if one.due_at is not None else "",
        late=one.due_at is not None and one.due_at < visit.service.clock.now(),
        why=why_text(visit, one),
        at=one.at,
        note=visit.words("ahead_provisional") if one.provisional else "",
    )
