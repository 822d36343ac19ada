"""Where a request comes from: the client's address, and whether over https. Only trusted proxies are believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.types import Scope

from engine.errors import AccessDenied
from engine.web.settings import Network

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: The ports that an address leaves out.
USUAL = {"http": ":80", "https": ":443"}


#: A longer name of a device is none.
LONGEST_DEVICE = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """``ip`` is None where the server does not know it (a Unix socket), ``device`` where it does not name itself."""

    ip: str | None
    https: bool
    device: str | None = None


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers by lower case name; of several with one name all, joined by commas."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        # Several cookie headers are one list, by semicolons (RFC 9113, 8.2.3).
        found[name] = found[name] + (b"; " if name == b"cookie" else b", ") + value if name in found else value
    return found


def origin_of(scope: Scope, headers: Mapping[bytes, bytes], trusted: Sequence[Network]) -> Origin:
    """The origin of a request. ``X-Forwarded-For`` is read from its end: what stands before the first address that is
    no trusted proxy, the client may have invented."""
    client = scope.get("client")
    ip = client[0] if client else None
    https = scope["scheme"] == "https"
    device = _device(headers)
    if not trusted or not _is_trusted(ip, trusted):
        return Origin(ip, https, device)
    proto = headers.get(b"x-forwarded-proto", b"").decode("latin-1").rpartition(",")[2].strip()
    https = proto == "https" if proto else https
    for text in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
        address = text.strip()
        try:
            ip_address(address)
        except ValueError:
            break
        ip = address
        if not _is_trusted(address, trusted):
            break
    return Origin(ip, https, device)


def _device(headers: Mapping[bytes, bytes]) -> str | None:
    """What the device calls itself, for risk rules: anybody may say anything here. What is too long is no name."""
    text = headers.get(b"device-id", b"").decode("latin-1").strip()
    return text if 0 < len(text) <= LONGEST_DEVICE and text.isprintable() else None


def _is_trusted(ip: str | None, trusted: Sequence[Network]) -> bool:
    if ip is None:
        return True  # a Unix socket: whoever may write to it is the proxy
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in network for network in trusted)


def refuse_cross_site(method: str, headers: Mapping[bytes, bytes]) -> None:
    """Raises AccessDenied for a request that another site has made a browser send.

    Browsers say where an unsafe request comes from: ``Sec-Fetch-Site``, or at least ``Origin``. What says neither and
    brings no cookie is no browser with somebody's session, so there is nothing to misuse.
    """
    if method in SAFE:
        return
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        same = site == b"same-origin"
    elif b"origin" in headers:
        same = _is_host(headers[b"origin"].decode("latin-1"), headers.get(b"host", b"").decode("latin-1"))
    else:
        same = b"cookie" not in headers
    if not same:
        raise AccessDenied("this request comes from another site", code="CROSS_SITE")


def _is_host(origin: str, host: str) -> bool:
    """Whether the origin (``https://host:port``) is this host."""
    scheme, separator, place = origin.partition("://")
    usual = USUAL.get(scheme, "")
    return bool(separator and place and usual) and place.removesuffix(usual) == host.removesuffix(usual)
