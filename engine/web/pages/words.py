"""What the pages say, in the reader's language: the words of ``engine/web/text/``, and the complaints of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from engine.errors import Complaint, Label, RequestError
from engine.fields.field import say

LANGUAGES = ("zh", "en")
DEFAULT_LANGUAGE = "en"


@cache
def _texts(file: str) -> Mapping[str, Mapping[str, str]]:
    """The entries of a file of texts: key → language → text."""
    text = (files("engine.web") / "text" / file).read_text("utf-8")
    entries: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return entries


class Words:
    """The texts of the pages in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._pages = _texts("pages.yaml")
        self._codes = _texts("codes.yaml")

    def __call__(self, key: str, **values: Any) -> str:
        """The text of that key with the values put in. An unknown key is a bug, and a KeyError."""
        return self._pages[key][self.language].format(**values)

    def say(self, label: Label | None, fallback: str = "") -> str:
        """A label that an author wrote."""
        return say(label, self.language, fallback)

    def fault(self, code: str, message: Label, values: Mapping[str, Any]) -> str:
        """What went wrong, in words: an author's own message, else what the code means, else the engine's English."""
        if not isinstance(message, str):
            return self.say(message)
        given = {**values, "message": message}
        for key in _variants(code, given):
            entry = self._codes.get(key)
            if entry is not None:
                return entry[self.language].format_map(_Spoken(given, self.language))
        return message

    def complaint(self, complaint: Complaint) -> str:
        """One complaint of a request."""
        return self.fault(complaint.code, complaint.message, complaint.values)

    def problem(self, error: RequestError) -> str:
        """The whole request's fault. A message that is not just its title is more telling than the code's text."""
        if isinstance(error.message, str) and error.message != error.title and error.code not in self._codes:
            return error.message
        return self.fault(error.code, error.message, {})

    def refusal(self, error: RequestError) -> str:
        """Why something was refused: what it complains of, else the fault of the whole."""
        return self.listing([self.complaint(complaint) for complaint in error.complaints]) or self.problem(error)

    def listing(self, parts: Sequence[str]) -> str:
        """The parts as one enumeration."""
        return ("、" if self.language == "zh" else ", ").join(parts)


def _variants(code: str, values: Mapping[str, Any]) -> Iterator[str]:
    """The entries to try, the most telling first."""
    for word in (values.get("bound"), values.get("expected"), *values):
        if isinstance(word, str):
            yield f"{code}.{word}"
    yield code


class _Spoken(dict[str, Any]):
    """The values of a complaint as a text takes them; a value that the complaint does not carry stays its name."""

    def __init__(self, values: Mapping[str, Any], language: str) -> None:
        super().__init__(values)
        self._language = language

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, list | tuple):
            return ("、" if self._language == "zh" else ", ").join(map(str, value))
        return f"{value:f}" if isinstance(value, Decimal) else value


def negotiate(accepted: str, offered: Sequence[str] = LANGUAGES) -> str:
    """The first offered language that an ``Accept-Language`` header names, in its sequence; else English."""
    for part in accepted.split(","):
        tag = part.split(";")[0].strip().lower()
        for language in offered:
            if tag == language or tag.startswith(f"{language}-"):
                return language
    return DEFAULT_LANGUAGE if DEFAULT_LANGUAGE in offered else offered[0]
