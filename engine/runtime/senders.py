"""Whether a message comes from whom it says it comes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from engine.catalog.kinds.channel import Channel


def may_send(channel: Channel, headers: Mapping[str, str], body: bytes, secret: Any) -> bool | None:
    """Whether the sender has proved who it is; None when the channel asks for no proof of its own (then a token
    counts).

    ``secret`` looks a secret up by its name. Comparisons take the same time wherever they differ.
    """
    auth = channel.intake.auth
    if auth is None:
        return None
    if auth.hmac_sha256 is not None:
        expected = hmac.new(secret(auth.hmac_sha256.secret).encode(), body, hashlib.sha256).hexdigest()
        given = headers.get("x-signature", "").removeprefix("sha256=").lower()
        return hmac.compare_digest(given.encode(), expected.encode())
    if auth.bearer is not None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), str(secret(auth.bearer.secret)).encode())
    return None
