"""Raw JSON as it arrives and as it is kept."""

from __future__ import annotations

import codecs
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from engine.errors import BadRequest

#: Nesting beyond this is no record, but an attack on whoever reads it.
DEEPEST = 64
LARGEST_INTEGER = 2**63 - 1

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def decode_json(body: bytes) -> Any:
    """The value of a JSON text, decimals exact. ValueError when it is none."""
    try:
        return _DECODER.decode(body.removeprefix(codecs.BOM_UTF8))
    except RecursionError:
        raise ValueError("lists and objects stand too deep in each other") from None
    except ArithmeticError:
        raise ValueError("a number with an exponent beyond all reason") from None


def storable(data: Any) -> tuple[Any, bytes]:
    """A raw record as JSON that every database can keep, and its one text.

    Whole numbers of any size and NUL are legal in what arrives, but not there."""
    try:
        text = orjson.dumps(data, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        data = _tamed(data)
        text = orjson.dumps(data, default=str, option=orjson.OPT_SORT_KEYS)
    if b"\\u0000" in text:
        data = _tamed(data)
    return data, text


def _tamed(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise BadRequest(f"lists and objects stand more than {DEEPEST} deep in each other", code="TOO_DEEP")
    if isinstance(value, dict):
        return {_tamed(name): _tamed(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_tamed(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return str(value) if isinstance(value, int) and abs(value) > LARGEST_INTEGER else value
