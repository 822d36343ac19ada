"""The body of a request: read within limits, and JSON that is exactly what was sent.

Numbers with a point become ``Decimal`` straight from their text. Refused: NaN and infinity, a name twice in one object,
halves of surrogate pairs, nesting beyond reason: what one reader takes for one thing and the next for another.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
from starlette.requests import Request

from engine.errors import BadRequest, TooLarge

#: Bytes of an ordinary request, and of one that brings a file.
LARGEST_BODY = 2 * 1024 * 1024
LARGEST_FILE = 64 * 1024 * 1024
DEEPEST = 64

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """The bytes. TooLarge as soon as they are too many, also when no length was announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > largest:
        raise TooLarge(f"the body has {announced} bytes, and {largest} are the most")
    parts: list[bytes] = []
    size = 0
    stream: AsyncIterator[bytes] = request.stream()
    async for part in stream:
        size += len(part)
        if size > largest:
            raise TooLarge(f"the body has more than {largest} bytes")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def parse_json(body: bytes) -> Any:
    """The value of the JSON text. Raises BadRequest that says what is wrong with it."""
    if not body.strip():
        raise BadRequest("the body is empty, and JSON is expected", code="NOT_JSON")
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is not JSON: {error}", code="NOT_JSON") from None
    except RecursionError:
        raise BadRequest(f"the body nests deeper than {DEEPEST}", code="TOO_DEEP") from None
    if _names(value, DEEPEST) != body.count(b'":'):
        _refuse_twice(body)
    return value


def _names(value: Any, deeper: int) -> int:
    """How many names all objects of the value have together."""
    if deeper < 0:
        raise BadRequest(f"the body nests deeper than {DEEPEST}", code="TOO_DEEP")
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            if type(item) is dict or type(item) is list:
                count += _names(item, deeper - 1)
        return count
    if type(value) is list:
        count = 0
        for item in value:
            if type(item) is dict or type(item) is list:
                count += _names(item, deeper - 1)
        return count
    return 0


def _refuse_twice(body: bytes) -> None:
    """Reads again, name by name. The counts differ for good reasons too: a blank before a colon, a text with ``":``."""
    json.loads(body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(f"the name {name[:100]!r} stands twice in one object", code="NAME_TWICE")
        found[name] = value
    return found
