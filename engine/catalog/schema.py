"""JSON Schemas of the definition files, for editors: written by the shapes that read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.catalog.builtins import BUILTINS
from engine.catalog.kinds.routing import Routing
from engine.catalog.kinds.workflow import Workflow
from engine.catalog.vocabulary import Vocabulary
from engine.source.shape import SCHEMA_DIALECT

Schema = dict[str, Any]
_EXTENDS: Schema = {"required": ["extends"]}
_NEEDS: Schema = {"anyOf": [{"required": ["need"]}, {"required": ["supply"]}]}
#: The kinds that may be written as patches over another of the same kind, each with what makes a document one.
PATCHED: Mapping[str, Schema] = {Workflow.kind: _EXTENDS, Routing.kind: {"anyOf": [_EXTENDS, {"not": _NEEDS}]}}
#: What the parts of patches are called.
SUFFIX = "_patch"


def kind_schemas(vocabulary: Vocabulary = BUILTINS) -> dict[str, Schema]:
    """The JSON Schema (2020-12) of each kind's documents, by kind."""
    schemas = {kind: vocabulary.grammar.json_schema(type_, title=kind) for kind, type_ in vocabulary.kinds.items()}
    return {
        kind: with_patches(schema, PATCHED[kind]) if kind in PATCHED else schema for kind, schema in schemas.items()
    }


def document_schema(vocabulary: Vocabulary = BUILTINS) -> Schema:
    """One JSON Schema for any document: what an editor is pointed at.

    A schema cannot ask for the first key, and the name of a kind may be a key of another one (a model has a
    ``workflow``). So the kinds are tried so that each comes after those that have its name among their
    keys.
    """
    schemas = kind_schemas(vocabulary)
    definitions: Schema = {}
    for schema in schemas.values():
        definitions.update(schema["$defs"])
    chosen: Schema = {"anyOf": [{"required": [kind]} for kind in schemas]}
    for kind in reversed(_by_keys(schemas)):
        whole = {key: part for key, part in schemas[kind].items() if key not in ("$schema", "$defs")}
        chosen = {"if": {"required": [kind]}, "then": whole, "else": chosen}
    return {"$schema": SCHEMA_DIALECT, "title": "definition", "type": "object", **chosen, "$defs": definitions}


def _by_keys(schemas: Mapping[str, Schema]) -> list[str]:
    """The kinds, each after those that know a key of its name."""
    found: list[str] = []

    def visit(kind: str) -> None:
        if kind in found:
            return
        for other, schema in schemas.items():
            if other != kind and kind in _keys(schema):
                visit(other)
        found.append(kind)

    for kind in schemas:
        visit(kind)
    return found


def _keys(schema: Schema) -> Mapping[str, Schema]:
    """The keys of a kind's documents."""
    name = _own(schema).rpartition("/")[2]
    properties: Mapping[str, Schema] = schema["$defs"][name]["properties"]
    return properties


def _own(schema: Schema) -> str:
    """Where the schema of a whole document stands."""
    reference: str = schema["else"]["$ref"] if "else" in schema else schema["$ref"]
    return reference


def with_patches(schema: Schema, is_patch: Schema) -> Schema:
    """The schema, where a document that is laid over another may leave out what is required, and remove by null."""
    parts = schema["$defs"]
    patches = {f"{name}{SUFFIX}": relaxed(part) for name, part in parts.items()}
    own = {"$ref": schema["$ref"]}
    choice = {"if": is_patch, "then": relaxed(own), "else": own}
    return {**{key: part for key, part in schema.items() if key != "$ref"}, **choice, "$defs": {**parts, **patches}}


def relaxed(schema: Any) -> Any:
    """The schema of a patch: nothing is required but to tell things apart, and every value may be null."""
    if isinstance(schema, list):
        return [relaxed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: relaxed(part) for key, part in schema.items() if key not in ("required", "properties")}
    if "$ref" in found:
        found["$ref"] += SUFFIX
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = _or_null(found["additionalProperties"])
    if "properties" in schema:
        found["properties"] = {key: _or_null(relaxed(part)) for key, part in schema["properties"].items()}
    elif "required" in schema:
        found["required"] = schema["required"]
    return found


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
