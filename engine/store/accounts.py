"""How people and programs prove who they are, as rows: passwords, sessions, tokens. Secrets stand here as hashes only.

The tables are the engine's own, so that one object serves whatever the definitions say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData, bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import Dialect

from engine.store.keys import new_key
from engine.store.statement import Statement
from engine.store.technical import PASSWORD, SESSION, TOKEN, add_technical_tables
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. ``id`` is the hash of what the browser keeps."""

    id: str
    user: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """What a program logs in with. ``scopes`` are what it may do at most, None: whatever its user may."""

    id: str
    user: str
    name: str
    scopes: frozenset[str] | None
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class Accounts:
    """Reads and writes the rows of passwords, sessions and tokens."""

    def __init__(self, dialect: Dialect) -> None:
        metadata = MetaData()
        add_technical_tables(metadata)
        self._passwords = metadata.tables[PASSWORD]
        self._sessions = sessions = metadata.tables[SESSION]
        self._tokens = tokens = metadata.tables[TOKEN]
        columns = [sessions.c[name] for name in ("id", "user", "created_at", "seen_at", "expires_at")]
        by_id = select(*columns).where(sessions.c["id"] == bindparam("which"))
        self._session = Statement(by_id, dialect, ("which",))
        names = ("id", "user", "name", "scopes", "created_at", "used_at", "expires_at", "revoked_at")
        self._token_columns = [tokens.c[name] for name in names]
        by_hash = select(*self._token_columns).where(tokens.c["hash"] == bindparam("which"))
        self._token = Statement(by_hash, dialect, ("which",))

    # Passwords ------------------------------------------------------------------------------------------------------

    def password(self, tx: Transaction, user: str) -> str | None:
        """The hash of the user's password; None for a user without one, who cannot log in by it."""
        table = self._passwords
        found = tx.core(select(table.c["hash"]).where(table.c["user"] == user))
        return str(found[0]["hash"]) if found else None

    def set_password(self, tx: Transaction, user: str, hashed: str, now: datetime) -> None:
        """Keeps the hash in place of any before it."""
        table = self._passwords
        values = {"hash": hashed, "changed_at": now}
        if not tx.change(update(table).where(table.c["user"] == user).values(values)):
            tx.change(insert(table).values(user=user, **values))

    # Sessions -------------------------------------------------------------------------------------------------------

    def session(self, tx: Transaction, hashed: str) -> Session | None:
        """The session of that hash, expired or not."""
        rows = tx.rows(self._session, (hashed,))
        return Session(*rows[0]) if rows else None

    def start_session(self, tx: Transaction, session: Session, data: dict[str, Any]) -> None:
        """Keeps a new session. ``data`` says where it came from."""
        values = {name: getattr(session, name) for name in ("id", "user", "created_at", "seen_at", "expires_at")}
        tx.change(insert(self._sessions).values(**values, data=data))

    def see_session(self, tx: Transaction, hashed: str, now: datetime) -> None:
        """Notes that the session is in use."""
        table = self._sessions
        tx.change(update(table).where(table.c["id"] == hashed).values(seen_at=now))

    def end_session(self, tx: Transaction, hashed: str) -> None:
        """Ends one session."""
        tx.change(delete(self._sessions).where(self._sessions.c["id"] == hashed))

    def end_sessions(self, tx: Transaction, user: str) -> int:
        """How many sessions of the user were ended: all of them."""
        return tx.change(delete(self._sessions).where(self._sessions.c["user"] == user))

    def purge_sessions(self, tx: Transaction, now: datetime, seen_before: datetime) -> int:
        """How many sessions were removed that nobody can use any more."""
        table = self._sessions
        return tx.change(delete(table).where(or_(table.c["expires_at"] <= now, table.c["seen_at"] <= seen_before)))

    # Tokens ---------------------------------------------------------------------------------------------------------

    def token(self, tx: Transaction, hashed: str) -> Token | None:
        """The token of that hash, expired or revoked or not."""
        rows = tx.rows(self._token, (hashed,))
        return _token(rows[0]) if rows else None

    def tokens(self, tx: Transaction, user: str | None = None) -> list[Token]:
        """The tokens of a user, or of all, the oldest first."""
        table = self._tokens
        clause = select(*self._token_columns).order_by(table.c["created_at"], table.c["id"])
        if user is not None:
            clause = clause.where(table.c["user"] == user)
        return [_token(list(row.values())) for row in tx.core(clause)]

    def add_token(
        self,
        tx: Transaction,
        user: str,
        name: str,
        hashed: str,
        scopes: frozenset[str] | None,
        now: datetime,
        expires_at: datetime | None,
    ) -> str:
        """The id of the new token, by which it can be revoked."""
        key = new_key(now)
        listed = sorted(scopes) if scopes is not None else None
        values = {"id": key, "hash": hashed, "user": user, "name": name, "scopes": listed}
        tx.change(insert(self._tokens).values(**values, created_at=now, expires_at=expires_at))
        return key

    def use_token(self, tx: Transaction, key: str, now: datetime) -> None:
        """Notes that the token is in use."""
        table = self._tokens
        tx.change(update(table).where(table.c["id"] == key).values(used_at=now))

    def revoke_token(self, tx: Transaction, key: str, now: datetime) -> bool:
        """Whether there was such a token, which now lets nobody in."""
        table = self._tokens
        valid = update(table).where(table.c["id"] == key, table.c["revoked_at"].is_(None))
        return tx.change(valid.values(revoked_at=now)) == 1


def _token(row: Sequence[Any]) -> Token:
    key, user, name, scopes, *moments = row
    return Token(key, user, name, None if scopes is None else frozenset(scopes), *moments)
