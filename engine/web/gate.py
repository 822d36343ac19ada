"""What every request passes: where it comes from, who asks, the headers of the answer, and what becomes of errors."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import RequestError, TooLarge
from engine.web.auth import Authenticator
from engine.web.metrics import Metrics
from engine.web.origin import SAFE, headers_of, origin_of, refuse_cross_site
from engine.web.security import HEADERS, HTTPS_HEADERS, NOT_STORED
from engine.web.settings import WebSettings

_log = logging.getLogger(__name__)

#: Where programs ask: they may send a token, and are answered with problems in JSON.
PROGRAMS = ("/api/", "/intake/", "/openapi.json", "/metrics", "/healthz", "/readyz")
#: What proves itself by other means than a browser's session is not misused through one.
NO_SESSION = ("/intake/",)

#: The answer to a request that failed: for an error of the caller's, and for a mistake of ours under the log's number.
Refuse = Callable[[Request, RequestError], Response]
Crash = Callable[[Request, str], Response]


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator,
        settings: WebSettings,
        metrics: Metrics,
        refuse: Refuse,
        crash: Crash,
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._settings = settings
        self._metrics = metrics
        self._refuse = refuse
        self._crash = crash

    def _limited(self, receive: Receive) -> Receive:
        """The body of a form, which is refused when it becomes too large."""
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._settings.largest_file:
                raise TooLarge(f"the body has more than {self._settings.largest_file} bytes")
            return message

        return limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = headers_of(scope)
        origin = origin_of(scope, headers, self._settings.trusted_proxies)
        state = scope.setdefault("state", {})
        state["origin"] = origin
        state["headers"] = headers
        path: str = scope["path"]
        programs = path.startswith(PROGRAMS)
        own = HTTPS_HEADERS if origin.https else HEADERS
        if programs:
            own = (*own, NOT_STORED)
        status = 0

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        async def answer(response: Response) -> None:
            if status:  # too late: what has been sent cannot be taken back, only be broken off
                raise RuntimeError("an answer failed after it had begun")
            await response(scope, receive, reply)

        try:
            sessions = not path.startswith(NO_SESSION)
            token = programs and b"authorization" in headers
            if sessions and not token:
                refuse_cross_site(scope["method"], headers)
            state["actor"] = await self._authenticator.actor(headers, origin, tokens=programs, sessions=sessions)
            # Programs' bodies are read within limits of their own.
            body = receive if programs or scope["method"] in SAFE else self._limited(receive)
            await self._app(scope, body, reply)
        except RequestError as error:
            await answer(self._refuse(Request(scope, receive), error))
        except ClientDisconnect:
            status = status or 499  # nobody is there to be answered; the number is nginx's
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log the rest
            number = secrets.token_hex(6)
            _log.exception("%s %s failed; its number is %s", scope["method"], path, number)
            await answer(self._crash(Request(scope, receive), number))
        finally:
            route = scope.get("route")
            name = getattr(route, "path", "") or "none"
            self._metrics.count(scope["method"], name, status, time.perf_counter() - began)
