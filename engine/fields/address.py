"""Postal addresses, in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

import orjson
from sqlalchemy.types import TypeEngine

from engine.expressions.types import JSON, Shape, Type
from engine.fields.columns import JsonText, dump_json
from engine.fields.field import Field, Parser, ValueFault
from engine.fields.text import clean_text

_MOST_PART_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class AddressField(Field):
    """A postal address: `street` and, where known, `district city region postcode country`."""

    type_name: ClassVar[str] = "address"
    widget: ClassVar[str] = "address"
    comparable: ClassVar[bool] = False

    #: The parts, from small to large.
    PARTS: ClassVar[tuple[str, ...]] = ("street", "district", "city", "region", "postcode", "country")

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return JSON

    def column_type(self) -> TypeEngine[Any]:
        return JsonText()

    def schema(self) -> dict[str, Any]:
        part = {"type": "string", "minLength": 1, "maxLength": _MOST_PART_CHARACTERS}
        return {
            "type": "object",
            "properties": dict.fromkeys(self.PARTS, part),
            "required": ["street"],
            "additionalProperties": False,
        }

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return self._parse

    def _parse(self, raw: Any) -> dict[str, str]:
        if not isinstance(raw, Mapping):
            raise ValueFault("VALUE_TYPE", "expected an address, an object with its parts", expected="object")
        unknown = [str(name)[:100] for name in raw if name not in self.PARTS]
        if unknown:
            known = ", ".join(self.PARTS)
            raise ValueFault("VALUE_FORMAT", f"{unknown[0]!r} is no part of an address: {known}", expected="address")
        parts = {
            name: clean_text(raw[name], most=_MOST_PART_CHARACTERS) for name in self.PARTS if raw.get(name) is not None
        }
        if "street" not in parts:
            raise ValueFault("VALUE_FORMAT", "an address has at least a street", expected="address")
        return parts

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        """The address in a JSON object; any other text is its street, for nobody can tell the parts for certain."""
        if text.lstrip().startswith("{"):
            try:
                return self._parse(orjson.loads(text))
            except orjson.JSONDecodeError as error:
                raise ValueFault("VALUE_FORMAT", f"is no JSON: {error}", expected="json") from None
        return self._parse({"street": text})

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        parts = {name: value[name] for name in self.PARTS if name in value}
        if language == "zh":  # from large to small, the postcode at the end
            postcode = parts.pop("postcode", None)
            return " ".join([*reversed(parts.values()), *([postcode] if postcode else [])])
        return ", ".join(parts.values())

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        plain = set(value) == {"street"} and not value["street"].startswith("{")
        return str(value["street"]) if plain else dump_json(value)

    def mask(self, value: Any) -> Any:
        """The country, region and city alone: where in it somebody lives stays hidden."""
        return " ".join([*(value[name] for name in ("country", "region", "city") if name in value), "***"])


FIELD_TYPES: tuple[type[Field], ...] = (AddressField,)
