"""The parts of which the OpenAPI document is made: references, answers, parameters, and schemas of what is the same in
every application."""

from __future__ import annotations

from typing import Any

from engine.runtime.reading import LARGEST_PAGE
from engine.web.schemas import ID, Schema

Paths = dict[str, dict[str, Any]]


def ref_to(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def parameter(name: str) -> Schema:
    return ref_to("parameters", name)


def content(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}, "required": True}


def answered(schema: Schema, status: str = "200") -> Schema:
    return {status: {"description": "Done", "content": {"application/json": {"schema": schema}}}}


def page_schema(record: Schema) -> Schema:
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


def items_schema(properties: Schema) -> Schema:
    item = {"type": "object", "properties": properties}
    return {"type": "object", "properties": {"items": {"type": "array", "items": item}}, "required": ["items"]}


def query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


TEXT: Schema = {"type": "string"}
WHY: Schema = {"type": "object", "properties": {"why": TEXT}, "required": ["why"], "additionalProperties": False}
OUTCOMES = items_schema({"status": {"type": "integer"}, "id": ID, "version": {"type": "integer"}, "problem": {}})
HISTORY = items_schema({"id": ID, "at": TEXT, "act": TEXT, "actor_name": TEXT, "changes": {"type": ["object", "null"]}})
OFFERS = items_schema({"event": TEXT, "allowed": {"type": "boolean"}, "reasons": {"type": "array"}})
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
SHADOW = query("shadow", {"enum": ["true", "false"]}, "With what has been found without effect")
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
    "where": query("where", TEXT, "A condition in the expression language"),
    "sort": query("sort", TEXT, "Fields; one with - before it the other way round"),
    "limit": query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}, "Records of a page"),
    "after": query("after", TEXT, "The `next` of the page before"),
    "expand": query("expand", TEXT, "Links and rows to bring along, such as `owner,team`"),
    "fields": query("fields", TEXT, "The only fields wanted"),
    "count": query("count", {"enum": ["exact", "capped"]}, "Count them: all, or up to a limit"),
    "group": query("group", TEXT, "Expressions to group by"),
    "field": query("field", TEXT, "The computed field to explain, such as `amount` or `lines.amount`"),
    "event": query("event", TEXT, "The event to explain"),
    "measure": query("measure", TEXT, "What to work out for each group, such as `sum(amount)`"),
}
