"""What leads to other records: links, users, and values that are looked up through a link."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.errors import EngineError
from engine.expressions.types import NULL, Member, RecordType, Scope, Shape, Type
from engine.fields.columns import Key
from engine.fields.field import Field, Linker, Parser
from engine.fields.text import text_parser
from engine.registry import did_you_mean
from engine.source.shape import Formula, Name, option

#: The longest id or key of a linked record that is worth looking for.
MOST_KEY_CHARACTERS = 400

_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, kw_only=True)
class LinkField(Field):
    """A record of another model, put in as its id or its key."""

    # parse gives that text, and who holds the database finds the record. The value is the record's dict, of which
    # ``id`` is always there.

    type_name: ClassVar[str] = "link"
    widget: ClassVar[str] = "link"

    to: str = option(help="The model it leads to; in an input also rows of a model, such as parcel.lines")
    back: Name | None = option(None, help="What the other model calls the records that link to it")

    @property
    def target(self) -> str:
        """The model that it leads to, or rows of one (``parcel.lines``)."""
        return self.to

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        model, _, rows = self.to.partition(".")
        if linker.reference("model", model, self, "to") is None:
            return
        if rows and linker.shape(self.to) is None:
            linker.report("E303", f"{model} has no rows '{rows}'", self, "to")
        elif rows and self.document.kind in ("model", "extend"):
            linker.report("E405", "only an input may link to rows: they come and go with their record", self, "to")

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        shape = shape_of(self.to)
        return RecordType.of(shape) if shape is not None else NULL

    def column_type(self) -> TypeEngine[Any]:
        return Key()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": MOST_KEY_CHARACTERS}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return _parse_link

    def wire(self, value: Any) -> Any:
        return value["id"]

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        """The title that the caller has looked up, given in place of the record; the id of a record."""
        return str(value["id"]) if isinstance(value, Mapping) else str(value)


_clean_key = text_parser(MOST_KEY_CHARACTERS)


def _parse_link(raw: Any) -> Any:
    if type(raw) is not str and isinstance(raw, Mapping):  # a record, as values and expanded answers have it
        raw = raw.get("id")
    return _clean_key(raw)


@dataclass(frozen=True, kw_only=True)
class UserField(LinkField):
    """A user."""

    type_name: ClassVar[str] = "user"

    to: str = option("user", help="Always the users")

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if self.to != "user":
            linker.report("E107", "a user field leads to users; for another model write `type: link`", self, "to")


@dataclass(frozen=True, kw_only=True)
class LookupField(Field):
    """A value of a linked record, seen as if it were a field here: never stored, always what it is there now."""

    type_name: ClassVar[str] = "lookup"
    stored: ClassVar[bool] = False
    generated: ClassVar[bool] = True
    comparable: ClassVar[bool] = False

    from_: Formula = option(key="from", help="The path to it, such as parcel.weight")

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the path."""
        return tuple(self.from_.text.strip().split("."))

    @property
    def source(self) -> Field:
        """The field at the end of the path: how the value is written and shown is that field's business."""
        found = self.__dict__.get("_source")
        if not isinstance(found, Field):
            raise EngineError(f"the lookup '{self.name}' has not been linked")
        return found

    def link(self, linker: Linker, scope: Scope) -> None:
        for key in ("default", "value"):
            if getattr(self, key) is not None:
                linker.report("E110", f"a lookup has no `{key}`: its value is that of the other record", self, key)
        if self.unique:
            linker.report("E404", "`unique` does not go with lookup", self, "unique")
        if not _PATH.fullmatch(self.from_.text.strip()):
            linker.report("E107", "a lookup names a link and a field behind it, such as parcel.weight", self, "from")
            return
        if linker.compile(self.from_, scope) is None:
            return
        source = self._find_source(linker, scope)
        if source is not None:
            # A field is frozen for everyone but its own linking, which happens once.
            object.__setattr__(self, "_source", source)

    def _find_source(self, linker: Linker, scope: Scope, asking: tuple[LookupField, ...] = ()) -> Field | None:
        """The field that the path leads to; None with a problem when it does not lead to one. ``asking`` are the
        lookups that lead here."""
        if any(self is other for other in asking):
            names = " → ".join(lookup.name for lookup in (*asking, self))
            linker.report("E401", f"lookups that need each other: {names}", asking[0], "from")
            return None
        place = scope.record.name if scope.record is not None else ""
        fields = _fields_at(linker, place)
        found: Field | None = None
        for index, step in enumerate(self.steps):
            found = fields.get(step)
            if isinstance(found, LookupField):
                found = found._find_source(linker, Scope(linker.shape(place)), (*asking, self))
                if found is None:
                    return None
            last = index == len(self.steps) - 1
            if found is None or not (last or isinstance(found, LinkField)):
                hint = did_you_mean(step, fields)
                linker.report("E404", f"'{step}' is no {'field' if last else 'link'} of {place}", self, "from", hint)
                return None
            if isinstance(found, LinkField) and not last:
                place = found.target
                fields = _fields_at(linker, place)
        return found

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return self.member(shape_of).type

    def member(self, shape_of: Callable[[str], Shape | None]) -> Member:
        # Shapes ask before anything is linked; a circle of lookups would ask itself. The catalogue reports circles.
        if self.__dict__.get("_asked"):
            return Member(NULL)
        object.__setattr__(self, "_asked", True)
        try:
            return self._member(shape_of)
        finally:
            object.__setattr__(self, "_asked", False)

    def _member(self, shape_of: Callable[[str], Shape | None]) -> Member:
        shape = shape_of(_owner(self))
        type_: Type = NULL
        for step in self.steps:
            found = shape.member(step) if shape is not None else None
            if found is None:
                return Member(NULL)
            type_ = found.type
            shape = type_.shape if isinstance(type_, RecordType) else None
        return Member(type_)

    def schema(self) -> dict[str, Any]:
        return {**self.source.schema(), "readOnly": True}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return self.source.parser(zone)

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        return self.source.parse_text(text, zone)

    def wire(self, value: Any) -> Any:
        return self.source.wire(value)

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return self.source.display(value, language, zone)

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return self.source.edit_text(value, zone)

    def mask(self, value: Any) -> Any:
        return self.source.mask(value)


def _owner(field: Field) -> str:
    """The shape that a field of a model stands in: the model, or rows of it (``parcel.lines``)."""
    # fields, lines, of, weight: every second part is a name, the last one the field's own.
    return ".".join((str(field.document.name), *map(str, field.path[1:-1:2])))


def _fields_at(linker: Linker, place: str) -> Mapping[str, Field]:
    """The fields of a model, or of rows of one."""
    model, *rows = place.split(".")
    fields = linker.fields(model)
    for name in rows:
        fields = getattr(fields.get(name), "of", {})
    return fields


FIELD_TYPES: tuple[type[Field], ...] = (LinkField, UserField, LookupField)
