"""One request of a program: who asks, for what, on which definitions; its body and parameters, checked; its answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from engine.catalog.catalog import Catalog
from engine.errors import AccessDenied, BadRequest, InvalidValues, NotFound, NotLoggedIn
from engine.policy.access import Actor
from engine.ports import Record
from engine.registry import did_you_mean
from engine.runtime.engine import Engine
from engine.runtime.reading import Reading
from engine.runtime.service import Service
from engine.store.keys import is_key
from engine.store.transaction import Transaction
from engine.web.body import parse_json, read_body
from engine.web.once import Once, RequestKey, Work
from engine.web.origin import SAFE
from engine.web.pages.words import negotiate
from engine.web.reply import Reply
from engine.web.settings import WebSettings
from engine.web.waiting import Reads, committed

T = TypeVar("T")

JSON_TYPES = ("application/json", "application/merge-patch+json")


@dataclass(frozen=True, slots=True)
class Site:
    """What all requests of programs share."""

    engine: Engine
    settings: WebSettings
    once: Once
    reads: Reads


class Call:
    """One request. It keeps to the definitions that were in use when it came."""

    def __init__(self, site: Site, request: Request) -> None:
        self.site = site
        self.request = request
        self.service: Service = site.engine.service
        self.reading: Reading = site.engine.reading
        self.catalog: Catalog = self.service.catalog
        self._headers: Mapping[bytes, bytes] = request.scope["state"]["headers"]
        self._body: bytes | None = None

    # Who asks for what ----------------------------------------------------------------------------------------------

    @property
    def actor(self) -> Actor:
        """Who asks. NotLoggedIn for somebody unknown, AccessDenied for a token that is not made for this."""
        actor: Actor | None = self.request.scope["state"]["actor"]
        if actor is None:
            raise NotLoggedIn
        if actor.scopes is not None:
            needed = "read" if self.request.method in SAFE else "write"
            if needed not in actor.scopes:
                raise AccessDenied(f"this token lacks the scope `{needed}`", code="SCOPE_MISSING")
        return actor

    @property
    def model(self) -> str:
        """The model that the address names. Raises NotFound."""
        name: str = self.request.path_params["model"]
        if name not in self.catalog.models:
            hint = did_you_mean(name, self.catalog.models)
            raise NotFound(f"there is no model {name[:100]!r}" + (f"; {hint}" if hint else ""))
        return name

    @property
    def key(self) -> str:
        """The id that the address names. NotFound for what is no id at all."""
        key: str = self.request.path_params["id"].lower()
        if not is_key(key):
            raise NotFound(f"there is no {self.request.path_params['model']} {key[:100]!r}: ids are UUIDs")
        return key

    @property
    def version(self) -> int | None:
        """The version that ``If-Match`` names; None for any."""
        text = self.header(b"if-match", "*").strip()
        if text == "*":
            return None
        version = text.removeprefix('"').removesuffix('"')
        if not version.isascii() or not version.isdecimal() or len(version) > 18:
            raise BadRequest("If-Match takes one ETag, as it came with the record", code="BAD_IF_MATCH")
        return int(version)

    @property
    def language(self) -> str:
        """The language for labels: the first that the request accepts and we have."""
        return negotiate(self.header(b"accept-language"))

    def parameters(self, known: Collection[str], others: Collection[str] = ()) -> Mapping[str, str]:
        """The parameters of the address, each once. BadRequest for any but those ``known`` and ``others``."""
        if not self.request.scope["query_string"]:
            return {}
        found: dict[str, str] = {}
        for name, value in self.request.query_params.multi_items():
            if name not in known and name not in others:
                hint = did_you_mean(name, [*known, *others])
                message = f"unknown parameter {name[:100]!r}" + (f"; {hint}" if hint else "")
                raise BadRequest(message, code="UNKNOWN_PARAMETER")
            if name in found:
                raise BadRequest(f"the parameter {name} is given twice", code="PARAMETER_TWICE")
            if "\x00" in value:
                raise BadRequest(f"the parameter {name} holds a NUL", code="BAD_PARAMETER")
            found[name] = value
        return found

    def header(self, name: bytes, absent: str = "") -> str:
        """A header by its name in lower case."""
        found = self._headers.get(name)
        return found.decode("latin-1") if found is not None else absent

    # What it brings -------------------------------------------------------------------------------------------------

    async def body(self, largest: int | None = None) -> bytes:
        """The body as it came."""
        if self._body is None:
            announced = self.header(b"content-length")
            self._body = await read_body(self.request, largest or self.site.settings.largest_body, announced)
        return self._body

    async def json(self, *, optional: bool = False) -> Mapping[str, Any]:
        """The JSON object of the body; with ``optional`` an empty one where there is no body."""
        body = await self.body()
        if optional and not body.strip():
            return {}
        media_type = self.header(b"content-type").partition(";")[0].strip().lower()
        if media_type not in JSON_TYPES:
            told = f"not {media_type[:100]!r}" if media_type else "and say so: `Content-Type: application/json`"
            raise BadRequest(f"send JSON, {told}", code="BAD_MEDIA_TYPE")
        value = parse_json(body)
        if not isinstance(value, dict):
            raise InvalidValues("the body is not a JSON object", code="VALUE_TYPE")
        return value

    # What is done ---------------------------------------------------------------------------------------------------

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, on a transaction that only reads."""
        return await self.site.reads(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, once its transaction is committed."""
        return await committed(self.site.engine.database.write(work))

    async def act(self, work: Work, caller: str | None = None) -> Response:
        """The work's answer, once it is committed. A POST with an ``Idempotency-Key`` is done once; the key is the
        caller's own: the actor's, unless somebody else is named."""
        scope = self.request.scope
        if scope["method"] != "POST" or b"idempotency-key" not in self._headers:
            return (await self.write(work)).response()
        key = self.header(b"idempotency-key")
        address = (scope["method"].encode(), scope["path"].encode(), scope["query_string"])
        whole = RequestKey.of(caller or str(self.actor.id), key, *address, await self.body())
        return (await self.site.once.reply(whole, work, self.write)).response()

    def reply(self, tx: Transaction, record: Record, status: int = 200, *, location: str | None = None) -> Reply:
        """The reply that carries a record that was just written, as far as the actor may see it."""
        return Reply.of_record(self.reading.written(tx, self.actor, self.model, record), status, location=location)
