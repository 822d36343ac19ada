"""What a plain scalar means: the JSON scalars of YAML 1.2, spelled in lower case, and nothing else.

``no``, ``on``, ``12:30``, ``017``, ``1_000``, ``0x1F`` and ``2026-11-20`` are text.
"""

from __future__ import annotations

import re
from decimal import Decimal

Scalar = str | int | Decimal | bool | None

WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "true": True, "false": False}
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
#: A number of more characters is text: nobody writes one, and Python refuses to convert some.
LONGEST_NUMBER = 100
#: With one of these a number begins. Most scalars are text, and known as such by one look.
NUMBER_STARTS = frozenset("0123456789+-.")


def plain_value(text: str) -> Scalar:
    """What a plain scalar of that text stands for."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_STARTS or len(text) > LONGEST_NUMBER:
        return text
    if INTEGER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return Decimal(text)
    return text


def source_form(value: Scalar) -> str:
    """How an expression spells the scalar: text as it stands, ``true``, ``null``, ``0.08``."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def kind_of(value: object) -> str:
    """What a person would call the value: ``a text``, ``a list`` …"""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a yes or no (true, false)"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, Decimal):
        return "a decimal number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "a map"
