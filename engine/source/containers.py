"""The shapes of lists, of maps with free keys, and of values that may be absent or of several types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.registry import did_you_mean
from engine.source.document import Path
from engine.source.leaves import LONGEST_NAME, NAME
from engine.source.nodes import (
    CUT_OFF,
    FAILED,
    Definitions,
    LiteralShape,
    NameShape,
    Reading,
    Schema,
    Shape,
    cut_off,
    is_name,
    refuse_name,
)
from engine.source.scalars import kind_of


class ListShape(Shape):
    """A list of any length; with ``one_or_many``, its only item may stand without the list."""

    def __init__(self, item: Shape, one_or_many: bool) -> None:
        self._item = item
        self._one_or_many = one_or_many
        self.expected = f"a list, or {item.expected}" if one_or_many else "a list"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) or (self._one_or_many and self._item.accepts(value))

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list):
            if not self._one_or_many or value is None:
                return reading.wrong_type(self, value, path)
            item = self._item.read(value, path, reading)
            return FAILED if item is FAILED else (item,)
        items = tuple([self._item.read(item, (*path, number), reading) for number, item in enumerate(value)])
        return FAILED if FAILED in items else items

    def schema(self, definitions: Definitions) -> Schema:
        item = self._item.schema(definitions)
        many = {"type": "array", "items": item}
        return {"anyOf": [many, item]} if self._one_or_many else many

    def hint(self, value: Any) -> str | None:
        return "write [] for an empty list" if value is None else None


class TupleShape(Shape):
    """A list of fixed length, each place with a shape of its own."""

    def __init__(self, items: Sequence[Shape]) -> None:
        self._items = items
        self.expected = f"a list of {len(items)}: {', '.join(item.expected for item in items)}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list):
            return reading.wrong_type(self, value, path)
        if len(value) != len(self._items):
            message = f"expected {self.expected}; found {len(value)}"
            return reading.fail("E106", message, reading.document.span(path))
        pairs = zip(self._items, value, strict=True)
        items = tuple([shape.read(item, (*path, number), reading) for number, (shape, item) in enumerate(pairs)])
        return FAILED if FAILED in items else items

    def schema(self, definitions: Definitions) -> Schema:
        items = [item.schema(definitions) for item in self._items]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}


class MapShape(Shape):
    """A map whose keys the author chooses: any text, names, or some of a fixed set."""

    expected = "a map"

    def __init__(self, key: Shape, value: Shape) -> None:
        self._key = key
        self._value = value
        self._allowed: Callable[[str], bool] | None = None
        if isinstance(key, NameShape):
            self._allowed = is_name
        elif isinstance(key, LiteralShape):
            self._allowed = key.accepts

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, dict):
            return reading.wrong_type(self, value, path)
        items = {}
        failed = False
        for key, item in value.items():
            below = (*path, key)
            found = items[key] = self._value.read(item, below, reading)
            fits = self._allowed is None or self._allowed(key) or self._refuse(key, item, below, reading)
            failed = failed or found is FAILED or not fits
        return FAILED if failed else items

    def _refuse(self, key: str, value: Any, path: Path, reading: Reading) -> bool:
        """Reports a key that is not allowed; False."""
        span = reading.document.key_span(path)
        if isinstance(self._key, LiteralShape):
            hint = did_you_mean(key, self._key.options)
            reading.fail("E104", f"unknown key '{key}': expected {self._key.expected}", span, hint)
        else:
            refuse_name(key, span, reading, CUT_OFF if cut_off(key, value) else None)
        return False

    def schema(self, definitions: Definitions) -> Schema:
        value = self._value.schema(definitions)
        if isinstance(self._key, LiteralShape):
            properties = dict.fromkeys(self._key.options, value)
            return {"type": "object", "properties": properties, "additionalProperties": False}
        schema: Schema = {"type": "object", "additionalProperties": value}
        if isinstance(self._key, NameShape):
            schema["propertyNames"] = {"pattern": f"^{NAME.pattern}$", "maxLength": LONGEST_NAME}
        return schema

    def hint(self, value: Any) -> str | None:
        return "write {} for an empty map" if value is None else None


class OptionalShape(Shape):
    """A value, or null. Where null itself says something, as in an expression, it is read as that."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.expected = shape.expected

    def accepts(self, value: Any) -> bool:
        return value is None or self._shape.accepts(value)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if value is None and not self._shape.accepts(None):
            return None
        return self._shape.read(value, path, reading)

    def schema(self, definitions: Definitions) -> Schema:
        schema = self._shape.schema(definitions)
        return schema if not schema else {"anyOf": [schema, {"type": "null"}]}


class UnionShape(Shape):
    """One of several shapes: the first that accepts the value."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._shapes = shapes
        self.expected = " or ".join(dict.fromkeys(shape.expected for shape in shapes))

    def accepts(self, value: Any) -> bool:
        return any(shape.accepts(value) for shape in self._shapes)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        for shape in self._shapes:
            if shape.accepts(value):
                return shape.read(value, path, reading)
        if isinstance(value, dict | list) or value is None:
            return reading.wrong_type(self, value, path)
        if isinstance(value, str):
            literals = [shape for shape in self._shapes if isinstance(shape, LiteralShape)]
            likely = did_you_mean(value, [str(option) for shape in literals for option in shape.options])
            return reading.fail(
                "E106", f"expected {self.expected}, found '{value}'", reading.document.span(path), likely
            )
        hints = [hint for shape in self._shapes if (hint := shape.hint(value))]
        message = f"expected {self.expected}, found {kind_of(value)}"
        return reading.fail("E106", message, reading.document.span(path), hints[0] if hints else None)

    def schema(self, definitions: Definitions) -> Schema:
        return {"anyOf": [shape.schema(definitions) for shape in self._shapes]}
