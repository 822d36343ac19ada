"""The child lines of a record: a list of rows, each with fields of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, ClassVar

import orjson

from engine.expressions.types import TEXT, ListType, Member, RecordType, Scope, Shape, SimpleShape, Type
from engine.fields.columns import dump_json
from engine.fields.field import Field, Linker, Parser, ValueFault
from engine.fields.number import DecimalField
from engine.registry import did_you_mean
from engine.source.shape import Name, option

#: Rows of a record, and rows of those: deeper ones are a model of their own.
DEEPEST = 2


@dataclass(frozen=True, kw_only=True)
class RowsField(Field):
    """Rows that belong to the record and live and die with it. The value is a list of dicts, each with ``id``."""

    type_name: ClassVar[str] = "rows"
    widget: ClassVar[str] = "rows"
    stored: ClassVar[bool] = False
    comparable: ClassVar[bool] = False

    of: Mapping[Name, Field] = option(help="The fields of each row")
    key: Name | None = option(None, help="The field that tells the rows of one record apart")

    def link(self, linker: Linker, scope: Scope) -> None:
        for key in ("default", "value"):
            if getattr(self, key) is not None:
                linker.report("E110", f"rows have no `{key}`: their fields may", self, key)
        if self.unique:
            linker.report("E404", "`unique` does not go with rows: they have a `key`", self, "unique")
        if not self.of:
            linker.report("E107", "rows need at least one field", self, "of")
        if self.key is not None:
            self._link_key(linker)
        for too_deep in _nested(self, DEEPEST):
            linker.report("E405", f"rows nest {DEEPEST} deep at most: make this a model of its own", too_deep)
        row = self._row_shape(linker, scope)
        for field in self.of.values():
            field.link(linker, self._row_scope(scope, row))
            if isinstance(field, DecimalField) and field.spread is not None and scope.record is not None:
                field.link_spread(linker, scope.record, row)

    def _link_key(self, linker: Linker) -> None:
        field = self.of.get(self.key) if self.key is not None else None
        if field is None:
            hint = did_you_mean(str(self.key), self.of)
            linker.report("E303", f"the rows have no field '{self.key}'", self, "key", hint)
        elif not field.comparable or not field.stored:
            linker.report("E404", f"'{self.key}' cannot tell rows apart: it is of type {field.type_name}", self, "key")

    def _row_shape(self, linker: Linker, scope: Scope) -> Shape:
        """The shape that everybody else knows the rows by; for a scope without a record one of our own."""
        member = scope.record.member(self.name) if scope.record is not None else None
        if member is not None and isinstance(member.type, ListType) and isinstance(member.type.item, RecordType):
            return member.type.item.shape
        return self._shape(linker.shape)

    def _shape(self, shape_of: Callable[[str], Shape | None]) -> Shape:
        members: dict[str, Member] = {"id": Member(TEXT, nullable=False)}
        for name, field in self.of.items():
            members[name] = field.member(shape_of)
        return SimpleShape(self.name, members)

    @staticmethod
    def _row_scope(scope: Scope, row: Shape) -> Scope:
        """What a row's expressions may name: its fields, and the record around it (``record``, or its model's name)."""
        if scope.record is None or "record" in scope.names:
            return replace(scope, record=row)
        whole = RecordType.of(scope.record)
        return replace(scope, record=row, names={"record": whole, whole.name: whole, **scope.names})

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return ListType("list", item=RecordType.of(self._shape(shape_of)))

    def member(self, shape_of: Callable[[str], Shape | None]) -> Member:
        return Member(self.expression_type(shape_of), nullable=False)

    def schema(self) -> dict[str, Any]:
        properties: dict[str, Any] = {"id": {"type": "string"}}
        for name, field in self.of.items():
            properties[name] = _property(field)
        return {"type": "array", "items": {"type": "object", "properties": properties, "additionalProperties": False}}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        """The rows with what each of them brings, computed fields included. Who needs every fault with its place reads
        the rows by ``of``; here the first one is raised, and its place begins the message."""
        parsers: dict[str, Parser] = {name: field.parser(zone) for name, field in self.of.items()}

        def parse(raw: Any) -> list[dict[str, Any]]:
            if not isinstance(raw, list | tuple):
                raise ValueFault("VALUE_TYPE", "expected a list of rows", expected="list")
            return [_parse_row(row, index, parsers) for index, row in enumerate(raw)]

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        """The rows in a JSON text: a cell has no other place for them."""
        try:
            raw = orjson.loads(text)
        except ValueError as error:
            raise ValueFault("VALUE_FORMAT", f"is no JSON: {error}", expected="json") from None
        return self.parse(raw, zone)

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return dump_json(self.wire(value))

    def wire(self, value: Any) -> Any:
        return [
            {
                name: self.of[name].wire(item) if item is not None and name in self.of else item
                for name, item in row.items()
            }
            for row in value
        ]

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        count = len(value)
        if language == "zh":
            return f"{count} 行"
        return "1 row" if count == 1 else f"{count} rows"


def _nested(rows: RowsField, deepest: int) -> list[RowsField]:
    """The rows fields that lie deeper than allowed."""
    inner = [field for field in rows.of.values() if isinstance(field, RowsField)]
    if deepest == 1:
        return inner
    return [found for field in inner for found in _nested(field, deepest - 1)]


def _property(field: Field) -> dict[str, Any]:
    """The schema of a field in a row, where null says that there is no value."""
    schema = {"anyOf": [field.schema(), {"type": "null"}]}
    return {**schema, "readOnly": True} if field.read_only else schema


def _parse_row(row: Any, index: int, parsers: Mapping[str, Parser]) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise ValueFault("VALUE_TYPE", f"[{index}] expected a row, an object with its fields", expected="object")
    parsed: dict[str, Any] = {}
    for name, raw in row.items():
        if name == "id" and isinstance(raw, str):
            parsed["id"] = raw
        elif name not in parsers:
            raise ValueFault("VALUE_TYPE", f"[{index}] has no field {str(name)[:100]!r}", expected="field")
        elif raw is None:
            parsed[name] = None
        else:
            try:
                parsed[name] = parsers[name](raw)
            except ValueFault as fault:
                raise ValueFault(fault.code, f"[{index}].{name} {fault.message}", **fault.values) from None
    return parsed


FIELD_TYPES: tuple[type[Field], ...] = (RowsField,)
