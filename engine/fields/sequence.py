"""Numbers that the engine gives: ``SO20261122000001``, counted anew whenever the date in them changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import cached_property
from typing import Any, ClassVar, Literal

from sqlalchemy.types import TypeEngine

from engine.expressions.types import TEXT, Scope, Shape, Type
from engine.fields.columns import PlainText
from engine.fields.field import Field, Linker, Parser, mask_text
from engine.fields.text import clean_text
from engine.source.shape import option

MOST_CHARACTERS = 100

_PLACE = re.compile(r"\{([^{}]*)\}|([{}])")
_COUNTER = re.compile(r"seq:([1-9]|1[0-2])")
_DATES = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d"}


@dataclass(frozen=True, slots=True)
class SequenceFormat:
    """A format taken apart: texts, parts of the date, and exactly one counter with its least width.

    Numbers never repeat: dates have a fixed width, so a counter that outgrows its own cannot be taken for another date.
    """

    parts: tuple[tuple[Literal["text", "date", "seq"], str], ...]

    @classmethod
    def read(cls, text: str) -> SequenceFormat:
        """The format that the text describes. Raises ValueError with what is wrong."""
        parts: list[tuple[Literal["text", "date", "seq"], str]] = []
        end = 0
        for found in _PLACE.finditer(text):
            name, brace = found.groups()
            if brace:
                raise ValueError(f"a single '{brace}' at character {found.start() + 1}")
            if found.start() > end:
                parts.append(("text", text[end : found.start()]))
            counter = _COUNTER.fullmatch(name)
            if counter:
                parts.append(("seq", counter.group(1)))
            elif name in _DATES:
                parts.append(("date", _DATES[name]))
            else:
                raise ValueError(f"{{{name}}} is none of {{yyyy}} {{yy}} {{mm}} {{dd}} {{seq:6}}")
            end = found.end()
        if text[end:]:
            parts.append(("text", text[end:]))
        if sum(kind == "seq" for kind, _ in parts) != 1:
            raise ValueError("it needs exactly one counter, such as {seq:6}")
        return cls(tuple(parts))

    def period(self, day: date) -> str:
        """What tells the counters of different dates apart; the same text on all days when there is no date in it."""
        return "-".join(day.strftime(part) for kind, part in self.parts if kind == "date")

    def write(self, day: date, number: int) -> str:
        """The text of that number on that day of the application's zone."""
        return "".join(
            f"{number:0{part}}" if kind == "seq" else day.strftime(part) if kind == "date" else part
            for kind, part in self.parts
        )


@dataclass(frozen=True, kw_only=True)
class SequenceField(Field):
    """A number that the engine gives to every new record."""

    type_name: ClassVar[str] = "sequence"
    generated: ClassVar[bool] = True

    unique: bool = option(True, help="Always: no two records share a number")
    format: str = option(help="Text with {yyyy} {yy} {mm} {dd} and one counter such as {seq:6}")

    @cached_property
    def pattern(self) -> SequenceFormat:
        """The format taken apart. Raises ValueError; ``link`` has reported it by then."""
        return SequenceFormat.read(self.format)

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        for key in ("default", "value"):
            if getattr(self, key) is not None:
                linker.report("E110", f"a sequence has no `{key}`: the engine gives the number", self, key)
        if not self.unique:
            linker.report("E110", "numbers of a sequence are always unique", self, "unique")
        if not self.format.isprintable() or len(self.format) > MOST_CHARACTERS // 2:
            linker.report("E107", f"a format has at most {MOST_CHARACTERS // 2} plain characters", self, "format")
        try:
            self.pattern  # noqa: B018 - worked out here so that its mistakes are found here
        except ValueError as error:
            linker.report("E107", f"no format of a sequence: {error}", self, "format")

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return TEXT

    def column_type(self) -> TypeEngine[Any]:
        return PlainText()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return lambda raw: clean_text(raw, most=MOST_CHARACTERS)

    def mask(self, value: Any) -> Any:
        return mask_text(value)


FIELD_TYPES: tuple[type[Field], ...] = (SequenceField,)
