"""Structured data without fields of its own: any JSON, or JSON that fits a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

import jsonschema
import jsonschema_rs
import orjson
from jsonschema.exceptions import SchemaError
from sqlalchemy.types import TypeEngine

from engine.expressions.types import JSON, Scope, Shape, Type
from engine.fields.columns import JsonText, dump_json
from engine.fields.field import Field, Linker, Parser, ValueFault
from engine.source.shape import option

#: Deep enough for every document, shallow enough for every parser.
DEEPEST = 32
#: A megabyte of text; what is larger is a file.
MOST_CHARACTERS = 1_000_000

#: What both databases and all readers keep: integers of 64 bits; other numbers as the nearest binary one, if writing
#: that one gives the same digits again.
_LARGEST_INTEGER = 2**63 - 1
_SMALLEST_EXPONENT = -30


def plain_json(raw: Any, depth: int = 0) -> Any:
    """The value as every JSON reader keeps it. Raises ValueFault for numbers that would change, and texts that no
    database takes.

    JSON has one sort of number: integers stay integers, others become the nearest float, if that one is written with
    the same digits. Money in JSON is text.
    """
    if raw is None or raw is True or raw is False:
        return raw
    if depth > DEEPEST:
        raise ValueFault("VALUE_DEPTH", f"nests more than {DEEPEST} deep", max=DEEPEST)
    if isinstance(raw, str):
        return _plain_text(raw)
    if isinstance(raw, int | Decimal | float):
        return _plain_number(raw)
    if isinstance(raw, Mapping):
        return {_plain_key(key): plain_json(value, depth + 1) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [plain_json(value, depth + 1) for value in raw]
    raise ValueFault("VALUE_TYPE", f"{type(raw).__name__} is no JSON", expected="json")


def _plain_text(text: str) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueFault("VALUE_CHARACTERS", "holds a NUL or half of a surrogate pair")
    return text


def _plain_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueFault("VALUE_TYPE", "the keys of an object are texts", expected="text")
    return _plain_text(key)


def _plain_number(number: float | Decimal) -> int | float:
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if not exact.is_finite() or exact.adjusted() > len(str(_LARGEST_INTEGER)):
        raise ValueFault("VALUE_RANGE", "is too large a number; as a text it would be kept", max=_LARGEST_INTEGER)
    if exact == exact.to_integral_value():
        if abs(exact) > _LARGEST_INTEGER:
            raise ValueFault("VALUE_RANGE", "is too large a number; as a text it would be kept", max=_LARGEST_INTEGER)
        return int(exact)
    nearest = float(exact)
    if Decimal(repr(nearest)) != exact or exact.adjusted() < _SMALLEST_EXPONENT:
        raise ValueFault("VALUE_DIGITS", "has more digits than a JSON number keeps; as a text they would be kept")
    return nearest


@dataclass(frozen=True, kw_only=True)
class JsonField(Field):
    """Structured data as JSON. Expressions only see whether it is there."""

    type_name: ClassVar[str] = "json"
    widget: ClassVar[str] = "json"
    comparable: ClassVar[bool] = False

    schema_: Mapping[str, Any] | None = option(None, key="schema", help="A JSON Schema that the value must fit")

    @cached_property
    def _plain_schema(self) -> Any:
        return plain_json(self.schema_)

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if self.schema_ is None:
            return
        for reference in _references(self.schema_):
            # A schema from elsewhere could change, or be gone, while values are checked.
            if not reference.startswith("#"):
                linker.report("E302", f"'{reference}' lies outside this schema", self, "schema", "use #/$defs/…")
                return
        try:
            jsonschema.Draft202012Validator.check_schema(self._plain_schema)
            self._validator  # noqa: B018 - compiling it also tells of patterns and references that are wrong
        except SchemaError as error:
            place = "/".join(map(str, error.absolute_path))
            linker.report("E107", f"no JSON Schema: {place + ': ' if place else ''}{error.message}", self, "schema")
        except ValueFault as fault:
            linker.report("E107", f"no JSON Schema: {fault.message}", self, "schema")
        except jsonschema_rs.ValidationError as error:
            linker.report("E107", f"no JSON Schema: {error.message}", self, "schema")

    @cached_property
    def _validator(self) -> Any:
        """The compiled schema; it never fetches anything."""
        return jsonschema_rs.Draft202012Validator(self._plain_schema, retriever=_refuse)

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return JSON

    def column_type(self) -> TypeEngine[Any]:
        return JsonText()

    def schema(self) -> dict[str, Any]:
        return {} if self.schema_ is None else dict(self._plain_schema)

    def parser(self, zone: tzinfo | None = None) -> Parser:
        validator = self._validator if self.schema_ is not None else None

        def parse(raw: Any) -> Any:
            value = plain_json(raw)
            if len(dump_json(value)) > MOST_CHARACTERS:
                raise ValueFault("VALUE_LENGTH", "is too much for a field; make it a file", max=MOST_CHARACTERS)
            if validator is not None and not validator.is_valid(value):
                raise _schema_fault(next(validator.iter_errors(value)))
            return value

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        try:
            raw = orjson.loads(text)
        except ValueError as error:
            raise ValueFault("VALUE_FORMAT", f"is no JSON: {error}", expected="json") from None
        if raw is None:
            raise ValueFault("VALUE_TYPE", "null is no value; leave it empty", expected="json")
        return self.parse(raw, zone)

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return dump_json(value)

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return dump_json(value)


def _schema_fault(error: Any) -> ValueFault:
    place = "/".join(map(str, error.instance_path))
    message = str(error.message)[:300]
    return ValueFault("VALUE_SCHEMA", f"{place}: {message}" if place else message, place=place)


def _refuse(uri: str) -> Any:
    raise ValueError(f"'{uri}' lies outside the schema")


def _references(schema: Any) -> Iterator[str]:
    """Every ``$ref`` of a schema."""
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from _references(value)


FIELD_TYPES: tuple[type[Field], ...] = (JsonField,)
