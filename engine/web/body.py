"""The body of a request: read within limits, and JSON that is exactly what was sent.

Numbers with a point become ``Decimal`` straight from their text. Refused: NaN and infinity, a name twice in one object,
halves of surrogate pairs, nesting beyond reason: what one reader takes for one thing and the next for another.
"""

from __future__ import annotations

import json
import re
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

_BLANK_BEFORE_COLON = re.compile(rb'"[ \t\r\n]+:')
_CONTAINERS = frozenset({dict, list})
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
#: A number with more digits in front of the point than any value has: written out it would fill the memory.
LARGEST_EXPONENT = 1_000


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not -LARGEST_EXPONENT < value.adjusted() < LARGEST_EXPONENT:
        raise ArithmeticError
    return value


_decode = msgspec.json.Decoder(float_hook=_number).decode


async def read_body(request: Request, largest: int = LARGEST_BODY, announced: str = "") -> bytes:
    """The bytes. TooLarge as soon as they are too many, also when no length was announced (``Content-Length``)."""
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
        # msgspec takes half of a pair for a text that has been cut off.
        what = "half of a surrogate pair, or cut off" if _SURROGATE.search(body) else str(error)
        raise BadRequest(f"the body is not JSON: {what}", code="NOT_JSON") from None
    except RecursionError:
        raise _too_deep() from None
    except (ArithmeticError, ValueError):
        raise BadRequest("the body has a number beyond all measure", code="NOT_JSON") from None
    names = _count_names([value], DEEPEST)
    # Every name is followed by a colon. If there are as many of them, none has stood twice.
    if names != body.count(b'":') or _BLANK_BEFORE_COLON.search(body):
        _refuse_twice(body)
    return value


def _count_names(value: Any, deeper: int) -> int:
    """How many names all objects of the value have together. Refuses what nests too deep."""
    if deeper < 0:
        raise _too_deep()
    count = 0
    if type(value) is dict:
        count = len(value)
        value = value.values()
    if _CONTAINERS.isdisjoint(map(type, value)):
        return count
    for item in value:
        if type(item) in _CONTAINERS:
            count += _count_names(item, deeper - 1)
    return count


def _too_deep() -> BadRequest:
    return BadRequest(f"the body nests deeper than {DEEPEST}", code="TOO_DEEP")


def _refuse_twice(body: bytes) -> None:
    """Reads again, name by name. The counts differ for good reasons too: a blank before a colon, a text with ``":``."""
    json.loads(body, object_pairs_hook=_once, parse_int=str, parse_float=str)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(f"the name {name[:100]!r} stands twice in one object", code="NAME_TWICE")
        found[name] = value
    return found
