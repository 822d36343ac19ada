"""JSON Schemas of the definition files, for editors: written by the shapes that read them."""

from __future__ import annotations

from typing import Any

from engine.catalog.builtins import BUILTINS
from engine.catalog.vocabulary import Vocabulary
from engine.source.shape import SCHEMA_DIALECT


def kind_schemas(vocabulary: Vocabulary = BUILTINS) -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each kind's documents, by kind."""
    return {kind: vocabulary.grammar.json_schema(type_, title=kind) for kind, type_ in vocabulary.kinds.items()}


def document_schema(vocabulary: Vocabulary = BUILTINS) -> dict[str, Any]:
    """One JSON Schema for any document: the key that says its kind chooses the schema. What an editor is pointed at."""
    schemas = kind_schemas(vocabulary)
    choices: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for kind, schema in schemas.items():
        # Each schema brings all it refers to; inside one file they share the parts.
        definitions.update(schema["$defs"])
        choices.append({"if": {"required": [kind]}, "then": {"$ref": schema["$ref"]}})
    return {
        "$schema": SCHEMA_DIALECT,
        "title": "definition",
        "type": "object",
        "anyOf": [{"required": [kind]} for kind in schemas],
        "allOf": choices,
        "$defs": definitions,
    }
