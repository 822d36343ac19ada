"""Who may do what: nothing unless a role grants it, each answer with the line that gave it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.policy.access import ENGINES_OWN, Actor, Rights
from engine.ports import Record
from tests.policy.office import actor, office, paper

RIGHTS = Rights(office())


def names(who: Actor, record: Record) -> dict[str, Any]:
    return {"user": who.facts, "record": record, "paper": record}


def reads(who: Actor, **values: Any) -> bool:
    record = paper(**values)
    return RIGHTS.may_read(who, "paper", record, names(who, record))


def test_without_a_grant_there_is_nothing() -> None:
    nobody, record = actor(), paper()
    assert not reads(nobody)
    for verdict in (
        RIGHTS.may_create(nobody, "paper", None, {}),
        RIGHTS.may_update(nobody, "paper", record, ["note"], names(nobody, record)),
        RIGHTS.may_delete(nobody, "paper", record, names(nobody, record)),
        RIGHTS.may_fire(nobody, "paper", "file", None),
        RIGHTS.may_export(nobody, "paper"),
    ):
        assert not verdict
        assert verdict.reasons[0].outcome == "denied"


def test_a_scope_reaches_its_rows_and_several_roles_reach_the_sum() -> None:
    clerk = actor("clerk")
    assert reads(clerk, owner=clerk.facts)
    assert not reads(clerk, owner=actor(login="bob").facts)
    assert not reads(clerk, owner=None), "unknown is a no"
    both = actor("clerk", "cheapskate")
    assert reads(both, owner=None, total=99)
    assert not reads(both, owner=None, total=100)
    assert RIGHTS.rows(actor("clerk", "reader"), "paper", "read").everything
    assert not RIGHTS.rows(actor("reader"), "paper", "delete")


@pytest.mark.parametrize(("total", "may"), [(50, True), (51, False), (None, False)])
def test_a_condition_on_creating_is_asked_of_the_record(total: int | None, may: bool) -> None:
    clerk, record = actor("clerk"), paper(total=total)
    assert RIGHTS.may_create(clerk, "paper", None, {}), "some could be made"
    assert bool(RIGHTS.may_create(clerk, "paper", record, names(clerk, record))) is may


@pytest.mark.parametrize(
    ("values", "fields", "why"),
    [
        ({"urgent": False}, ["note", "lines"], None),
        ({"urgent": False}, ["note", "town"], "not the fields town"),
        ({"urgent": True}, ["note"], "only when not urgent"),
        ({"urgent": False, "owner": None}, ["note"], "not one of these rows"),
    ],
)
def test_one_grant_must_allow_the_whole_change(values: Record, fields: list[str], why: str | None) -> None:
    clerk = actor("clerk")
    record = paper(**{"owner": clerk.facts, **values})
    verdict = RIGHTS.may_update(clerk, "paper", record, fields, names(clerk, record))
    assert bool(verdict) is (why is None)
    assert verdict.reasons[0].message == why
    assert verdict.reasons[0].rule == "access.clerk.paper.update"
    span = verdict.reasons[0].span
    assert span is not None
    assert span.file == "definitions/office.yaml"


def test_two_grants_do_not_add_up_to_one_change() -> None:
    both = actor("clerk", "cheapskate")
    mine, cheap = paper(owner=both.facts, total=500, urgent=False), paper(owner=None, total=5, urgent=True)
    assert not RIGHTS.may_update(both, "paper", mine, ["town"], names(both, mine))
    assert RIGHTS.may_update(both, "paper", cheap, ["town"], names(both, cheap))


def test_events_are_granted_by_name_and_some_are_the_systems() -> None:
    assert RIGHTS.may_fire(actor("clerk"), "paper", "file", None)
    assert not RIGHTS.may_fire(actor("clerk"), "paper", "note", None)
    assert RIGHTS.may_fire(actor("cheapskate"), "paper", "note", None)
    assert not RIGHTS.may_fire(actor("cheapskate"), "paper", "note", "boss")
    assert not RIGHTS.may_fire(actor("boss"), "paper", "burn", "system")
    assert RIGHTS.may_fire(actor(everything=True), "paper", "burn", "system")


def test_hidden_is_what_every_grant_hides_and_private_what_one_shows() -> None:
    assert RIGHTS.hidden(actor("clerk"), "paper") == {"rebate"}
    assert RIGHTS.hidden(actor("reader"), "paper") == {"rebate", "note"}
    assert RIGHTS.hidden(actor("clerk", "reader"), "paper") == {"rebate"}
    assert RIGHTS.hidden(actor("clerk", "cheapskate"), "paper") == frozenset()
    assert RIGHTS.hidden(actor("reader", "boss"), "paper") == frozenset()
    assert not RIGHTS.sees_private(actor("clerk"), "paper")
    assert RIGHTS.sees_private(actor("clerk", "reader"), "paper")


@pytest.mark.parametrize("model", sorted(ENGINES_OWN & set(office().models)))
def test_what_the_engine_writes_nobody_else_does(model: str) -> None:
    for who, may in ((actor("boss", "clerk"), False), (actor(everything=True), True)):
        assert bool(RIGHTS.may_create(who, model, None, {})) is may
        assert bool(RIGHTS.may_update(who, model, {"id": "x"}, [], {})) is may
        assert bool(RIGHTS.may_delete(who, model, {"id": "x"}, {})) is may


def test_nobody_gives_what_is_not_theirs() -> None:
    assert RIGHTS.may_give_roles(actor("clerk"), {"clerk"})
    assert not RIGHTS.may_give_roles(actor("clerk"), {"clerk", "boss"})
    assert RIGHTS.may_give_roles(actor("boss"), {"clerk", "reader"})
