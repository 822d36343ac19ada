"""``/openapi.json``: what the API offers under the present definitions, as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import engine
from engine.catalog.catalog import Catalog
from engine.catalog.kinds.proposing import proposable
from engine.catalog.kinds.workflow import Event
from engine.catalog.shapes import PROPOSED
from engine.fields.field import say
from engine.fields.json import JsonField
from engine.fields.rows import RowsField
from engine.runtime.inbox import BOXES
from engine.runtime.logins import SCOPES
from engine.runtime.plans import OPEN_SYSTEM_COLUMNS
from engine.runtime.reading import LARGEST_PAGE
from engine.web.bulk import MOST_RECORDS
from engine.web.schemas import ID, PENDING, Schema, put_in, shown_record
from engine.web.tasks import AT_ONCE, MOST_AT_ONCE, VERBS

Paths = dict[str, dict[str, Any]]


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
        "paths": paths | _task_paths() | _system_paths(),
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
                schemas[model]["properties"][PROPOSED] = {"anyOf": [_ref("schemas", "Pending"), {"type": "null"}]}
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
        record = _ref("schemas", model)
        here = [_ref("parameters", "id")]
        paths: Paths = {
            base: {
                "get": self._operation(
                    model, "list", _answer(_page(record)), [*self._equal(model), *map(_parameter, LIST_PARAMETERS)]
                ),
                "post": self._operation(
                    model, "create", _answer(record, "201"), [_parameter("key")], self._body(f"{model}.new")
                ),
            },
            f"{base}/bulk": {
                "post": self._operation(
                    model, "bulk", _answer(_ref("schemas", "Outcomes")), [_parameter("key")], _json(self._bulk(model))
                )
            },
            one: {
                "parameters": here,
                "get": self._operation(model, "read", _answer(record), [_parameter("expand"), _parameter("fields")]),
                "patch": self._operation(
                    model, "change", _answer(record), [_parameter("if_match")], self._body(f"{model}.change")
                ),
                "delete": self._operation(
                    model, "delete", {"204": {"description": "It is in the trash"}}, [_parameter("if_match")]
                ),
            },
            f"{one}/restore": {
                "parameters": here,
                "post": self._operation(model, "restore", _answer(record), [_parameter("key")]),
            },
            f"{one}/history": {
                "parameters": here,
                "get": self._operation(model, "history", _answer(_ref("schemas", "History"))),
            },
            f"{one}/history/{{version}}": {
                "parameters": [*here, _parameter("version")],
                "get": self._operation(model, "version", _answer(record)),
            },
            f"{one}/explain": {
                "parameters": here,
                "get": self._operation(
                    model,
                    "explain",
                    _answer(_ref("schemas", "Explanation")),
                    [_parameter("field"), _parameter("event")],
                ),
            },
            f"{one}/events": {
                "parameters": here,
                "get": self._operation(model, "events", _answer(_ref("schemas", "Offers"))),
            },
            f"{one}/release/{{hold}}": {
                "parameters": [*here, _parameter("hold")],
                "post": self._operation(model, "release", _answer(record), [_parameter("key")], _json(WHY)),
            },
        }
        for event in events_of(self._catalog, model).values():
            body = self._body(f"{model}.{event.name}") if event.asks else None
            operation = self._operation(
                model, f"fire_{event.name}", _answer(record), [_parameter("key"), _parameter("if_match")], body
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
        operation = self._operation("intake", channel, _answer(schema), [_parameter("key")], anything)
        return {**operation, "summary": label}

    def heatmap(self, risk: str, label: str) -> Schema:
        """Where the findings of a risk come together."""
        operation = self._operation("finding", f"heatmap_{risk}", _answer(_ref("schemas", "Heatmap")), [SHADOW])
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
            "responses": {**responses, "4XX": _ref("responses", "problem")},
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
        return _json(_ref("schemas", schema))

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


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _parameter(name: str) -> Schema:
    return _ref("parameters", name)


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}, "required": True}


def _answer(schema: Schema, status: str = "200") -> Schema:
    return {status: {"description": "Done", "content": {"application/json": {"schema": schema}}}}


def _page(record: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            # With `group` or `measure` an item is a group.
            "items": {"type": "array", "items": {"anyOf": [record, {"type": "object"}]}},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page, for `after`"},
            "count": {"type": "integer"},
            "exact": {"type": "boolean", "description": "False: there are more than `count`"},
        },
        "required": ["items"],
    }


def _items(properties: Schema) -> Schema:
    item = {"type": "object", "properties": properties}
    return {"type": "object", "properties": {"items": {"type": "array", "items": item}}, "required": ["items"]}


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


TEXT: Schema = {"type": "string"}
WHY: Schema = {"type": "object", "properties": {"why": TEXT}, "required": ["why"], "additionalProperties": False}
OUTCOMES = _items({"status": {"type": "integer"}, "id": ID, "version": {"type": "integer"}, "problem": {}})
HISTORY = _items({"id": ID, "at": TEXT, "act": TEXT, "actor_name": TEXT, "changes": {"type": ["object", "null"]}})
OFFERS = _items({"event": TEXT, "allowed": {"type": "boolean"}, "reasons": {"type": "array"}})
EXPLANATION: Schema = {
    "type": "object",
    "description": "One thing, what it is, and in `parts` why",
    "properties": {
        "kind": TEXT,
        "name": TEXT,
        "value": {},
        "text": TEXT,
        "at": {"type": "string", "description": "The line of the definition, as file:line:column"},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Explanation"}},
    },
    "required": ["kind", "name", "value"],
}
#: What a cell comes to: findings, or the sum of their scores.
AMOUNT: Schema = {"anyOf": [{"type": "integer"}, {"type": "string", "format": "decimal"}]}
LINES: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": {"value": {}, "total": AMOUNT}, "required": ["value", "total"]},
}
HEATMAP: Schema = {
    "type": "object",
    "description": "What a risk has found, in rows and columns; the greatest first",
    "properties": {
        "risk": TEXT,
        "since": {"type": "string", "format": "date-time"},
        "until": {"type": "string", "format": "date-time"},
        "rows": LINES,
        "columns": LINES,
        "cells": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {},
                    "column": {},
                    "value": AMOUNT,
                    "findings": {"type": "string", "description": "The address of the cell's findings"},
                },
                "required": ["row", "column", "value", "findings"],
            },
        },
        "total": AMOUNT,
    },
    "required": ["risk", "since", "until", "rows", "columns", "cells", "total"],
}
SHADOW = _query("shadow", {"enum": ["true", "false"]}, "With what has been found without effect")
COMPLAINT: Schema = {
    "type": "object",
    "properties": {"at": TEXT, "code": TEXT, "message": TEXT},
    "required": ["at", "code", "message"],
}
PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. Codes are stable; the words beside them may change.",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "code": TEXT,
        "errors": {"type": "array", "items": COMPLAINT},
        "reasons": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status", "code", "errors"],
}
PROBLEM_RESPONSE: Schema = {
    "description": "Refused",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
LIST_PARAMETERS = ("where", "sort", "limit", "after", "expand", "fields", "count", "group", "measure")
PARAMETERS: Schema = {
    "id": {"name": "id", "in": "path", "required": True, "schema": ID},
    "version": {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "hold": {"name": "hold", "in": "path", "required": True, "schema": TEXT, "description": "A name, or an id"},
    "key": {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
        "description": "A request that comes again with its key is done once, and answered the same",
    },
    "if_match": {
        "name": "If-Match",
        "in": "header",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
        "description": "The ETag that the record came with; 412 when it has changed since",
    },
    "where": _query("where", TEXT, "A condition in the expression language"),
    "sort": _query("sort", TEXT, "Fields; one with - before it the other way round"),
    "limit": _query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}, "Records of a page"),
    "after": _query("after", TEXT, "The `next` of the page before"),
    "expand": _query("expand", TEXT, "Links and rows to bring along, such as `owner,team`"),
    "fields": _query("fields", TEXT, "The only fields wanted"),
    "count": _query("count", {"enum": ["exact", "capped"]}, "Count them: all, or up to a limit"),
    "group": _query("group", TEXT, "Expressions to group by"),
    "field": _query("field", TEXT, "The computed field to explain, such as `amount` or `lines.amount`"),
    "event": _query("event", TEXT, "The event to explain"),
    "measure": _query("measure", TEXT, "What to work out for each group, such as `sum(amount)`"),
}


def _system_paths() -> Paths:
    """What is there whatever the definitions say."""
    told = {name: {"type": "object"} for name in ("/healthz", "/readyz", "/openapi.json")}
    return {
        path: {"get": {"operationId": path.strip("/"), "tags": ["server"], "responses": _answer(schema)}}
        for path, schema in told.items()
    }


TASK = {"type": "object", "properties": {"id": ID, "step": TEXT, "outcome": {"type": ["string", "null"]}}}


def _task_paths() -> Paths:
    """The inbox, and what people do with their tasks."""

    def operation(name: str, answer: Schema, parameters: list[Schema], body: Schema | None = None) -> Schema:
        found: Schema = {
            "operationId": f"tasks.{name}",
            "tags": ["tasks"],
            "parameters": parameters,
            "responses": {**_answer(answer), "4XX": _ref("responses", "problem")},
        }
        return found | ({"requestBody": {**_json(body), "required": False}} if body is not None else {})

    def taking(takes: Mapping[str, type]) -> Schema:
        given = {name: {"type": "boolean" if type_ is bool else "string"} for name, type_ in takes.items()}
        return {"type": "object", "properties": given, "additionalProperties": False}

    box = _query("box", {"enum": list(BOXES), "default": "mine"}, "Which part of the inbox")
    only = [
        _query("model", TEXT, "Only tasks about records of this model"),
        _query("q", TEXT, "Only tasks with this text in their title"),
        _query("overdue", {"type": "boolean", "default": False}, "Only tasks that are overdue"),
    ]
    many: Schema = {
        "type": "object",
        "properties": {
            "verb": {"enum": list(AT_ONCE)},
            "ids": {"type": "array", "items": ID, "maxItems": MOST_AT_ONCE},
            "comment": TEXT,
        },
        "required": ["verb", "ids"],
        "additionalProperties": False,
    }
    listed = {"items": {"type": "array", "items": TASK}, "next": {"type": ["string", "null"]}}
    items: Schema = {"type": "object", "properties": listed, "required": ["items", "next"]}
    paths: Paths = {
        "/api/tasks": {"get": operation("inbox", items, [box, *only, _parameter("limit"), _parameter("after")])},
        "/api/tasks/bulk": {"post": operation("bulk", _ref("schemas", "Outcomes"), [_parameter("key")], many)},
    }
    file = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    told = [_query("name", TEXT, "The file's name"), _query("comment", TEXT, "What it shows"), _parameter("key")]
    attach, got = operation("attach", TASK, told) | {"requestBody": file}, operation("file", {}, [])
    got["responses"]["200"] |= file
    paths["/api/tasks/{id}/files"] = {"parameters": [_parameter("id")], "post": attach}
    paths["/api/files/{id}"] = {"parameters": [_parameter("id")], "get": got}
    for verb, takes in VERBS.items():
        body = taking(takes) if takes else None
        done = operation(verb, TASK, [_parameter("key")], body)
        paths[f"/api/tasks/{{id}}/{verb}"] = {"parameters": [_parameter("id")], "post": done}
    return paths
