"""An answer as it is made inside a transaction: bytes and headers, so that it can be kept beside what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from engine.web.output import to_json


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent; JSON unless it is empty."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """The reply that carries a value."""
        return cls(to_json(value), status, headers or {})

    @classmethod
    def of_record(cls, shown: Mapping[str, Any], status: int = 200, *, location: str | None = None) -> Reply:
        """The reply that carries a record; its version is the ETag that ``If-Match`` takes."""
        headers = {"ETag": f'"{shown["version"]}"'}
        if location is not None:
            headers["Location"] = location
        return cls(to_json(shown), status, headers)

    def response(self) -> Response:
        """The same as Starlette sends it."""
        return Response(
            self.body, self.status, dict(self.headers), media_type="application/json" if self.body else None
        )
