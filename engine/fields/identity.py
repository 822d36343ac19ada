"""The id of a record, where its model is not known beforehand: what holds, cases and the logs keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.types import TypeEngine

from engine.expressions.types import TEXT, Scope, Shape, Type
from engine.fields.columns import Key
from engine.fields.field import Field, Linker, Parser, ValueFault
from engine.registry import did_you_mean
from engine.source.shape import option


@dataclass(frozen=True, kw_only=True)
class IdField(Field):
    """The id of a record of any model, as text. A link to one model is a `link`."""

    type_name: ClassVar[str] = "id"

    of: str | None = option(None, help="The field beside it that names the record's model: pages then lead there")

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        beside = scope.record.member(self.of) if scope.record is not None and self.of is not None else None
        if self.of is not None and (beside is None or beside.type != TEXT):
            known = scope.record.names() if scope.record is not None else ()
            linker.report(
                "E303", f"there is no text field '{self.of}' beside it", self, "of", did_you_mean(self.of, known)
            )

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return TEXT

    def column_type(self) -> TypeEngine[Any]:
        return Key()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return _parse_id


def _parse_id(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueFault("VALUE_TYPE", "expected the text of an id", expected="text")
    try:
        return str(UUID(raw.strip()))
    except ValueError:
        raise ValueFault("VALUE_FORMAT", "expected an id, such as 0192d3b0-7c1e-7000-8000-000000000000") from None


FIELD_TYPES: tuple[type[Field], ...] = (IdField,)
