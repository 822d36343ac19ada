"""The records over HTTP: one route for each act, whatever models there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.catalog.shapes import PROPOSED
from engine.errors import BadRequest, NotFound
from engine.runtime.explaining import Explainer
from engine.runtime.versions import Versions
from engine.store.identity import StoredRecord
from engine.store.transaction import Transaction
from engine.web.bulk import bulk
from engine.web.call import Call, Site
from engine.web.listing import chosen_fields, expanded, only, records
from engine.web.problems import plain_reason
from engine.web.reply import Reply

Handler = Callable[[Call], Awaitable[Response]]

#: What an entry of a record's history tells.
HISTORY = ("id", "at", "act", "actor", "actor_name", "record_version", "event", "changes", "reasons", "definitions")

#: Longer numbers are no versions.
MOST_DIGITS = 9


def api_routes(site: Site) -> list[Route]:
    """The routes below ``/api``. Errors are the business of what stands around them."""

    def at(path: str, method: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return await handler(Call(site, request))

        return Route(path, endpoint, methods=[method])

    return [
        at("/api/{model}", "POST", create),
        at("/api/{model}/bulk", "POST", bulk),
        at("/api/{model}/{id}/events/{event}", "POST", fire),
        at("/api/{model}", "GET", show_list),
        at("/api/{model}/{id}", "GET", show),
        at("/api/{model}/{id}", "PATCH", update),
        at("/api/{model}/{id}", "DELETE", delete),
        at("/api/{model}/{id}/events", "GET", events),
        at("/api/{model}/{id}/history", "GET", history),
        at("/api/{model}/{id}/history/{version}", "GET", version),
        at("/api/{model}/{id}/explain", "GET", explain),
        at("/api/{model}/{id}/release/{hold}", "POST", release),
        at("/api/{model}/{id}/restore", "POST", restore),
    ]


async def create(call: Call) -> Response:
    """``POST /api/{model}``: 201 with the record, as it is after its workflow has gone as far as it can."""
    actor, model, service = call.actor, call.model, call.service
    call.parameters(())
    values = await call.json()

    def work(tx: Transaction) -> Reply:
        record = service.create(tx, actor, model, values)
        return call.reply(tx, record, 201, location=f"/api/{model}/{record['id']}")

    return await call.act(work)


async def show_list(call: Call) -> Response:
    """``GET /api/{model}``."""
    return (await records(call)).response()


async def show(call: Call) -> Response:
    """``GET /api/{model}/{id}?expand=&fields=``."""
    given = call.parameters(("expand", "fields"))
    expand, fields = expanded(given), chosen_fields(call, given)

    def work(tx: Transaction) -> Reply:
        record = call.reading.get(tx, call.actor, call.model, call.key, expand=expand)
        shown = call.reading.wire(call.actor, call.model, record, expand)
        if fields:
            return Reply.of_record(only(shown, fields))
        if call.catalog.shapes.proposes(call.model):
            shown[PROPOSED] = Versions(call.reading).wire(tx, call.actor, call.model, record)
        return Reply.of_record(shown)

    return (await call.read(work)).response()


async def update(call: Call) -> Response:
    """``PATCH /api/{model}/{id}``: the fields named get new values; ``If-Match`` names the version that was read."""
    actor, model, key, service, version = call.actor, call.model, call.key, call.service, call.version
    call.parameters(())
    values = await call.json()
    return await call.act(lambda tx: call.reply(tx, service.update(tx, actor, model, key, values, version=version)))


async def delete(call: Call) -> Response:
    """``DELETE /api/{model}/{id}``: the record goes to the trash."""
    actor, model, key, service, version = call.actor, call.model, call.key, call.service, call.version
    call.parameters(())

    def work(tx: Transaction) -> Reply:
        service.delete(tx, actor, model, key, version=version)
        return Reply(b"", 204)

    return await call.act(work)


async def restore(call: Call) -> Response:
    """``POST /api/{model}/{id}/restore``: the record comes back from the trash."""
    actor, model, key, service = call.actor, call.model, call.key, call.service
    call.parameters(())
    return await call.act(lambda tx: call.reply(tx, service.restore(tx, actor, model, key)))


async def fire(call: Call) -> Response:
    """``POST /api/{model}/{id}/events/{event}``: the body is the event's input, if it takes any."""
    actor, model, key, service, version = call.actor, call.model, call.key, call.service, call.version
    event: str = call.request.path_params["event"]
    call.parameters(())
    given = await call.json(optional=True)
    return await call.act(lambda tx: call.reply(tx, service.fire(tx, actor, model, key, event, given, version=version)))


