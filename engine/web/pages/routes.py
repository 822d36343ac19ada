"""Where the pages stand. What a page refuses becomes a page of its own (``faults.py``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from engine.errors import RequestError
from engine.runtime.engine import Engine
from engine.web.pages import (
    acting,
    events,
    explain,
    export,
    files,
    form,
    home,
    links,
    lists,
    login,
    proposing,
    record,
    tasks,
)
from engine.web.pages.faults import fault_page
from engine.web.pages.visit import Handler, Site, Visit, remember


def page_routes(engine: Engine, site: Site | None = None) -> tuple[BaseRoute, ...]:
    """The routes of all pages and of the files that they load. ``site``: what others draw pages with as well.

    They need ``request.state.actor`` (an ``Actor`` or None) from the session's middleware; checking cross-site
    requests, the security headers, ``POST /login`` and ``POST /logout`` are not theirs.
    """
    site = site or Site(engine)

    def get(path: str, handler: Handler) -> Route:
        return Route(path, _endpoint(site, handler), methods=["GET"])

    def post(path: str, handler: Handler) -> Route:
        return Route(path, _endpoint(site, handler), methods=["POST"])

    return (
        Mount("/static", site.assets.application),
        get("/login", login.show),
        get("/", home.show),
        get("/tasks", tasks.show),
        post("/tasks", tasks.decide),
        get("/files/{id}", files.download),
        get("/tasks/{id}", tasks.one),
        get("/tasks/{id}/people", acting.people),
        get("/tasks/{id}/{verb}", acting.ask),
        post("/tasks/{id}/{verb}", acting.act),
        get("/search", links.search),
        get("/m/{model}", lists.show),
        get("/m/{model}/export.csv", export.download),
        get("/m/{model}/lookup", links.lookup),
        get("/m/{model}/live.js", form.module),
        get("/m/{model}/new", form.new),
        post("/m/{model}/new", form.save),
        post("/m/{model}/preview", form.preview),
        get("/m/{model}/{id}", record.show),
        get("/m/{model}/{id}/explain", explain.show),
        get("/m/{model}/{id}/edit", form.edit),
        post("/m/{model}/{id}/edit", form.save),
        post("/m/{model}/{id}/preview", form.preview),
        get("/m/{model}/{id}/do/{event}", proposing.ask),
        post("/m/{model}/{id}/do/{event}", proposing.fire),
        post("/m/{model}/{id}/do/{event}/preview", proposing.preview),
        get("/m/{model}/{id}/holds/{hold}", events.ask_release),
        post("/m/{model}/{id}/holds/{hold}", events.release),
        post("/m/{model}/{id}/trash", events.trash),
    )


def _endpoint(site: Site, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler as Starlette calls it."""

    async def endpoint(request: Request) -> Response:
        settled = remember(request)
        if settled is not None:
            return settled
        visit = Visit(site, request)
        try:
            return await handler(visit)
        except RequestError as error:
            return fault_page(visit, error)

    return endpoint
