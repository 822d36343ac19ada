"""One or several out of a closed list of options."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.errors import Label
from engine.expressions.types import ChoiceType, ListType, Scope, Shape, Type
from engine.fields.columns import JsonText, PlainText
from engine.fields.field import Field, Linker, Parser, ValueFault, say
from engine.registry import did_you_mean, nearest
from engine.source.shape import option

#: What stands between the options in a cell or an input; so no option may have it in its name.
_SEPARATORS = re.compile(r"[,;，；、|\n]")
_MOST_OPTION_CHARACTERS = 64


@dataclass(frozen=True, kw_only=True)
class OptionsField(Field):
    """What choices of one and of several share; not a type by itself."""

    of: Mapping[str, Label] | tuple[str, ...] = option(help="The options: names with labels, or a list of names")

    @cached_property
    def options(self) -> Mapping[str, Label]:
        """The name and the label of each option, in the author's sequence."""
        return self.of if isinstance(self.of, Mapping) else {name: name for name in self.of}

    @cached_property
    def _by_text(self) -> Mapping[str, str]:
        """Option names by what people may type: the name, or a label that only one option has."""
        found: dict[str, str | None] = {}
        for name, label in self.options.items():
            texts = [label] if isinstance(label, str) else list(label.values())
            for text in {_folded(text) for text in texts}:
                found[text] = name if text not in found else None
        # A name always means its option, whatever label another one has.
        names = {_folded(name): name for name in self.options}
        return {text: name for text, name in (found | names).items() if name is not None}

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if not self.options:
            linker.report("E107", "a choice needs at least one option", self, "of")
        if not isinstance(self.of, Mapping) and len(self.options) < len(self.of):
            linker.report("E405", "an option stands twice in the list", self, "of")
        for name in self.options:
            if not name or name != name.strip() or len(name) > _MOST_OPTION_CHARACTERS or not name.isprintable():
                linker.report(
                    "E107", f"an option's name is 1 to {_MOST_OPTION_CHARACTERS} plain characters: {name!r}", self, "of"
                )
            elif _SEPARATORS.search(name):
                linker.report("E107", f"the name of an option holds a separator of lists: {name!r}", self, "of")

    @property
    def choice_type(self) -> ChoiceType:
        """One option, as expressions see it."""
        return ChoiceType("choice", tuple(self.options))

    def choose(self, raw: Any) -> str:
        """The option of that name. Raises ValueFault."""
        if not isinstance(raw, str):
            raise ValueFault("VALUE_TYPE", "expected the name of an option", expected="text")
        if raw not in self.options:
            hint = did_you_mean(raw[:_MOST_OPTION_CHARACTERS], self.options)
            shown = raw if len(raw) <= _MOST_OPTION_CHARACTERS else raw[:_MOST_OPTION_CHARACTERS] + "…"
            raise ValueFault(
                "VALUE_CHOICE",
                f"{shown!r} is none of {', '.join(self.options)}" + (f"; {hint}" if hint else ""),
                options=list(self.options),
                nearest=nearest(shown, self.options),
            )
        return raw

    def choose_text(self, text: str) -> str:
        """The option of that name or label. Raises ValueFault."""
        return self.choose(self._by_text.get(_folded(text), text.strip()))

    def label_of(self, name: str, language: str) -> str:
        """What people read for an option; the name of one that is not there any more."""
        return say(self.options.get(name), language, name)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


@dataclass(frozen=True, kw_only=True)
class ChoiceField(OptionsField):
    """One option of a list."""

    type_name: ClassVar[str] = "choice"
    widget: ClassVar[str] = "choice"

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return self.choice_type

    def column_type(self) -> TypeEngine[Any]:
        return PlainText()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.options)}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        options, choose = self.options, self.choose
        return lambda raw: raw if type(raw) is str and raw in options else choose(raw)

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        return self.choose_text(text)

    def settle(self, value: Any) -> Any:
        return self.choose(value)

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return self.label_of(value, language)


@dataclass(frozen=True, kw_only=True)
class ChoicesField(OptionsField):
    """Several options of a list, each at most once; kept in the sequence of the list."""

    type_name: ClassVar[str] = "choices"
    widget: ClassVar[str] = "choices"
    comparable: ClassVar[bool] = False

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return ListType("list", item=self.choice_type)

    def column_type(self) -> TypeEngine[Any]:
        return JsonText()

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "uniqueItems": True, "items": {"type": "string", "enum": list(self.options)}}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        rank = {name: place for place, name in enumerate(self.options)}
        choose = self.choose

        def parse(raw: Any) -> list[str]:
            if not isinstance(raw, list | tuple):
                raise ValueFault("VALUE_TYPE", "expected a list of options", expected="list")
            chosen = [choose(item) for item in raw]
            if len(set(chosen)) < len(chosen):
                raise ValueFault("VALUE_DUPLICATE", "holds an option twice")
            return sorted(chosen, key=rank.__getitem__)

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        return self.parse([self.choose_text(part) for part in _SEPARATORS.split(text) if part.strip()])

    def settle(self, value: Any) -> Any:
        return self.parse(list(dict.fromkeys(value)))

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return ("、" if language == "zh" else ", ").join(self.label_of(name, language) for name in value)

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return ", ".join(value)


FIELD_TYPES: tuple[type[Field], ...] = (ChoiceField, ChoicesField)
