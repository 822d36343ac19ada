"""The inbox in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from engine.runtime.inbox import BOXES
from engine.web.openapi_parts import TEXT, Paths, answered, content, parameter, query, ref_to
from engine.web.schemas import ID, Schema
from engine.web.tasks import AT_ONCE, MOST_AT_ONCE, VERBS

TASK = {"type": "object", "properties": {"id": ID, "step": TEXT, "outcome": {"type": ["string", "null"]}}}


def task_paths() -> Paths:
    """The inbox, and what people do with their tasks."""

    def operation(name: str, answer: Schema, parameters: list[Schema], body: Schema | None = None) -> Schema:
        found: Schema = {
            "operationId": f"tasks.{name}",
            "tags": ["tasks"],
            "parameters": parameters,
            "responses": {**answered(answer), "4XX": ref_to("responses", "problem")},
        }
        return found | ({"requestBody": {**content(body), "required": False}} if body is not None else {})

    def taking(takes: Mapping[str, type]) -> Schema:
        given = {name: {"type": "boolean" if type_ is bool else "string"} for name, type_ in takes.items()}
        return {"type": "object", "properties": given, "additionalProperties": False}

    box = query("box", {"enum": list(BOXES), "default": "mine"}, "Which part of the inbox")
    only = [
        query("model", TEXT, "Only tasks about records of this model"),
        query("q", TEXT, "Only tasks with this text in their title"),
        query("overdue", {"type": "boolean", "default": False}, "Only tasks that are overdue"),
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
        "/api/tasks": {"get": operation("inbox", items, [box, *only, parameter("limit"), parameter("after")])},
        "/api/tasks/bulk": {"post": operation("bulk", ref_to("schemas", "Outcomes"), [parameter("key")], many)},
    }
    file = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    told = [
        query("name", TEXT, "The file's name"),
        query("comment", TEXT, "What it shows"),
        parameter("key"),
    ]
    attach, got = operation("attach", TASK, told) | {"requestBody": file}, operation("file", {}, [])
    got["responses"]["200"] |= file
    paths["/api/tasks/{id}/files"] = {"parameters": [parameter("id")], "post": attach}
    paths["/api/files/{id}"] = {"parameters": [parameter("id")], "get": got}
    for verb, takes in VERBS.items():
        body = taking(takes) if takes else None
        done = operation(verb, TASK, [parameter("key")], body)
        paths[f"/api/tasks/{{id}}/{verb}"] = {"parameters": [parameter("id")], "post": done}
    return paths
