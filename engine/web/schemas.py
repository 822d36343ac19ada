"""JSON Schemas of what goes over the wire: a record as it is shown, and what is put in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engine.fields.field import Field, say
from engine.fields.json import JsonField
from engine.fields.link import LinkField
from engine.fields.rows import RowsField

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}
ID: Schema = {"type": "string", "format": "uuid"}

TEXT: Schema = {"type": "string"}
#: What is proposed of a record.
PENDING: Schema = {
    "type": "object",
    "description": "What is proposed of the record, as far as the reader may read those fields",
    "properties": {
        "id": ID,
        "event": TEXT,
        "by": {"anyOf": [ID, NULL]},
        "by_name": {"type": ["string", "null"]},
        "at": {"type": "string", "format": "date-time"},
        "version": {"type": "integer", "description": "The version that it would change"},
        "input": {"type": "object", "description": "What the event was given besides"},
        "changes": {
            "type": "object",
            "description": "By field (`amount`, `rows.[ID].amount`): before and after, worked-out fields too",
            "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2},
        },
        "conflicts": {"type": "array", "items": {"type": "object", "properties": {"at": TEXT, "message": TEXT}}},
        "record": {"type": "object", "description": "The record as it would be"},
    },
    "required": ["id", "event", "by", "at", "version", "changes", "conflicts", "record"],
}


def shown_record(fields: Mapping[str, Field], language: str) -> Schema:
    """The schema of a record in an answer. ``fields`` of a request may leave out all but the id and the version."""
    properties = {name: _shown(field, name, language) for name, field in fields.items()}
    return {"type": "object", "properties": properties, "required": ["id", "version"]}


def _shown(field: Field, name: str, language: str) -> Schema:
    if isinstance(field, RowsField):
        rows = {inner: _shown(of, inner, language) for inner, of in field.of.items()}
        row = {"type": "object", "properties": {"id": ID, **rows}, "required": ["id"]}
        return _described({"type": "array", "items": row}, field, language)
    if isinstance(field, LinkField):
        schema: Schema = {"anyOf": [ID, {"type": "object", "description": "with `expand`"}, NULL]}
    elif isinstance(field, JsonField):
        schema = {}
    elif name == "status":
        # A case goes on by the definitions that it began with, whose states may be others.
        schema = {"type": ["string", "null"]}
    elif field.private:
        schema = {"anyOf": [field.schema(), {"type": "string", "description": "masked"}, NULL]}
    else:
        schema = {"anyOf": [field.schema(), NULL]}
    return _described(schema, field, language)


def put_in(fields: Mapping[str, Field], language: str, *, closed: Collection[str] = (), whole: bool = True) -> Schema:
    """The schema of what a caller sends: the fields it may set. ``whole``: those must be there that are required."""
    open_fields = {name: field for name, field in fields.items() if not field.read_only and name not in closed}
    schema: Schema = {
        "type": "object",
        "properties": {name: _put(field, language) for name, field in open_fields.items()},
        "additionalProperties": False,
    }
    required = [name for name, field in open_fields.items() if field.required and field.default is None]
    if whole and required:
        schema["required"] = required
    return schema


def _put(field: Field, language: str) -> Schema:
    if isinstance(field, RowsField):
        row = put_in(field.of, language)
        row["properties"]["id"] = {"type": "string", "description": "of a row that is there already"}
        return _described({"type": ["array", "null"], "items": row}, field, language)
    schema = field.schema()
    return _described({"anyOf": [schema, NULL]} if schema else {}, field, language)


def _described(schema: Schema, field: Field, language: str) -> Schema:
    label, text = say(field.label, language), say(field.help, language)
    if label:
        schema = {**schema, "title": label}
    if text:
        schema = {**schema, "description": text}
    return schema
