"""What goes out: JSON with decimals as text, moments in UTC with a Z, nothing rounded; and files to keep."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import Response

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(value: Any) -> bytes:
    """The bytes of a value."""
    return orjson.dumps(value, default=_other, option=_OPTIONS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(to_json(value), status, media_type="application/json", headers=headers)


def file_answer(name: str, media_type: str, content: bytes) -> Response:
    """A file to keep: browsers store it under its name, and never show it as a page of ours."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
