"""The boxes of an inbox over pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.policy.access import Actor
from engine.runtime.actors import actor_of
from engine.runtime.inbox import Inbox
from tests.runtime.running import Running

OFFICE = """
app: office
---
access: red
can: {}
---
access: blue
can: {}
---
model: paper
key: number
workflow: signing
fields: {number: {type: sequence, format: "P{seq:3}", unique: true}, kind: text}
---
workflow: signing
for: paper
start: draft
states:
  draft: {events: {ask: {to: asked}}}
  asked:
    next:
      red: {if: kind == "red", to: of_red}
      blue: {if: kind == "blue", to: of_blue}
      team: {to: of_team}
  of_red: {approval: {say: {by: {role: red}, nobody: refuse}}, approved: done, rejected: draft}
  of_blue: {approval: {say: {by: {role: blue}, nobody: refuse}}, approved: done, rejected: draft}
  of_team: {approval: {say: {by: {team: "T"}, nobody: refuse}}, approved: done, rejected: draft}
  done: {}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Running]:
    running = Running(OFFICE, database_url)
    running.create("team", {"code": "T", "name": "T"})
    yield running
    running.database.close()


def listed(office: Running, actor: Actor, box: str, limit: int) -> list[str]:
    """The records of all pages of a box."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = office.read(lambda tx: Inbox(office.service).page(tx, actor, box, limit=limit, after=after))  # noqa: B023
        found += [item.task["record"] for item in page.items]
        after = page.next
        if after is None:
            return found
        assert len(page.items) == limit


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_what_one_s_roles_and_teams_are_asked_comes_in_one_sequence(office: Running, limit: int) -> None:
    both = office.user("both", "red", "blue")
    kim = office.user("kim", "red")
    office.update("user", str(kim.id), {"teams": [{"team": "T"}]})
    made = []
    for kind in ("red", "team", "blue", "red", "team", "red"):
        paper = office.create("paper", {"kind": kind})
        office.fire("paper", paper["id"], "ask")
        office.clock.step(timedelta(minutes=1))
        made.append((kind, paper["id"]))
    kim = office.read(lambda tx: actor_of(office.service, tx, str(kim.id)))
    assert listed(office, both, "groups", limit) == [key for kind, key in made if kind != "team"]
    assert listed(office, kim, "groups", limit) == [key for kind, key in made if kind != "blue"]
    assert listed(office, kim, "mine", limit) == [key for kind, key in made if kind != "blue"]
    assert listed(office, kim, "done", limit) == []
