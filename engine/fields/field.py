"""What every field of a model has and does; each family of field types is a file beside this one.

A field type is a frozen dataclass: its annotations are the keys that an author may write, and from them come the parser
and the JSON Schema. To add one: a new class here or in a new file, and one line in ``catalog/builtins.py``.

A value has four forms. *Value*: what expressions and rules see (``Decimal("12.30")``, an aware datetime). *Wire*: what
JSON carries (``"12.30"``). *Text*: a cell of a CSV file or an input of a form. *Stored*: what the database driver
takes, worked out by the column type. Null is None in all of them, and none of the methods below is ever given it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any, ClassVar, Protocol

from sqlalchemy.types import TypeEngine

from engine.errors import Label
from engine.expressions.language import Expression
from engine.expressions.types import Member, Scope, Shape, Type
from engine.source.shape import Formula, Located, Name, option

#: What the codes of refused values mean, for the table in the docs. Codes never change their meaning.
VALUE_CODES: Mapping[str, str] = {
    "VALUE_TYPE": "a value of the wrong JSON type, such as a number where a text is expected, or a binary float",
    "VALUE_FORMAT": "a text that does not have the form of the field: no date, no address, not the field's pattern",
    "VALUE_CHARACTERS": "a text with control characters, a NUL or half of a surrogate pair",
    "VALUE_LENGTH": "a text that is empty, too short or too long; a list with too many items",
    "VALUE_RANGE": "a number, date or time below the least or above the greatest that the field takes",
    "VALUE_DIGITS": "a number with more digits behind the point than the field keeps; nothing is rounded in silence",
    "VALUE_CHOICE": "a text that is none of the field's options",
    "VALUE_DUPLICATE": "the same item twice in a list whose items differ",
    "VALUE_ZONE": "a date and time without its offset from UTC, or one that the clocks of its zone never showed",
    "VALUE_SCHEMA": "a JSON value that does not fit the field's schema",
    "VALUE_DEPTH": "a JSON value that nests too deep",
}


class ValueFault(ValueError):
    """A value that a field refuses: a stable code (``VALUE_TYPE``), an English text, and what a translation needs."""

    def __init__(self, code: str, message: str, **values: Any) -> None:
        if code not in VALUE_CODES:
            raise KeyError(f"value code {code} is not in the table")
        self.code = code
        self.message = message
        self.values = values
        super().__init__(f"{code}: {message}")


class Linker(Protocol):
    """What a definition needs of the others while the catalogue is built. Problems are collected, not raised."""

    def shape(self, model: str) -> Shape | None:
        """The shape of that model, or None when there is none."""
        ...

    def fields(self, model: str) -> Mapping[str, Field]:
        """The fields of a model, those of the system included; empty when there is no such model."""
        ...

    def scope(self, model: str | None, **names: Type) -> Scope:
        """What expressions about that model may name: its fields, ``record``, the model's name, ``user now today event
        timezone``, and the names given here."""
        ...

    def compile(self, formula: Formula | None, scope: Scope, expects: Type | None = None) -> Expression | None:
        """The compiled expression, bound to the formula; None when there is none or it has problems (reported)."""
        ...

    def where(self, formula: Formula | None, scope: Scope) -> Expression | None:
        """The compiled yes or no over ``scope.record``, one that also translates to SQL (E208 otherwise)."""
        ...

    def naming(self, scope: Scope, name: str | None, type_: Type, at: Located, key: str) -> Scope:
        """The scope with one more name (``let``, ``as``, ``into``); E304 when it would hide a field or another name."""
        ...

    def report(
        self,
        code: str,
        message: str,
        at: Located,
        key: str | int | tuple[str | int, ...] | None = None,
        hint: str | None = None,
    ) -> None:
        """Adds a problem, at the object or at one of its keys."""
        ...

    def known(self, kind: str) -> Iterable[str]:
        """The names of all objects of a kind."""
        ...

    def get(self, kind: str, name: str) -> Any:
        """The object of that kind and name, or None."""
        ...

    def complete(self, kind: str, name: str | None = None) -> bool:
        """Whether the object of that name was read, or all of the kind. False: what they hold is unknown, so that
        something missing in them is no news."""
        ...

    def event(self, model: str, name: str, at: Located, key: str | int | tuple[str | int, ...]) -> None:
        """Reports an event that no workflow of the model has; ``key`` is where it is named."""
        ...

    def proposes(self, model: str, event: str | None = None) -> bool:
        """Whether an event of the model's workflows, or that of a name, proposes changes of its records. The
        former is True where that cannot be known."""
        ...

    def inputs(self, model: str, event: str) -> Sequence[Mapping[str, Field]]:
        """What the events of that name take in the workflows of the model: one mapping for each of them."""
        ...

    def reference(self, kind: str, name: str | None, at: Located, key: str) -> Any:
        """The object of that kind and name; when it does not exist, a problem with a likely name, and None."""
        ...


#: From one form of a value to another. Raises ValueFault.
Parser = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit that a value must keep: ``name`` is ``min max above`` or ``below``, the limit an expression."""

    name: str
    expression: Expression

    def holds(self, value: Any, limit: Any) -> bool:
        """Whether the value keeps that limit."""
        if self.name == "min":
            return bool(value >= limit)
        if self.name == "max":
            return bool(value <= limit)
        return bool(value > limit) if self.name == "above" else bool(value < limit)

    def message(self, limit: Any) -> str:
        """What to say when it does not."""
        return f"{_BOUND_WORDS[self.name]} {limit}"