async def events(call: Call) -> Response:
    """``GET /api/{model}/{id}/events``: what may be fired now, and why (not)."""
    actor, model, key = call.actor, call.model, call.key
    call.parameters(())
    language = call.language

    def work(tx: Transaction) -> Reply:
        record = call.reading.get(tx, actor, model, key)
        return Reply.of(
            {
                "items": [
                    {
                        "event": offer.name,
                        "allowed": bool(offer.verdict),
                        "input": sorted(offer.event.input),
                        "proposes": sorted(call.service.inputs.fields(model, offer.event)),
                        "reasons": [plain_reason(reason, language) for reason in offer.verdict.reasons],
                    }
                    for offer in call.reading.offers(tx, actor, model, record)
                ]
            }
        )

    return (await call.read(work)).response()


async def explain(call: Call) -> Response:
    """``GET /api/{model}/{id}/explain?field=&event=``: why the record is as it is, as a tree; or one of its fields, or
    whether an event is possible."""
    given = call.parameters(("field", "event"))
    if len(given) > 1:
        raise BadRequest("explain a field or an event, not both", code="BAD_PARAMETER")
    explainer = Explainer(call.reading)
    found = await call.read(lambda tx: explainer.explain(tx, call.actor, call.model, call.key, **given))
    return Reply.of(found.plain(call.language)).response()


async def history(call: Call) -> Response:
    """``GET /api/{model}/{id}/history``: what has happened to the record, newest first."""
    actor, model, key = call.actor, call.model, call.key
    call.parameters(())

    def work(tx: Transaction) -> Reply:
        entries = call.reading.timeline(tx, actor, model, key)
        return Reply.of({"items": [{name: _plain(entry[name]) for name in HISTORY} for entry in entries]})

    return (await call.read(work)).response()


async def version(call: Call) -> Response:
    """``GET /api/{model}/{id}/history/{version}``: the record as it was in that version."""
    actor, model, key = call.actor, call.model, call.key
    call.parameters(())
    text: str = call.request.path_params["version"]
    if not text.isascii() or not text.isdecimal() or len(text) > MOST_DIGITS:
        raise NotFound(f"there is no version {text[:100]!r}: versions are numbers from 1 on")
    found = await call.read(lambda tx: Versions(call.reading).past(tx, actor, model, key, int(text)))
    return Reply.of(found).response()


def _plain(value: Any) -> Any:
    """The id of a link, and anything else as it is."""
    return value["id"] if isinstance(value, StoredRecord) else value


async def release(call: Call) -> Response:
    """``POST /api/{model}/{id}/release/{hold}``: ``{"why": …}``; the hold by its name or its id."""
    actor, model, key, service = call.actor, call.model, call.key, call.service
    hold: str = call.request.path_params["hold"]
    call.parameters(())
    given = await call.json()
    why = given.get("why", "")
    if not isinstance(why, str) or set(given) - {"why"}:
        raise BadRequest('the body is {"why": a text}', code="BAD_REASON")

    def work(tx: Transaction) -> Reply:
        record = call.reading.get(tx, actor, model, key)
        found = next((held["id"] for held in record["holds"] if hold in (held["name"], held["id"])), None)
        if found is None:
            raise NotFound(f"there is no open hold {hold[:100]!r} on this record")
        return call.reply(tx, service.release(tx, actor, found, why))

    return await call.act(work)
