"""``/docs``: the API for people who write programs; ``/docs/codes``: what the codes of answers mean;
``/openapi.json``: the same for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import REQUEST_CODES, RequestError
from engine.fields.field import VALUE_CODES, Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.web.call import Call
from engine.web.call import Site as Calls
from engine.web.openapi import document, events_of
from engine.web.output import to_json
from engine.web.pages.visit import Site, Visit


@dataclass(frozen=True, slots=True)
class Line:
    """A field, an event or a channel."""

    path: str
    type: str
    notes: str


@dataclass(frozen=True, slots=True)
class Part:
    """A model."""

    name: str
    label: str
    path: str
    lines: tuple[Line, ...]
    events: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """What ``reference.html`` draws."""

    parts: tuple[Part, ...]
    channels: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class CodesView:
    """What ``codes.html`` draws."""

    codes: tuple[tuple[str, str], ...]


def reference_routes(calls: Calls, site: Site) -> list[Route]:
    """The routes of all three. They are for who may log in: definitions tell much about a business."""

    def page(path: str, show: Callable[[Visit], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            return show(Visit(site, request))

        return Route(path, endpoint, methods=["GET"])

    async def openapi(request: Request) -> Response:
        return _openapi(Call(calls, request))

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        page("/docs", show_reference),
        page("/docs/codes", show_codes),
    ]


def _openapi(call: Call) -> Response:
    """The document, worked out once for each catalogue and language."""
    call.actor  # noqa: B018 - refuses who is not known
    call.parameters(())
    catalog, language = call.catalog, call.language
    body = catalog.memo(("openapi", language), lambda: to_json(document(catalog, language)))
    return Response(body, media_type="application/json")


def show_reference(visit: Visit) -> Response:
    """The models that this person may read, with their fields and events, and the channels."""
    models = [model for model in visit.catalog.models if visit.may_read(model)]
    parts = tuple(_part(visit, model) for model in models)
    channels = tuple(
        Line(f"POST /intake/{name}", "", visit.words.say(channel.label))
        for name, channel in visit.catalog.channels.items()
    )
    return visit.page("reference.html", ReferenceView(parts, channels), title=visit.words("api"))


def _part(visit: Visit, model: str) -> Part:
    hidden = visit.service.rights.hidden(visit.actor, model)
    fields = {name: field for name, field in visit.catalog.fields(model).items() if name not in hidden}
    events = tuple(
        Line(f"POST /api/{model}/{{id}}/events/{event.name}", "", visit.words.say(event.label))
        for event in events_of(visit.catalog, model).values()
    )
    lines = tuple(_lines(visit, fields, ""))
    return Part(model, visit.model_label(model), f"/api/{model}", lines, events)


def _lines(visit: Visit, fields: Mapping[str, Field], before: str) -> Iterator[Line]:
    for name, field in fields.items():
        type_ = f"{field.type_name} → {field.target}" if isinstance(field, LinkField) else field.type_name
        marks = (
            ("api_required", field.required),
            ("api_read_only", field.read_only),
            ("api_private", bool(field.private)),
        )
        notes = [visit.words.say(field.label), *(visit.words(word) for word, true in marks if true)]
        yield Line(before + name, type_, visit.words.listing([note for note in notes if note]))
        if isinstance(field, RowsField):
            yield from _lines(visit, field.of, f"{before}{name}[].")


def show_codes(visit: Visit) -> Response:
    """Every code that an answer of the engine's may carry."""
    visit.actor  # noqa: B018 - refuses who is not known
    whole = {error.default_code: f"{error.status}: {error.title}" for error in _classes(RequestError)}
    codes = tuple(sorted((whole | dict(REQUEST_CODES) | dict(VALUE_CODES)).items()))
    return visit.page("codes.html", CodesView(codes), title=visit.words("codes"))


def _classes(parent: type[RequestError]) -> Iterator[type[RequestError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from _classes(child)
