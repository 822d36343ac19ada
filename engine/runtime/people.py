"""Finds the people who are asked: by role, team or rank, without those who have left, with covers for those away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.errors import Refused
from engine.expressions.types import BOOLEAN
from engine.ports import Reason, Record
from engine.runtime.act import Act
from engine.steps.step import Frame
from engine.steps.who import Who

USER, LEAVE = "user", "leave"

#: More people than this are not asked about one thing.
MOST_ASKED = 500
#: So many leaves of those who are asked about one thing are read for one day.
MOST_LEAVES = 20 * MOST_ASKED
#: Who covers for somebody may be away as well: so many times it is passed on.
LONGEST_CHAIN = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A person to ask, the one for whom they answer, and why it is they."""

    person: Record
    why: Reason
    acting_for: Record | None = None


def is_here(user: Record) -> bool:
    """Whether a person has not left, nor was taken away."""
    return user["active"] is not False and user["deleted_at"] is None


class People:
    """Looks for people in one act."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._today: date = act.names(None, None, "ask")["today"]
        #: The leaves of those who were looked up together, by person.
        self._leaves: dict[str, list[Record]] = {}

    def meant(self, who: Who, frame: Frame) -> list[Found]:
        """The people who are meant, in a settled sequence and each once; without those who have left.

        Refused (MANAGER_CIRCLE) where managers, or teams, lead to each other."""
        users, how = self._meant(who, frame)
        unique = {user["id"]: user for user in users if user is not None}
        return [
            Found(
                user,
                Reason(how, str(user["login"]), span=who.span, read={"login": user["login"], "name": user["name"]}),
            )
            for user in unique.values()
            if is_here(user)
        ]

    def _meant(self, who: Who, frame: Frame) -> tuple[Iterable[Record | None], str]:
        if who.role is not None:
            return self._holding(f"any(r.role == {json.dumps(who.role)} for r in roles)"), f"role {who.role}"
        if who.team is not None:
            code = json.dumps(who.team, ensure_ascii=False)
            return self._holding(f"any(t.team == {code} for t in teams)"), f"team {who.team}"
        if who.person is not None:
            found = self._act.store.records.lookup(self._act.tx, USER, [who.person])
            return found.values(), f"person {who.person}"
        if who.manager_of is not None:
            user = who.manager_of.expression(frame.record, frame.names)
            return [self._up(user, "manager", who.level)], f"manager_of {who.manager_of.text}, level {who.level}"
        if who.lead_of is not None:
            team = self._up(who.lead_of.expression(frame.record, frame.names), "parent", who.level - 1)
            lead = team["lead"] if team is not None else None
            return [lead], f"lead_of {who.lead_of.text}, level {who.level}"
        assert who.user is not None  # exactly one of them is given
        value = who.user.expression(frame.record, frame.names)
        return value if isinstance(value, list) else [value], f"user {who.user.text}"

    def _holding(self, condition: str) -> list[Record]:
        """The users who hold a condition, by their logins."""
        act = self._act
        act.flush()
        where = act.catalog.compile(f"active and {condition}", act.catalog.scope(USER), BOOLEAN)
        names = act.names(None, None, "ask")
        found = act.store.query.find(act.tx, USER, where=where, names=names, sort=("login",), limit=MOST_ASKED + 1)
        if len(found) > MOST_ASKED:
            raise Refused(f"more than {MOST_ASKED} people would be asked at once", code="TOO_MANY_RECORDS")
        return found

    @staticmethod
    def _up(start: Record | None, by: str, levels: int) -> Record | None:
        """Whoever stands so many levels above; None where it does not go so high."""
        at, seen = start, set()
        for _ in range(levels):
            if at is None:
                return None
            seen.add(at["id"])
            at = at[by]
            if at is not None and at["id"] in seen:
                raise Refused(f"the {by}s of {at['name']} lead back to {at['name']}", code="MANAGER_CIRCLE")
        return at

    def manager(self, found: Found, avoiding: Sequence[str]) -> Found | None:
        """The first manager above a person who is none of those; None where there is none who is still here."""
        at, seen = found.person["manager"], {found.person["id"]}
        while at is not None and (at["id"] in avoiding or not is_here(at)):
            if at["id"] in seen:
                raise Refused(f"the managers of {at['name']} lead back to {at['name']}", code="MANAGER_CIRCLE")
            seen.add(at["id"])
            at = at["manager"]
        if at is None:
            return None
        why = Reason("self: next_level", str(at["login"]), span=found.why.span, parts=(found.why,))
        return Found(at, why)

    def next_level(self, found: Found, avoiding: Sequence[str]) -> Found | None:
        """The first manager above a person, or who covers for them, that is none of those: whoever is away may be
        covered by the very person. None where there is none."""
        at, seen = self.manager(found, avoiding), set[str]()
        while at is not None and at.person["id"] not in seen:
            seen.add(at.person["id"])
            present = self.present(at)
            if present is not None and present.person["id"] not in avoiding:
                return present
            at = self.manager(at, avoiding)
        return None

    def present(self, found: Found) -> Found | None:
        """The person, or whoever covers for them today; None where their covers are away in a circle, or too many."""
        at, chain = found.person, [found.person]
        while (leave := self._leave(at)) is not None:
            at = leave["cover"]
            if not is_here(at) or any(at["id"] == other["id"] for other in chain):
                return None
            chain.append(at)
            if len(chain) > LONGEST_CHAIN + 1:
                return None
        if at is found.person:
            return found
        path = " → ".join(str(person["login"]) for person in chain)
        why = Reason("leave", path, span=found.why.span, parts=(found.why,))
        return replace(found, person=at, why=why, acting_for=found.person)

    def look_up(self, found: Sequence[Found]) -> None:
        """Reads at once who of many is away."""
        if len(found) < 2:
            return
        act, ids = self._act, [one.person["id"] for one in found]
        act.flush()
        condition = f"begins <= today and today < until and person.id in {json.dumps(ids)}"
        where, names = act.catalog.compile(condition, act.catalog.scope(LEAVE), BOOLEAN), act.names(None, None, "ask")
        self._leaves |= {key: [] for key in ids}
        away = act.store.query.find(act.tx, LEAVE, where=where, names=names, limit=MOST_LEAVES)
        for leave in sorted(away, key=lambda leave: str(leave["id"])):
            self._leaves[leave["person"]["id"]].append(leave)

    def _leave(self, person: Record) -> Record | None:
        """The leave that the person is on today, the one that was put in last."""
        found = self._leaves.get(person["id"])
        if found is None:
            act = self._act
            act.flush()
            found = act.store.query.equal(act.tx, LEAVE, {"person": person}, limit=MOST_ASKED)
        today = [leave for leave in found if leave["begins"] <= self._today < leave["until"]]
        return today[-1] if today else None
