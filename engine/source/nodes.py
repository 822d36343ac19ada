"""What all compiled shapes have in common, and the shapes of single values.

A shape reads a value into what Python code works with, reporting all that is wrong, and describes itself as JSON
Schema. Both come from the same object, so that an editor and the engine agree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

from engine.errors import Span
from engine.registry import did_you_mean
from engine.source.document import Document, Path
from engine.source.leaves import LONGEST_NAME, NAME, Duration, Formula, Rate, TimeOfDay, Window
from engine.source.problems import Problems
from engine.source.scalars import kind_of, source_form

Schema = dict[str, Any]


class _Failed:
    """What a shape gives for a value that has a problem, which is reported."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()
CUT_OFF = "quote a text that holds , [ ] { } inside a map in braces"
YES_OR_NO = frozenset({"yes", "no", "on", "off", "true", "false", "y", "n"})


class Reading:
    """One document being read into a shape."""

    __slots__ = ("document", "problems")

    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self.problems = problems

    def fail(self, code: str, message: str, span: Span, hint: str | None = None) -> Any:
        """Reports, and is FAILED."""
        self.problems.report(code, message, span, hint)
        return FAILED

    def wrong_type(self, shape: Shape, value: Any, path: Path, hint: str | None = None) -> Any:
        """Reports a value of another type than the shape's, and is FAILED."""
        span = self.document.span(path)
        if isinstance(value, dict | list) or value is None:
            # A block is pointed at by its key: underlining all its lines would help nobody.
            span = self.document.key_span(path)
        return self.fail("E106", f"expected {shape.expected}, found {kind_of(value)}", span, hint or shape.hint(value))


class Definitions:
    """The ``$defs`` of a JSON Schema being written, each under a name of its own."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names: dict[object, str] = {}

    def name_for(self, owner: object, wanted: str) -> tuple[str, bool]:
        """The name of the definition of that owner, and whether it is new and has to be filled in."""
        if owner in self._names:
            return self._names[owner], False
        name, number = wanted, 1
        while name in self.schemas:
            number += 1
            name = f"{wanted}_{number}"
        self._names[owner] = name
        self.schemas[name] = {}
        return name, True


class Shape(ABC):
    """What may stand at one place of a document."""

    #: What it wants, in words that follow "expected".
    expected: str = "a value"

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether, among several shapes, this is the one that was meant. Not whether the value is free of problems."""

    @abstractmethod
    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        """The value for Python code, or FAILED."""

    @abstractmethod
    def schema(self, definitions: Definitions) -> Schema:
        """Its JSON Schema."""

    def hint(self, value: Any) -> str | None:
        """What an author may have meant who wrote a value of another type."""
        return None


class AnyShape(Shape):
    """Plain data of any form."""

    def accepts(self, value: Any) -> bool:
        return True

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return value

    def schema(self, definitions: Definitions) -> Schema:
        return {}


class ScalarShape(Shape):
    """Text, a number or a yes-no, as it is."""

    TYPES: ClassVar[Mapping[type, tuple[str, str]]] = {
        str: ("a text", "string"),
        int: ("a whole number", "integer"),
        bool: ("true or false", "boolean"),
        Decimal: ("a number", "number"),
    }

    def __init__(self, type_: type) -> None:
        self._type = type_
        self.expected, self._name = self.TYPES[type_]

    def accepts(self, value: Any) -> bool:
        if self._type is Decimal:
            return isinstance(value, Decimal | int) and not isinstance(value, bool)
        return type(value) is self._type

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if type(value) is self._type:
            return value
        if self.accepts(value):
            return Decimal(value)
        return reading.wrong_type(self, value, path)

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": self._name}

    def hint(self, value: Any) -> str | None:
        if self._type is str and isinstance(value, bool | int | Decimal):
            return f'quote it: "{source_form(value)}"'
        if self._type is bool and isinstance(value, str) and value.lower() in YES_OR_NO:
            return "write true or false"
        if self._type in (int, Decimal) and isinstance(value, str) and value.isdecimal():
            return "leave the quotes and leading zeros out"
        return None


class NameShape(Shape):
    """A name that other definitions may refer to."""

    expected = "a name"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and is_name(value)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, str):
            return reading.wrong_type(self, value, path)
        if is_name(value):
            return value
        return refuse_name(value, reading.document.span(path), reading)

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "string", "pattern": f"^{NAME.pattern}$", "maxLength": LONGEST_NAME}


class LiteralShape(Shape):
    """One of some fixed values."""

    def __init__(self, options: Sequence[Any]) -> None:
        self.options = options
        words = [f"`{source_form(option)}`" for option in options]
        self.expected = words[0] if len(words) == 1 else f"one of {', '.join(words)}"

    def accepts(self, value: Any) -> bool:
        return any(type(value) is type(option) and value == option for option in self.options)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if self.accepts(value):
            return value
        if isinstance(value, dict | list) or value is None:
            return reading.wrong_type(self, value, path)
        hint = did_you_mean(source_form(value), map(source_form, self.options))
        message = f"expected {self.expected}, found '{source_form(value)}'"
        return reading.fail("E107", message, reading.document.span(path), hint)

    def schema(self, definitions: Definitions) -> Schema:
        return {"enum": list(self.options)}


class FormulaShape(Shape):
    """An expression; any scalar spells one."""

    expected = "an expression"

    def accepts(self, value: Any) -> bool:
        return not isinstance(value, dict | list)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, dict | list):
            return reading.wrong_type(self, value, path)
        return Formula(source_form(value), reading.document, path)

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": ["string", "number", "boolean", "null"]}

    def hint(self, value: Any) -> str | None:
        return "quote an expression that begins with '[' or '{'"


class SpelledShape(Shape):
    """A text with a small grammar of its own: a duration, a window, a rate, a time of day."""

    def __init__(self, type_: type[Duration] | type[Rate] | type[TimeOfDay] | type[Window]) -> None:
        self._type = type_
        self.expected = type_.EXPECTED

    def accepts(self, value: Any) -> bool:
        try:
            return isinstance(value, str) and self._type.parse(value) is not None
        except ValueError:
            return False

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, str):
            return reading.wrong_type(self, value, path)
        try:
            return self._type.parse(value)
        except ValueError as error:
            message = f"expected {self.expected}, found '{value}'"
            return reading.fail("E107", message, reading.document.span(path), str(error))

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self._type.PATTERN})$", "description": self.expected}


def is_name(text: str) -> bool:
    """Whether the text can name something."""
    return NAME.fullmatch(text) is not None and len(text) <= LONGEST_NAME


def refuse_name(text: str, span: Span, reading: Reading, hint: str | None = None) -> Any:
    """Reports a text that is no name, and is FAILED."""
    if len(text) > LONGEST_NAME:
        return reading.fail("E109", f"a name has at most {LONGEST_NAME} characters, this has {len(text)}", span)
    better = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text.lower()).strip("_")
    usual = f"write '{better}'" if is_name(better) else "use lower case letters, digits and underscores, a letter first"
    return reading.fail("E109", f"'{text}' is no name", span, hint or usual)


def cut_off(key: str, value: Any) -> bool:
    """Whether the key looks like the rest of an expression that YAML has cut at a comma: ``{a: sum(x, y)}``."""
    return value is None and any(character in "()[]+-*/<>=\"'" for character in key)
