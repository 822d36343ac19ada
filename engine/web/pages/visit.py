"""One request of a page: who asks, in which language, on which definitions; and how a page answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from engine.catalog.catalog import Catalog
from engine.errors import NotFound, NotLoggedIn
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.engine import Engine
from engine.runtime.reading import Reading
from engine.runtime.service import Service
from engine.store.answers import Answers
from engine.store.database import Transaction
from engine.web.once import Once, RequestKey
from engine.web.pages.assets import Assets
from engine.web.pages.pinyin import PinyinIndex
from engine.web.pages.shell import Shell, theme_of
from engine.web.pages.words import LANGUAGES, Words, negotiate
from engine.web.reply import Reply
from engine.web.waiting import Reads, committed

T = TypeVar("T")

#: A year, in seconds: language and theme are remembered that long.
REMEMBERED = 31_536_000


class Site:
    """What all pages share: the engine, the templates, the assets, how the titles of its records sound."""

    def __init__(self, engine: Engine, reads: Reads | None = None) -> None:
        self.engine = engine
        self.reads = reads or Reads(engine.database)
        self.sounds: dict[tuple[str, str], PinyinIndex] = {}
        self.assets = Assets()
        self.once = Once(engine, Answers(engine.database.engine.dialect))
        self.templates = Environment(
            loader=PackageLoader("engine.web", "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )


class Visit:
    """One request. ``actor`` is None before the log-in."""

    def __init__(self, site: Site, request: Request) -> None:
        self.site = site
        self.request = request
        self.service: Service = site.engine.service
        self.reading: Reading = site.engine.reading
        self.catalog: Catalog = self.service.catalog
        self._actor: Actor | None = getattr(request.state, "actor", None)
        self.words = Words(language_of(request, self._actor))
        self.theme = theme_of(request)
        #: Whether the whole page is the answer, though only a part was asked for.
        self.whole = False

    @property
    def language(self) -> str:
        return self.words.language

    @property
    def known(self) -> bool:
        """Whether somebody is logged in."""
        return self._actor is not None

    @property
    def actor(self) -> Actor:
        """Who asks. Raises NotLoggedIn."""
        if self._actor is None:
            raise NotLoggedIn
        return self._actor

    @property
    def partial(self) -> bool:
        """Whether only a part of the page is asked for: by htmx, or for a dialog."""
        headers = self.request.headers
        return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers and not self.whole

    @cached_property
    def model(self) -> str:
        """The model that the address names. Raises NotFound."""
        name: str = self.request.path_params["model"]
        if name not in self.catalog.models:
            raise NotFound(f"there is no model {name}")
        return name

    def model_label(self, model: str) -> str:
        """What people call a model."""
        return self.words.say(self.catalog.models[model].label, model)

    async def form(self, *, files: int = 0) -> FormData:
        """The form that was sent, with so many files at most. A form of many rows has many fields; how large it may be
        is the server\'s limit."""
        return await self.request.form(max_files=files, max_fields=MOST_FIELDS)

    def may_read(self, model: str) -> bool:
        """Whether some records of the model are for this reader."""
        return bool(self.service.rights.rows(self.actor, model, "read"))

    def may_create(self, model: str) -> bool:
        """Whether this reader may put in new records of the model."""
        return bool(self.service.rights.may_create(self.actor, model, None, {}))

    def names(self, tx: Transaction, model: str, record: Record | None, event: str) -> dict[str, Any]:
        """What expressions about the record may name besides its fields."""
        act = Act(self.catalog, self.service.store, tx, self.actor, self.service.clock.now())
        return act.names(model, record, event)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """What ``work`` returns, on a transaction that only reads."""
        return await self.site.reads(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What ``work`` returns, once its transaction is committed."""
        return await committed(self.site.engine.database.write(work))

    async def once(self, form: FormData, work: Callable[[Transaction], str]) -> str:
        """The address that the work leads to. A form that carries a key (``once``) and is sent twice, as by a double
        click, is done once; with other values in it, it is another form."""
        if not form.get("once"):
            return await self.write(work)
        sent = json.dumps(form.multi_items(), default=str).encode()
        path = self.request.url.path.encode()
        key = RequestKey.of(f"page:{self.actor.id}", sha256(path + sent).hexdigest(), path, sent)
        reply = await self.site.once.reply(key, lambda tx: Reply(b"", 303, {"Location": work(tx)}), self.write)
        return reply.headers["Location"]

    def page(self, template: str, view: Any, *, title: str, status: int = 200) -> Response:
        """The page of a template. ``view`` is the dataclass that it draws."""
        response = HTMLResponse(self._draw(template, view, title), status)
        response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
        response.headers["Cache-Control"] = "no-store"
        return response

    def _draw(self, template: str, view: Any, title: str) -> str:
        shell = Shell.of(self) if not self.partial else None
        return self.site.templates.get_template(template).render(
            view=view,
            t=self.words,
            asset=self.site.assets,
            shell=shell,
            title=title,
            language=self.language,
            theme=self.theme,
        )

    def go(self, path: str, **query: str) -> Response:
        """Sends the browser to another page (a GET, whatever this request was)."""
        target = path + (("&" if "?" in path else "?") + urlencode(query) if query else "")
        if self.partial:
            return Response(status_code=204, headers={"HX-Redirect": target})
        return RedirectResponse(target, status_code=303)


#: Fields of one form: a thousand rows of a dozen columns, and the hidden ones beside them.
MOST_FIELDS = 50_000

Handler = Callable[[Visit], Awaitable[Response]]


def language_of(request: Request, actor: Actor | None) -> str:
    """The language of the answer: the cookie's, else the user's own, else what the browser accepts."""
    for wanted in (request.cookies.get("lang"), actor.language if actor else None):
        if wanted in LANGUAGES:
            return wanted
    return negotiate(request.headers.get("Accept-Language", ""))


@dataclass(frozen=True, slots=True)
class Remember:
    """A setting that an address may carry (``?lang=en``): it moves into a cookie, and the address loses it."""

    name: str
    values: tuple[str, ...]


REMEMBER = (Remember("lang", LANGUAGES), Remember("theme", ("auto", "light", "dark")))


def remember(request: Request) -> Response | None:
    """The redirect that stores settings carried by the address; None when it carries none."""
    if request.method != "GET" or not any(setting.name in request.query_params for setting in REMEMBER):
        return None
    rest = [(key, value) for key, value in request.query_params.multi_items() if key not in {s.name for s in REMEMBER}]
    response = RedirectResponse(request.url.path + ("?" + urlencode(rest) if rest else ""), status_code=303)
    for setting in REMEMBER:
        value = request.query_params.get(setting.name)
        if value in setting.values:
            response.set_cookie(setting.name, value, max_age=REMEMBERED, samesite="lax")
    return response
