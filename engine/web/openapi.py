"""``/openapi.json``: what the API offers under the present definitions, as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import engine
from engine.catalog.catalog import Catalog
from engine.catalog.kinds.proposing import proposable
from engine.catalog.kinds.workflow import Event
from engine.catalog.shapes import PROPOSED
from engine.fields.field import say
from engine.fields.json import JsonField
from engine.fields.rows import RowsField
from engine.runtime.logins import SCOPES
from engine.runtime.plans import OPEN_SYSTEM_COLUMNS
from engine.web.bulk import MOST_RECORDS
from engine.web.openapi_parts import (
    EXPLANATION,
    HEATMAP,
    HISTORY,
    LIST_PARAMETERS,
    OFFERS,
    OUTCOMES,
    PARAMETERS,
    PROBLEM,
    PROBLEM_RESPONSE,
    SHADOW,
    WHY,
    Paths,
    answered,
    content,
    page_schema,
    parameter,
    ref_to,
)
from engine.web.openapi_tasks import task_paths
from engine.web.schemas import PENDING, Schema, put_in, shown_record


def document(catalog: Catalog, language: str) -> Schema:
    """The whole document."""
    maker = _Maker(catalog, language)
    paths: Paths = {}
    for model in catalog.models:
        paths |= maker.model_paths(model)
    for name, channel in catalog.channels.items():
        paths[f"/intake/{name}"] = {"post": maker.intake(name, say(channel.label, language, name))}
    for name, risk in catalog.risks.items():
        if risk.heatmap is not None:
            paths[f"/api/risks/{name}/heatmap"] = {"get": maker.heatmap(name, say(risk.label, language, name))}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": say(catalog.app.label, language, catalog.app.app),
            "version": catalog.fingerprint[:12],
            "description": f"Made by Orderloom {engine.__version__} from the definitions in use.",
        },
        "paths": paths | task_paths() | _system_paths(),
        "components": maker.components(),
        "security": [{"token": []}, {"session": []}],
        "tags": [
            {"name": model, "description": say(catalog.models[model].label, language, model)}
            for model in catalog.models
        ],
    }


class _Maker:
    """Makes the parts of the document about models."""

    def __init__(self, catalog: Catalog, language: str) -> None:
        self._catalog = catalog
        self._language = language

    def components(self) -> Schema:
        """Schemas of all models, and what many operations share: with a capital, so that they are no model's name."""
        schemas: Schema = {
            "Problem": PROBLEM,
            "Outcomes": OUTCOMES,
            "History": HISTORY,
            "Offers": OFFERS,
            "Explanation": EXPLANATION,
            "Pending": PENDING,
            "Heatmap": HEATMAP,
        }
        for model in self._catalog.models:
            fields = self._catalog.fields(model)
            closed = frozenset(self._catalog.system_fields(model)) - OPEN_SYSTEM_COLUMNS
            schemas[model] = shown_record(fields, self._language)
            if self._catalog.shapes.proposes(model):
                schemas[model]["properties"][PROPOSED] = {"anyOf": [ref_to("schemas", "Pending"), {"type": "null"}]}
            schemas[f"{model}.new"] = put_in(fields, self._language, closed=closed)
            schemas[f"{model}.change"] = put_in(fields, self._language, closed=closed, whole=False)
            for event in events_of(self._catalog, model).values():
                if event.asks:
                    schemas[f"{model}.{event.name}"] = self._input(model, event)
        return {
            "schemas": schemas,
            "parameters": PARAMETERS,
            "responses": {"problem": PROBLEM_RESPONSE},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"A token of `orderloom token`, of scopes {', '.join(SCOPES)}.",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            },
        }

    def model_paths(self, model: str) -> Paths:
        """The operations on a model's records."""
        one, base = f"/api/{model}/{{id}}", f"/api/{model}"
        record = ref_to("schemas", model)
        here = [ref_to("parameters", "id")]
        paths: Paths = {
            base: {
                "get": self._operation(
                    model,
                    "list",
                    answered(page_schema(record)),
                    [*self._equal(model), *map(parameter, LIST_PARAMETERS)],
                ),
                "post": self._operation(
                    model, "create", answered(record, "201"), [parameter("key")], self._body(f"{model}.new")
                ),
            },
            f"{base}/bulk": {
                "post": self._operation(
                    model,
                    "bulk",
                    answered(ref_to("schemas", "Outcomes")),
                    [parameter("key")],
                    content(self._bulk(model)),
                )
            },
            one: {
                "parameters": here,
                "get": self._operation(model, "read", answered(record), [parameter("expand"), parameter("fields")]),
                "patch": self._operation(
                    model, "change", answered(record), [parameter("if_match")], self._body(f"{model}.change")
                ),
                "delete": self._operation(
                    model, "delete", {"204": {"description": "It is in the trash"}}, [parameter("if_match")]
                ),
            },
            f"{one}/restore": {
                "parameters": here,
                "post": self._operation(model, "restore", answered(record), [parameter("key")]),
            },
            f"{one}/history": {
                "parameters": here,
                "get": self._operation(model, "history", answered(ref_to("schemas", "History"))),
            },
            f"{one}/history/{{version}}": {
                "parameters": [*here, parameter("version")],
                "get": self._operation(model, "version", answered(record)),
            },
            f"{one}/explain": {
                "parameters": here,
                "get": self._operation(
                    model,
                    "explain",
                    answered(ref_to("schemas", "Explanation")),
                    [parameter("field"), parameter("event")],
                ),
            },
            f"{one}/events": {
                "parameters": here,
                "get": self._operation(model, "events", answered(ref_to("schemas", "Offers"))),
            },
            f"{one}/release/{{hold}}": {
                "parameters": [*here, parameter("hold")],
                "post": self._operation(model, "release", answered(record), [parameter("key")], content(WHY)),
            },
        }
        for event in events_of(self._catalog, model).values():
            body = self._body(f"{model}.{event.name}") if event.asks else None
            operation = self._operation(
                model, f"fire_{event.name}", answered(record), [parameter("key"), parameter("if_match")], body
            )
            operation["summary"] = say(event.label, self._language, event.name)
            paths[f"{one}/events/{event.name}"] = {"parameters": here, "post": operation}
        return paths

    def _input(self, model: str, event: Event) -> Schema:
        """What an event takes: its input, and of the record's fields that it proposes any."""
        schema = put_in(event.input, self._language)
        own = put_in(proposable(event, self._catalog.models[model].fields), self._language, whole=False)
        return {**schema, "properties": {**own["properties"], **schema["properties"]}}

    def intake(self, channel: str, label: str) -> Schema:
        """What a channel takes: its own format, so nothing is said of the body but that there is one."""
        anything: Schema = {"content": {"*/*": {}}, "required": True}
        schema: Schema = {"type": "object", "properties": {"counts": {"type": "object"}, "items": {"type": "array"}}}
        operation = self._operation("intake", channel, answered(schema), [parameter("key")], anything)
        return {**operation, "summary": label}

    def heatmap(self, risk: str, label: str) -> Schema:
        """Where the findings of a risk come together."""
        operation = self._operation("finding", f"heatmap_{risk}", answered(ref_to("schemas", "Heatmap")), [SHADOW])
        return {**operation, "summary": label}

    def _operation(
        self,
        model: str,
        name: str,
        responses: Schema,
        parameters: list[Schema] | None = None,
        body: Schema | None = None,
    ) -> Schema:
        operation: Schema = {
            "operationId": f"{model}.{name}",
            "tags": [model],
            "parameters": parameters or [],
            "responses": {**responses, "4XX": ref_to("responses", "problem")},
        }
        return operation | ({"requestBody": body} if body is not None else {})

    def _equal(self, model: str) -> Iterator[Schema]:
        """The parameter for ``?field=value``, whatever the field."""
        names = [
            name
            for name, field in self._catalog.fields(model).items()
            if field.stored and not isinstance(field, RowsField | JsonField) and name not in LIST_PARAMETERS
        ]
        text: Schema = {"type": "string"}
        schema = {"type": "object", "properties": dict.fromkeys(names, text), "additionalProperties": False}
        yield {
            "name": "equal",
            "in": "query",
            "style": "form",
            "explode": True,
            "schema": schema,
            "description": "A field and its value: only records with it; without a value, only those that have none",
        }

    def _body(self, schema: str) -> Schema:
        return content(ref_to("schemas", schema))

    @staticmethod
    def _bulk(model: str) -> Schema:
        return {
            "type": "object",
            "properties": {
                # Which of them are wrong is told one by one, so their shape is not part of the request's.
                "items": {"type": "array", "maxItems": MOST_RECORDS, "items": {}},
                "mode": {"enum": ["all", "each"], "default": "all"},
                "upsert": {"type": ["boolean", "string", "null"], "description": f"A unique field of {model}"},
            },
            "required": ["items"],
            "additionalProperties": False,
        }


def events_of(catalog: Catalog, model: str) -> Mapping[str, Event]:
    """The events of the model's workflows that a caller may fire."""
    found: dict[str, Event] = {}
    for flow in catalog.workflows.values():
        if flow.for_ == model:
            for events in (*(state.events for state in flow.states.values()), flow.events):
                for name, event in events.items():
                    if event.by != "system":
                        found.setdefault(name, event)
    return found


def _system_paths() -> Paths:
    """What is there whatever the definitions say."""
    told = {name: {"type": "object"} for name in ("/healthz", "/readyz", "/openapi.json")}
    return {
        path: {"get": {"operationId": path.strip("/"), "tags": ["server"], "responses": answered(schema)}}
        for path, schema in told.items()
    }
