"""The whole web application: what it is made of, and in which order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import MethodNotAllowed, NotFound
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins
from engine.runtime.settings import Settings
from engine.store.answers import Answers
from engine.web.api import api_routes
from engine.web.auth import Authenticator
from engine.web.call import Site
from engine.web.faults import Faults
from engine.web.gate import Gate
from engine.web.heatmap import heatmap_routes
from engine.web.intake import Secrets, intake_routes
from engine.web.login import LoginDesk
from engine.web.metrics import Metrics
from engine.web.once import Once
from engine.web.pages.routes import page_routes
from engine.web.pages.visit import Site as Pages
from engine.web.reference import reference_routes
from engine.web.settings import WebSettings
from engine.web.system import system_routes
from engine.web.tasks import task_routes
from engine.web.waiting import Reads, committed

_log = logging.getLogger(__name__)

#: Seconds between two removals of what nobody can use any more.
PURGE = 600.0


def create_app(engine: Engine, settings: WebSettings | None = None, secrets: Secrets | None = None) -> Starlette:
    """The application over an engine. Its routes are made once: what they serve follows the catalogue of the moment.

    ``secrets`` gives the value of a secret by name; those of the process when absent.
    """
    settings = settings or WebSettings()
    logins = Logins(engine.database, engine.clock)
    authenticator = Authenticator(engine, logins, settings.cached)
    once = Once(engine, Answers(engine.database.engine.dialect))
    reads = Reads(engine.database)
    site = Site(engine, settings, once, reads)
    pages = Pages(engine, reads)
    faults = Faults(pages)
    metrics = Metrics()
    application = Starlette(
        routes=[
            *task_routes(site),
            *api_routes(site),
            *heatmap_routes(site),
            *intake_routes(site, secrets or Settings.of_process().secret),
            *system_routes(engine, metrics),
            *reference_routes(site, pages),
            *LoginDesk(engine, pages, logins, authenticator).routes(),
            *page_routes(engine, pages),
        ],
        middleware=[
            Middleware(
                Gate,
                authenticator=authenticator,
                settings=settings,
                metrics=metrics,
                refuse=faults.refuse,
                crash=faults.crash,
            )
        ],
        exception_handlers={HTTPException: _raise_own},
        lifespan=_lifespan(engine, logins, once),
    )
    # Behind a proxy the redirect to the same address without its slash would lead to http.
    application.router.redirect_slashes = False
    return application


async def _raise_own(_: Request, error: Exception) -> Response:
    """Turns what the router refuses into errors of ours, for the gate to answer."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        raise MethodNotAllowed(headers=dict(error.headers or {})) from None
    if isinstance(error, HTTPException) and error.status_code == 404:
        raise NotFound from None
    raise error


def _lifespan(engine: Engine, logins: Logins, once: Once) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        purging = asyncio.create_task(_purge(engine, logins, once))
        yield
        purging.cancel()
        with suppress(asyncio.CancelledError):
            await purging

    return lifespan


async def _purge(engine: Engine, logins: Logins, once: Once) -> None:
    """Removes sessions that are over and answers that do not count any more, now and then."""
    while True:
        await asyncio.sleep(PURGE)
        for purge in (logins.purge, once.purge):
            try:
                await committed(engine.database.write(purge))
            except Exception:  # noqa: BLE001 - it is tried again, and nobody waits for it
                _log.exception("what is over could not be removed")
