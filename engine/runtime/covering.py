"""Finds people who would cover for each other in a circle: on such a day nobody would be left to answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from engine.errors import Complaint
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.people import LEAVE, LONGEST_CHAIN, MOST_ASKED


def circle_of_covers(act: Act, leave: Record) -> Iterator[Complaint]:
    """The complaint about a leave whose cover is away on one of its days, and covered, be it over others, by the
    person who goes on leave. Nothing where its own values are wrong: other checks say so."""
    person, cover = leave["person"], leave["cover"]
    begins, until = leave["begins"], leave["until"]
    if None in (person, cover, begins, until) or cover["id"] == person["id"] or begins >= until:
        return
    act.flush()
    found = _back_to(act, leave, [cover], begins, until)
    if found is not None:
        chain, day = found
        path = " → ".join(str(one["login"]) for one in (person, *chain, person))
        text = f"on {day} nobody would be left: {path}"
        yield Complaint("cover", "COVER_CIRCLE", text, {"path": path, "day": day.isoformat()})


def _back_to(
    act: Act, leave: Record, chain: list[Record], begins: date, until: date
) -> tuple[list[Record], date] | None:
    """The people who lead back to who goes on leave, and the first day on which all of them are away."""
    if len(chain) > LONGEST_CHAIN:
        return None
    for other in act.store.query.equal(act.tx, LEAVE, {"person": chain[-1]}, limit=MOST_ASKED):
        first, last = max(begins, other["begins"]), min(until, other["until"])
        if other["id"] == leave["id"] or first >= last:
            continue
        if other["cover"]["id"] == leave["person"]["id"]:
            return chain, first
        if all(other["cover"]["id"] != one["id"] for one in chain):
            found = _back_to(act, leave, [*chain, other["cover"]], first, last)
            if found is not None:
                return found
    return None
