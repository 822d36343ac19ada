"""The headers that every answer carries: what a browser may do with it."""

from __future__ import annotations

Header = tuple[bytes, bytes]

#: Everything comes from us, as files: no inline script or style, no frames, no other sites.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)

#: For a year the browser does not try http any more. Said over https only: elsewhere browsers ignore it.
HTTPS_HEADERS: tuple[Header, ...] = (*HEADERS, (b"strict-transport-security", b"max-age=31536000"))

#: What the API says is for the one who asked, now.
NOT_STORED: Header = (b"cache-control", b"no-store")
