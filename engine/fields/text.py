"""Texts: one line, many lines, telephone numbers, e-mail addresses. All refuse what databases and pages cannot keep."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.expressions.types import TEXT, Scope, Shape, Type
from engine.fields.columns import PlainText
from engine.fields.field import Field, Linker, Parser, ValueFault, mask_text
from engine.source.shape import option

#: The longest text that a field may allow: what a person can still edit on a page.
MOST_CHARACTERS = 1_000_000

#: Control characters (Unicode category Cc) and halves of surrogate pairs, which are no text.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_REFUSED_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_text(raw: Any, *, most: int, least: int = 1, lines: bool = False) -> str:
    """The text without blanks around it. Raises ValueFault for what is no text, too long, too short or not printable.

    An empty text is refused: null says that there is no value. ``lines`` allows line breaks (as ``\\n``) and tabs.
    """
    if not isinstance(raw, str):
        raise ValueFault("VALUE_TYPE", "expected a text", expected="text")
    text: str = raw.strip()
    if not text.isprintable():
        if lines and "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        found = (_REFUSED_IN_LINES if lines else _REFUSED).search(text)
        if found:
            raise ValueFault(
                "VALUE_CHARACTERS",
                f"character {found.start() + 1} (U+{ord(found.group()):04X}) cannot be kept",
                position=found.start() + 1,
            )
    length = len(text)
    if length > most:
        raise ValueFault("VALUE_LENGTH", f"{length} characters, and {most} are the most", length=length, max=most)
    if length < least:
        raise ValueFault("VALUE_LENGTH", f"{length} characters, and {least} are the fewest", length=length, min=least)
    return text


def text_parser(most: int, least: int = 1) -> Parser:
    """``clean_text`` with these limits as a function of the text alone, quick for one that is as it should be."""

    def parse(raw: Any) -> str:
        if type(raw) is str and raw.isprintable():
            text = raw.strip()
            if least <= len(text) <= most:
                return text
        return clean_text(raw, most=most, least=least)

    return parse


@dataclass(frozen=True, kw_only=True)
class TextLike(Field):
    """What all texts share; not a type by itself."""

    max: int = option(400, help="The most characters")
    min: int = option(1, help="The fewest characters")

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if not 1 <= self.max <= MOST_CHARACTERS:
            linker.report("E107", f"a text has at most 1 to {MOST_CHARACTERS} characters", self, "max")
        elif not 1 <= self.min <= self.max:
            linker.report("E107", "`min` lies between 1 and `max`: an absent text is null, not empty", self, "min")

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return TEXT

    def column_type(self) -> TypeEngine[Any]:
        return PlainText()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": self.min, "maxLength": self.max}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return text_parser(self.max, self.min)

    def settle(self, value: Any) -> Any:
        return self.parse(value) if value.strip() else None

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return str(value)

    def mask(self, value: Any) -> Any:
        return mask_text(value)


@dataclass(frozen=True, kw_only=True)
class TextField(TextLike):
    """One line of text."""

    type_name: ClassVar[str] = "text"

    pattern: str | None = option(None, help="A regular expression that the whole text must match")

    @cached_property
    def _matches(self) -> Callable[[str], object]:
        return re.compile(self.pattern or "", re.ASCII).fullmatch

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                linker.report("E107", f"no regular expression: {error}", self, "pattern")

    def schema(self) -> dict[str, Any]:
        schema = super().schema()
        return schema if self.pattern is None else {**schema, "pattern": f"^(?:{self.pattern})$"}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        clean = super().parser(zone)
        if self.pattern is None:
            return clean
        pattern, matches = self.pattern, self._matches

        def parse(raw: Any) -> str:
            text: str = clean(raw)
            if not matches(text):
                raise ValueFault("VALUE_FORMAT", f"does not match the pattern {pattern}", pattern=pattern)
            return text

        return parse


@dataclass(frozen=True, kw_only=True)
class LongTextField(TextLike):
    """Text of many lines."""

    type_name: ClassVar[str] = "long_text"
    widget: ClassVar[str] = "long_text"
    comparable: ClassVar[bool] = False

    max: int = option(20_000, help="The most characters")

    def parser(self, zone: tzinfo | None = None) -> Parser:
        most, least = self.max, self.min
        return lambda raw: clean_text(raw, most=most, least=least, lines=True)


#: Digits, some of which a sender may have masked, in groups; after them an extension.
_PHONE = re.compile(
    r"\+?\(?[0-9*](?:[ ()./-]*[0-9*]){2,}\)?(?:(?: ?(?:ext\.?|x|转|#|,) ?|-)[0-9]{1,8})?", re.IGNORECASE
)
#: One @, something before it, a domain with a dot after it. Whether it exists, only a letter to it can tell.
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+")


@dataclass(frozen=True, kw_only=True)
class PhoneField(TextLike):
    """A telephone number as it was given, also one that the sender has masked (``138****0001``)."""

    type_name: ClassVar[str] = "phone"
    widget: ClassVar[str] = "phone"

    max: int = option(64, help="The most characters")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "phone", "minLength": 3, "maxLength": self.max}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        clean = super().parser(zone)

        def parse(raw: Any) -> str:
            # An input method may well give full-width digits.
            text: str = clean(unicodedata.normalize("NFKC", raw) if isinstance(raw, str) else raw)
            if not _PHONE.fullmatch(text):
                raise ValueFault("VALUE_FORMAT", "is no telephone number", expected="phone")
            return text

        return parse


@dataclass(frozen=True, kw_only=True)
class EmailField(TextLike):
    """An e-mail address, its domain in lower case."""

    type_name: ClassVar[str] = "email"
    widget: ClassVar[str] = "email"

    max: int = option(254, help="The most characters")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email", "minLength": 3, "maxLength": self.max}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        clean = super().parser(zone)

        def parse(raw: Any) -> str:
            text: str = clean(raw)
            if not _EMAIL.fullmatch(text):
                raise ValueFault("VALUE_FORMAT", "is no e-mail address", expected="email")
            mailbox, _, domain = text.rpartition("@")
            return f"{mailbox}@{domain.lower()}"

        return parse

    def mask(self, value: Any) -> Any:
        mailbox, _, domain = str(value).rpartition("@")
        return f"{mailbox[:1]}***@{domain}"


FIELD_TYPES: tuple[type[Field], ...] = (TextField, LongTextField, PhoneField, EmailField)
