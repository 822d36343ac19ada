"""What whoever runs the server may say about the web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from engine.errors import EngineError
from engine.web.body import LARGEST_BODY, LARGEST_FILE

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class WebSettings:
    """``trusted_proxies``: whose word about the client's address and about https counts; nobody's unless said so.

    ``cached``: seconds for which it is remembered who a session or token belongs to, and so the longest that a change
    of somebody's roles goes unnoticed.
    """

    trusted_proxies: tuple[Network, ...] = ()
    largest_body: int = LARGEST_BODY
    largest_file: int = LARGEST_FILE
    cached: float = 2.0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> WebSettings:
        """The settings of an environment: ``ORDERLOOM_TRUSTED_PROXIES=10.0.0.0/8,::1``. Raises EngineError."""
        texts = environment.get("ORDERLOOM_TRUSTED_PROXIES", "").replace(",", " ").split()
        try:
            return cls(trusted_proxies=tuple(ip_network(text, strict=False) for text in texts))
        except ValueError as error:
            raise EngineError(f"ORDERLOOM_TRUSTED_PROXIES: {error}") from None
