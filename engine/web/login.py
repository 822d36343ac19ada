"""``POST /login`` and ``POST /logout``: from the page's form, and in JSON from programs that want a session."""

from __future__ import annotations

import logging
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import parse_qs

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.errors import BadRequest, NotLoggedIn, RequestError
from engine.runtime.engine import Engine
from engine.runtime.logins import LONGEST, Logins
from engine.store.transaction import Transaction
from engine.web.auth import COOKIE, SECURE_COOKIE, Authenticator, session_cookie
from engine.web.body import parse_json, read_body
from engine.web.limits import Limit
from engine.web.origin import Origin, headers_of
from engine.web.output import json_response
from engine.web.pages.login import local_path, login_page
from engine.web.pages.visit import Site, Visit
from engine.web.pages.words import negotiate
from engine.web.problems import problem_response
from engine.web.waiting import committed

_log = logging.getLogger(__name__)

LARGEST = 8_192
JSON = "application/json"

#: Attempts within a quarter of an hour. An address may be a whole office behind one router; an account is one person.
BY_ADDRESS, BY_ACCOUNT, SECONDS = 50, 10, 900.0
#: Passwords that are checked at the same time: each takes a core and 64 MB for a while.
AT_ONCE = 2


class LoginDesk:
    """Lets people in and out."""

    def __init__(self, engine: Engine, site: Site, logins: Logins, authenticator: Authenticator) -> None:
        self._engine = engine
        self._site = site
        self._logins = logins
        self._authenticator = authenticator
        self._by_address = Limit(BY_ADDRESS, SECONDS)
        self._by_account = Limit(BY_ACCOUNT, SECONDS)
        self._checking = CapacityLimiter(AT_ONCE)

    def routes(self) -> list[Route]:
        """Where people log in and out."""
        return [
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
        ]

    async def log_in(self, request: Request) -> Response:
        """A session in a cookie, and from there to ``next``; for JSON the login. After a refusal the page again."""
        in_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
        if in_json:
            try:
                login, password, _ = _json_fields(await read_body(request, LARGEST))
                secret = await self._enter(request, login, password)
            except RequestError as error:
                return problem_response(error, negotiate(request.headers.get("accept-language", "")), "/login")
            return self._with_cookie(request, json_response({"login": login}), secret)
        login, password, target = _form_fields(await read_body(request, LARGEST))
        try:
            secret = await self._enter(request, login, password)
        except RequestError as error:
            page = login_page(Visit(self._site, request), login=login, target=target, refused=error)
            page.headers.update(error.headers)
            return page
        return self._with_cookie(request, RedirectResponse(local_path(target), 303), secret)

    async def log_out(self, request: Request) -> Response:
        """Ends the session, here and in the database."""
        origin: Origin = request.scope["state"]["origin"]
        secret = session_cookie(headers_of(request.scope), https=origin.https)
        if secret is not None:
            await committed(self._engine.database.write(lambda tx: self._logins.close(tx, secret)))
            self._authenticator.forget()
        response = RedirectResponse("/login?out", 303)
        response.delete_cookie(SECURE_COOKIE if origin.https else COOKIE, secure=origin.https, httponly=True)
        return response

    async def _enter(self, request: Request, login: str, password: str) -> str:
        """The secret of a new session. A session that the browser has already ends."""
        origin: Origin = request.scope["state"]["origin"]
        address, account = _neighbourhood(origin.ip), login[:200].casefold()
        self._by_address.take(address)
        self._by_account.take(account)
        service = self._engine.service
        try:
            user = await run_sync(self._logins.check, service, login, password, limiter=self._checking)
        except NotLoggedIn:
            # Without the login: people type their password into the wrong field.
            _log.warning("a log-in from %s failed", origin.ip)
            raise
        self._by_address.give_back(address)
        self._by_account.forget(account)
        agent = request.headers.get("user-agent", "")
        old = session_cookie(headers_of(request.scope), https=origin.https)

        def open_session(tx: Transaction) -> str:
            if old is not None:
                self._logins.close(tx, old)
            return self._logins.open(tx, user, origin.ip, agent)

        secret = await committed(self._engine.database.write(open_session))
        self._authenticator.forget()
        return secret

    def _with_cookie(self, request: Request, response: Response, secret: str) -> Response:
        https = request.scope["state"]["origin"].https
        response.set_cookie(
            SECURE_COOKIE if https else COOKIE,
            secret,
            max_age=int(LONGEST.total_seconds()),
            path="/",
            secure=https,
            httponly=True,
            samesite="lax",
        )
        response.headers["Cache-Control"] = "no-store"
        return response


def _neighbourhood(ip: str | None) -> str:
    """What counts as one address: of IPv6 the network, since a single machine has as many addresses as it likes."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ip or ""
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def _form_fields(body: bytes) -> tuple[str, str, str]:
    """Login, password and where to go on, from a form; what is not there is empty."""
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise BadRequest("this is no form", code="BAD_FORM") from None
    login, password, target = (found.get(name, [""])[0] for name in ("login", "password", "next"))
    return login, password, target


def _json_fields(body: bytes) -> tuple[str, str, str]:
    """The same from JSON."""
    value = parse_json(body)
    texts = [value.get(name) for name in ("login", "password")] if isinstance(value, dict) else []
    if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        raise BadRequest('send {"login": a text, "password": a text}', code="BAD_FORM")
    return str(texts[0]), str(texts[1]), ""
