"""Yes or no."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.expressions.types import BOOLEAN, Shape, Type
from engine.fields.columns import Flag
from engine.fields.field import Field, Parser, ValueFault

_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "1", "on", "是", "对", "√", "✓"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off", "否", "不", "×", "✗"), False),
}


@dataclass(frozen=True, kw_only=True)
class BooleanField(Field):
    """True or false."""

    type_name: ClassVar[str] = "boolean"
    widget: ClassVar[str] = "boolean"

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return BOOLEAN

    def column_type(self) -> TypeEngine[Any]:
        return Flag()

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return _parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        word = unicodedata.normalize("NFKC", text).strip().lower()
        if word not in _WORDS:
            raise ValueFault("VALUE_FORMAT", "is neither yes nor no", expected="boolean")
        return _WORDS[word]

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        if language == "zh":
            return "是" if value else "否"
        return "Yes" if value else "No"

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return "true" if value else "false"


def _parse(raw: Any) -> bool:
    if raw is True or raw is False:
        return bool(raw)
    raise ValueFault("VALUE_TYPE", "expected true or false", expected="boolean")


FIELD_TYPES: tuple[type[Field], ...] = (BooleanField,)
