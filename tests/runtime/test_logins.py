"""Passwords, and actors: what an expression may read of who acts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from engine.errors import BadRequest, InvalidValues, NotLoggedIn
from engine.runtime.actors import actor_of
from engine.runtime.logins import Logins
from tests.web.desk_app import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def logins(desk: Desk) -> Logins:
    return Logins(desk.engine.database, desk.clock, PasswordHasher(1, 8, 1))


@pytest.mark.parametrize("password", ["", "1234567", "x" * 501])
def test_a_password_is_neither_short_nor_endless(logins: Logins, password: str) -> None:
    with pytest.raises(InvalidValues):
        logins.hash(password)


def test_passwords_are_hashed_with_argon2_and_a_salt(logins: Logins) -> None:
    first, second = logins.hash("correct horse"), logins.hash("correct horse")
    assert first != second
    assert first.startswith("$argon2id$")


def test_who_has_the_password_is_let_in(desk: Desk, logins: Logins) -> None:
    clerk, hashed = desk.people["clerk"], logins.hash("correct horse")
    for login in ("clerk", "nobody"):
        with pytest.raises(NotLoggedIn):
            logins.check(desk.engine.service, login, "correct horse")
    desk.write(lambda tx: logins.set_password(tx, clerk, hashed))
    assert logins.check(desk.engine.service, "clerk", "correct horse") == clerk
    for login, password in (("clerk", "wrong"), ("Clerk", "correct horse"), (clerk, "correct horse"), ("clerk", "")):
        with pytest.raises(NotLoggedIn):
            logins.check(desk.engine.service, login, password)


def test_an_actor_has_roles_as_texts_and_teams_as_records(desk: Desk) -> None:
    lead = desk.people["boss"]
    desk.put("team", code="north", name="North", lead=lead)
    user = desk.put("user", login="new", name="New", manager=lead, roles=[{"role": "clerk"}], teams=[{"team": "north"}])
    actor = desk.engine.database.read(lambda tx: actor_of(desk.engine.service, tx, user["id"], ip="::1"))
    assert (actor.login, actor.roles, actor.ip) == ("new", {"clerk"}, "::1")
    # After its transaction, too.
    assert actor.facts["roles"] == ["clerk"]
    assert actor.facts["teams"][0]["name"] == "North"
    assert actor.facts["manager"]["login"] == "boss"
    assert actor.teams == (actor.facts["teams"][0]["id"],)


def test_what_leads_too_far_is_the_callers_mistake(desk: Desk) -> None:
    desk.put("user", login="new", name="New", manager=desk.people["clerk"], roles=[{"role": "clerk"}])
    [found] = desk.engine.database.read(
        lambda tx: desk.engine.service.store.query.equal(tx, "user", {"login": "new"}, limit=1)
    )
    actor = desk.engine.database.read(lambda tx: actor_of(desk.engine.service, tx, found["id"]))
    with pytest.raises(BadRequest) as caught:
        _ = actor.facts["manager"]["reports"]
    assert caught.value.code == "USER_TOO_FAR"


def test_who_is_not_there_or_not_active_does_not_act(desk: Desk) -> None:
    gone = desk.put("user", login="gone", name="Gone", active=False)
    for key in (gone["id"], "01a20169-2e00-7000-8000-000000000000"):
        with pytest.raises(NotLoggedIn):
            desk.engine.database.read(lambda tx, key=key: actor_of(desk.engine.service, tx, key))  # type: ignore[misc]
