"""Logging in: passwords, sessions and tokens. What is handed out is random and kept as a hash only."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from engine.errors import Complaint, InvalidValues, NotLoggedIn
from engine.ports import Clock
from engine.runtime.service import Service
from engine.store.accounts import Accounts, Session, Token
from engine.store.database import Database
from engine.store.transaction import Transaction

#: A session ends after so long without use, and after so long at all.
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
#: What is in use is noted so often; each note is a write.
NOTED = timedelta(minutes=5)

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 500
#: What a token may do; without limits it may do whatever its user may.
SCOPES = ("read", "write", "intake")
#: So that a token that was left lying somewhere is recognised as one.
TOKEN_PREFIX = "olt_"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is handed out, once: ``text`` is not kept anywhere."""

    id: str
    text: str


class Logins:
    """Checks who somebody is. Threads share it; ``check`` takes long on purpose, so it is not for a writer's thread."""

    def __init__(self, database: Database, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        self.accounts = Accounts(database.engine.dialect)
        self._database = database
        self._clock = clock
        self._hasher = hasher or PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """The hash that is checked where there is no account: the time tells nobody which accounts there are."""
        return self._hasher.hash(secrets.token_hex())

    # Passwords ------------------------------------------------------------------------------------------------------

    def hash(self, password: str) -> str:
        """The hash to keep. Raises InvalidValues for a password that is too short or endless. Takes long on purpose."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            message = f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
            raise InvalidValues(complaints=[Complaint("password", "VALUE_LENGTH", message)])
        return self._hasher.hash(password)

    def set_password(self, tx: Transaction, user: str, hashed: str) -> None:
        """Gives the user the password of that hash, and ends the sessions that began with another."""
        self.accounts.set_password(tx, user, hashed, self._clock.now())
        self.accounts.end_sessions(tx, user)

    def check(self, service: Service, login: str, password: str) -> str:
        """The id of the user with this login and password. NotLoggedIn, without saying what of it is wrong."""
        nobody = self._nobody
        user, hashed = self._database.read(lambda tx: self._known(service, tx, login))
        right = self._verify(hashed or nobody, password[:LONGEST_PASSWORD])
        if user is None or hashed is None or not right:
            raise NotLoggedIn("the user name or the password is wrong", code="LOGIN_FAILED")
        return user

    def _known(self, service: Service, tx: Transaction, login: str) -> tuple[str | None, str | None]:
        """The user of the login, if active, and the password's hash, if there is one."""
        found = service.store.query.equal(tx, "user", {"login": login}, limit=1)
        if not found or found[0]["active"] is False:
            return None, None
        return found[0]["id"], self.accounts.password(tx, found[0]["id"])

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False

    # Sessions -------------------------------------------------------------------------------------------------------

    def open(self, tx: Transaction, user: str, ip: str | None, agent: str) -> str:
        """The secret of a new session, for the browser's cookie."""
        now = self._clock.now()
        secret = secrets.token_urlsafe(32)
        session = Session(digest(secret), user, created_at=now, seen_at=now, expires_at=now + LONGEST)
        self.accounts.start_session(tx, session, {"ip": ip, "agent": agent[:200]})
        return secret

    def close(self, tx: Transaction, secret: str) -> None:
        """Ends the session of that secret."""
        self.accounts.end_session(tx, digest(secret))

    def session(self, tx: Transaction, secret: str) -> Session | None:
        """The session of that secret, if it is still good."""
        found = self.accounts.session(tx, digest(secret))
        now = self._clock.now()
        return found if found is not None and now < found.expires_at and now - found.seen_at < IDLE else None

    # Tokens ---------------------------------------------------------------------------------------------------------

    def new_token(
        self,
        tx: Transaction,
        user: str,
        name: str,
        scopes: Collection[str] | None = None,
        expires_at: datetime | None = None,
    ) -> NewToken:
        """A new token of the user, who it then acts for, within ``scopes``. Raises InvalidValues for unknown scopes."""
        unknown = sorted(set(scopes or ()) - set(SCOPES))
        if unknown:
            message = f"{', '.join(unknown)}: a scope is one of {', '.join(SCOPES)}"
            raise InvalidValues(complaints=[Complaint("scopes", "VALUE_CHOICE", message)])
        text = TOKEN_PREFIX + secrets.token_urlsafe(32)
        limits = frozenset(scopes) if scopes is not None else None
        key = self.accounts.add_token(tx, user, name, digest(text), limits, self._clock.now(), expires_at)
        return NewToken(key, text)

    def token(self, tx: Transaction, text: str) -> Token | None:
        """The token of that text, if it is still good."""
        found = self.accounts.token(tx, digest(text))
        if found is None or found.revoked_at is not None:
            return None
        return found if found.expires_at is None or self._clock.now() < found.expires_at else None

    # Use ------------------------------------------------------------------------------------------------------------

    def note(self, used: Session | Token) -> None:
        """Writes down that it is in use, now and then; nobody waits for that."""
        now = self._clock.now()
        last = used.seen_at if isinstance(used, Session) else used.used_at
        if last is not None and now - last < NOTED:
            return
        if isinstance(used, Session):
            self._database.write(lambda tx: self.accounts.see_session(tx, used.id, now))
        else:
            self._database.write(lambda tx: self.accounts.use_token(tx, used.id, now))

    def purge(self, tx: Transaction) -> int:
        """How many sessions were removed that are over."""
        now = self._clock.now()
        return self.accounts.purge_sessions(tx, now, now - IDLE)


def digest(secret: str) -> str:
    """The hash by which a random secret is found again. A fast one will do: nobody guesses 256 random bits."""
    return sha256(secret.encode()).hexdigest()