#: How a value that keeps a bound compares with its limit.
BOUND_SIGNS = {"min": ">=", "max": "<=", "above": ">", "below": "<"}
_BOUND_WORDS = {
    "min": "must not be less than",
    "max": "must not be more than",
    "above": "must be more than",
    "below": "must be less than",
}


@dataclass(frozen=True, kw_only=True)
class Field(Located):
    """A part of a model. ``name`` is its key in the ``fields`` map."""

    type_name: ClassVar[str]
    #: The widget that edits it on a page: the template ``fields/{widget}.html``.
    widget: ClassVar[str] = "text"
    #: Whether a column of the model's own table holds it.
    stored: ClassVar[bool] = True
    #: Whether the engine gives the value by itself (a number of a sequence, a looked-up value), so that none is put in.
    generated: ClassVar[bool] = False
    #: Whether two of its values can be told apart by an index, as ``unique`` and ``key`` need.
    comparable: ClassVar[bool] = True

    label: Label | None = option(None, help="What people read; the name when absent")
    help: Label | None = option(None, help="A line below the input")
    required: bool = option(False, help="Whether every record must have a value")
    default: Formula | None = option(None, help="An expression for the value of a new record that brings none")
    value: Formula | None = option(None, help="An expression: the field is computed and cannot be put in")
    private: bool | None = option(None, help="Personal data: masked unless a role's access says `private: true`")
    unique: bool = option(False, help="Whether no two records may share a value")
    system: bool = option(False, help="Only steps set it: neither people nor channels put it in")
    was: Name | None = option(None, help="The name it had before; renames the column instead of dropping it")

    @property
    def name(self) -> str:
        """The key in the ``fields`` map."""
        return str(self.path[-1])

    @property
    def computed(self) -> bool:
        """Whether the engine works the value out."""
        return self.value is not None

    @property
    def read_only(self) -> bool:
        """Whether no caller puts it in: it is worked out, numbered or looked up by the engine, or set by steps only."""
        return self.computed or self.generated or self.system

    def link(self, linker: Linker, scope: Scope) -> None:
        """Resolves and compiles what the field refers to. ``scope`` is that of the model (or rows) it stands in."""
        type_ = self.expression_type(linker.shape)
        linker.compile(self.default, scope, type_)
        linker.compile(self.value, scope, type_)
        if self.value is not None and self.default is not None:
            linker.report("E110", "a computed field needs no `default`", self, "default")
        if self.unique and not self.comparable:
            linker.report("E404", f"`unique` does not go with {self.type_name}", self, "unique")

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        """The type of its values in expressions."""
        raise NotImplementedError

    def member(self, shape_of: Callable[[str], Shape | None]) -> Member:
        """How expressions see it."""
        return Member(self.expression_type(shape_of), nullable=True)

    def column_type(self) -> TypeEngine[Any]:
        """The SQLAlchemy type of its column; its bind and result processors are the only codec there is."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its wire form."""
        raise NotImplementedError

    def parser(self, zone: tzinfo | None = None) -> Parser:
        """A function from a wire form to the value, worked out once for all values; it takes values too.

        A date and time without its offset is read in ``zone``, or refused if there is none.
        """
        raise NotImplementedError

    def parse(self, raw: Any, zone: tzinfo | None = None) -> Any:
        """The value of a wire form (JSON with decimals as text or numbers). Raises ValueFault. See ``parser``."""
        parse = self._parsers.get(zone)
        if parse is None:
            parse = self._parsers[zone] = self.parser(zone)
        return parse(raw)

    @cached_property
    def _parsers(self) -> dict[tzinfo | None, Parser]:
        """The parsers worked out so far: channels and applications name few zones."""
        return {}

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        """The value of a cell or an input, never empty. Raises ValueFault."""
        return self.parse(text, zone)

    def text_parser(self, zone: tzinfo | None = None) -> Parser:
        """``parse_text`` as a function made once, for hot paths."""
        if type(self).parse_text is Field.parse_text:
            return self.parser(zone)
        return lambda text: self.parse_text(text, zone)

    def settle(self, value: Any) -> Any:
        """What the field keeps of a computed value: rounded half up to its digits. Raises ValueFault if it cannot."""
        return value

    def settler(self) -> Parser:
        """``settle`` as a function made once, for hot paths."""
        return self.settle

    def bounds(self) -> tuple[Bound, ...]:
        """The limits that depend on the record, to be held against it once it is worked out, and for a computed field
        the constant ones too; those of other fields are checked by ``parse``."""
        return ()

    def wire(self, value: Any) -> Any:
        """The JSON form of a value."""
        return value

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        """What a person reads, moments on the clocks of ``zone`` (UTC if there is none)."""
        return str(value)

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        """What stands in an input: ``parse_text`` in the same zone gives the value back."""
        return str(self.wire(value))

    def mask(self, value: Any) -> Any:
        """The wire form that someone without the right to private data sees: a text that hides all but a hint."""
        return "***"


def mask_text(text: str) -> str:
    """The text with its middle hidden: ``138****0001``, ``张**``; short ones lose all but the first character."""
    if len(text) <= 1:
        return "*"
    if len(text) < 11:
        return text[0] + "*" * (len(text) - 1)
    return text[:3] + "****" + text[-4:]


def say(label: Label | None, language: str, fallback: str = "") -> str:
    """A label in a language; another language's when that one is missing; the fallback when there is none."""
    if label is None:
        return fallback
    if isinstance(label, str):
        return label
    return label.get(language) or next(iter(label.values()), fallback)


FieldTypes = Mapping[str, type[Field]]
