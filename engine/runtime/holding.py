"""Holds: puts them on records, and lets them go; what waited for them goes on when the act settles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Refused
from engine.policy.deadlines import due_at
from engine.ports import LetGo, PlaceHold, Reason, Record, ReleaseHold
from engine.runtime.act import Working
from engine.steps.flow import HOLD

if TYPE_CHECKING:
    from engine.runtime.effects import Effects

#: Holds that may follow from one: as many are released with it.
MOST_FOLLOWERS = 10_000


def place(effects: Effects, effect: PlaceHold) -> Record:
    """The hold on the record: a new one, or the open one of that name."""
    act, service, record = effects.act, effects.service, effect.record
    open_holds: list[Record] = record["holds"]
    values = {
        "blocks": list(effect.blocks),
        "message": effect.message,
        "assignee_role": effect.assign.get("role"),
        "assignee": effect.assign.get("user"),
    }
    if effect.case_file is not None:
        values["case_file"] = {"id": effect.case_file}
    for hold in open_holds:
        if hold["name"] == effect.name:
            service.assign(act, act.hold_on(HOLD, hold, "hold"), values)
            return hold
    values |= {"model": effect.model, "record": record["id"], "name": effect.name, "opened_at": act.moment}
    values["cause"] = effect.cause
    if effect.timed is not None:
        values["due_at"] = due_at(act.moment, effect.timed, act.catalog.working_time)
    hold = service.make(effects, HOLD, values).record
    if effect.timed is not None:
        service.deadlines.open(act, HOLD, hold, effect.timed, step=effect.name)
    open_holds.append(hold)
    reason = effect.reason or Reason(f"hold.{effect.name}", "held", effect.message)
    effects.in_hand(effect.model, record).trail.append(reason)
    return hold


def release_named(effects: Effects, effect: ReleaseHold) -> int:
    """How many open holds of that name the record had."""
    working = effects.in_hand(effect.model, effect.record)
    found = [hold for hold in working.record["holds"] if hold["name"] == effect.name]
    for hold in found:
        release(effects, working, effects.act.hold_on(HOLD, hold, "release"), effect.why)
    return len(found)


def let_go(effects: Effects, effect: LetGo) -> bool:
    """Whether the hold was still open; it is released on whatever record it is."""
    if effect.hold["released_at"] is not None:
        return False
    _release_found(effects, effect.hold, effect.why)
    return True


def release(effects: Effects, working: Working, hold: Working, why: str) -> None:
    """Releases one hold of a record in hand, and those that follow from it; the record's branches are tried again when
    the act settles."""
    act, service = effects.act, effects.service
    service.assign(act, hold, {"released_at": act.moment, "released_by": act.author(), "why": why or None})
    service.deadlines.close(act, hold.record["id"])
    record = working.record
    record["holds"] = [other for other in record["holds"] if other["id"] != hold.record["id"]]
    working.trail.append(Reason(f"hold.{hold.record['name']}", "released", why or None))
    working.touched = True
    _release_followers(effects, hold.record["id"], why)


def _release_followers(effects: Effects, cause: str, why: str) -> None:
    act = effects.act
    act.flush()
    found = act.store.query.equal(act.tx, HOLD, {"cause": cause, "released_at": None}, limit=MOST_FOLLOWERS + 1)
    if len(found) > MOST_FOLLOWERS:
        raise Refused(f"more than {MOST_FOLLOWERS} holds follow from one", code="TOO_MANY_RECORDS")
    for follower in found:
        _release_found(effects, follower, why)


def _release_found(effects: Effects, hold: Record, why: str) -> None:
    reads = effects.service.plan(hold["model"]).reads
    held = effects.act.take(hold["model"], hold["record"], "release", reads)
    release(effects, held, effects.act.hold_on(HOLD, hold, "release"), why)
