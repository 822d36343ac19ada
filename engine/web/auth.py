"""Who asks: the actor of a request, from the session in its cookie or from the token in its header."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool

from engine.catalog.catalog import Catalog
from engine.errors import NotLoggedIn
from engine.policy.access import Actor
from engine.runtime.actors import actor_of
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins, digest
from engine.store.accounts import Token
from engine.store.transaction import Transaction
from engine.web.origin import Origin

#: Over https the browser takes the cookie only from https, for this host and for all of its paths.
COOKIE, SECURE_COOKIE = "session", "__Host-session"
MOST_KEPT = 10_000

Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Known:
    """An actor as it was a moment ago."""

    actor: Actor | None
    catalog: Catalog
    until: float


class Authenticator:
    """Finds actors, and remembers them for a moment: long enough for a burst of requests, short enough for a change of
    somebody's rights to count at once."""

    def __init__(self, engine: Engine, logins: Logins, cached: float) -> None:
        self._engine = engine
        self._logins = logins
        self._cached = cached
        self._known: dict[Key, Known] = {}
        self._forgotten = 0

    async def actor(
        self, headers: Mapping[bytes, bytes], origin: Origin, *, tokens: bool, sessions: bool = True
    ) -> Actor | None:
        """The actor, or None for somebody unknown. ``tokens``: a token counts here, and then no cookie does."""
        found = await self._actor(headers, origin, tokens=tokens, sessions=sessions)
        # What a device calls itself is not part of who asks: it is not remembered with that.
        return replace(found, device=origin.device) if found is not None and origin.device is not None else found

    async def _actor(
        self, headers: Mapping[bytes, bytes], origin: Origin, *, tokens: bool, sessions: bool
    ) -> Actor | None:
        if tokens and b"authorization" in headers:
            scheme, _, text = headers[b"authorization"].decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                return None
            return await self._find("token", text.strip(), origin.ip)
        secret = session_cookie(headers, https=origin.https) if sessions else None
        return await self._find("session", secret, origin.ip) if secret else None

    def forget(self) -> None:
        """Looks again at the next request, whoever asks: a session or token has ended."""
        self._known.clear()
        self._forgotten += 1

    async def _find(self, kind: str, secret: str, ip: str | None) -> Actor | None:
        key = (kind, digest(secret), ip)
        known = self._known.get(key)
        catalog = self._engine.catalog
        if known is not None and known.until > time.monotonic() and known.catalog is catalog:
            return known.actor
        until, forgotten = time.monotonic() + self._cached, self._forgotten
        actor = await run_in_threadpool(self._engine.database.read, lambda tx: self._read(tx, kind, secret, ip))
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        if forgotten == self._forgotten:  # else it was read before something ended
            self._known[key] = Known(actor, catalog, until)
        return actor

    def _read(self, tx: Transaction, kind: str, secret: str, ip: str | None) -> Actor | None:
        used = self._logins.token(tx, secret) if kind == "token" else self._logins.session(tx, secret)
        if used is None:
            return None
        try:
            scopes = used.scopes if isinstance(used, Token) else None
            actor = actor_of(self._engine.service, tx, used.user, ip=ip, scopes=scopes)
        except NotLoggedIn:
            return None
        self._logins.note(used)
        return actor


def session_cookie(headers: Mapping[bytes, bytes], *, https: bool) -> str | None:
    """The secret of the session that the browser sends."""
    name = SECURE_COOKIE if https else COOKIE
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        found, _, value = part.strip().partition("=")
        if found == name and value:
            return value
    return None
