"""Rows of passwords, sessions and tokens."""

from __future__ import annotations

from datetime import timedelta

from engine.store.accounts import Accounts, Session
from engine.store.keys import new_key
from engine.store.store import Store
from tests.store.conftest import NOON, Desk

LATER = NOON + timedelta(hours=1)


def test_a_password_takes_the_place_of_the_one_before(store: Store, desk: Desk) -> None:
    accounts, user = Accounts(store.database.engine.dialect), new_key(NOON)
    assert desk.read(lambda tx: accounts.password(tx, user)) is None
    for hashed in ("first", "second"):
        desk.write(lambda tx, hashed=hashed: accounts.set_password(tx, user, hashed, NOON))  # type: ignore[misc]
    assert desk.read(lambda tx: accounts.password(tx, user)) == "second"


def test_sessions_are_found_seen_ended_and_removed(store: Store, desk: Desk) -> None:
    accounts, user, other = Accounts(store.database.engine.dialect), new_key(NOON), new_key(NOON)

    def start(name: str, who: str, expires: timedelta) -> Session:
        session = Session(name, who, NOON, NOON, NOON + expires)
        desk.write(lambda tx: accounts.start_session(tx, session, {"ip": "::1"}))
        return session

    long, short, theirs = (
        start("a", user, timedelta(days=1)),
        start("b", user, timedelta(minutes=1)),
        start("c", other, timedelta(days=1)),
    )
    assert desk.read(lambda tx: accounts.session(tx, "a")) == long
    assert desk.read(lambda tx: accounts.session(tx, "z")) is None
    desk.write(lambda tx: accounts.see_session(tx, "a", LATER))
    seen = desk.read(lambda tx: accounts.session(tx, "a"))
    assert seen is not None
    assert seen.seen_at == LATER
    assert desk.write(lambda tx: accounts.purge_sessions(tx, LATER, NOON - timedelta(1))) == 1
    assert desk.read(lambda tx: accounts.session(tx, short.id)) is None, "it has expired"
    assert desk.write(lambda tx: accounts.purge_sessions(tx, NOON, NOON)) == 1
    assert desk.read(lambda tx: accounts.session(tx, theirs.id)) is None, "nobody has used it since"
    desk.write(lambda tx: accounts.end_session(tx, "a"))
    assert desk.write(lambda tx: accounts.end_sessions(tx, user)) == 0


def test_tokens_are_found_by_their_hash_and_revoked_once(store: Store, desk: Desk) -> None:
    accounts, user = Accounts(store.database.engine.dialect), new_key(NOON)
    scopes = frozenset({"read", "intake"})
    key = desk.write(lambda tx: accounts.add_token(tx, user, "till", "hash", scopes, NOON, LATER))
    other = desk.write(lambda tx: accounts.add_token(tx, new_key(NOON), "all", "other", None, LATER, None))
    found = desk.read(lambda tx: accounts.token(tx, "hash"))
    assert found is not None
    assert (found.id, found.user, found.name, found.scopes, found.expires_at) == (key, user, "till", scopes, LATER)
    assert desk.read(lambda tx: accounts.token(tx, "nothing")) is None
    assert [token.id for token in desk.read(accounts.tokens)] == [key, other]
    assert [token.id for token in desk.read(lambda tx: accounts.tokens(tx, user))] == [key]
    desk.write(lambda tx: accounts.use_token(tx, key, LATER))
    assert [desk.write(lambda tx: accounts.revoke_token(tx, key, LATER)) for _ in range(2)] == [True, False]
    used = desk.read(lambda tx: accounts.token(tx, "hash"))
    assert used is not None
    assert (used.used_at, used.revoked_at) == (LATER, LATER)
