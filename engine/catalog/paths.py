"""Paths into raw records: a small part of JSONPath (RFC 9535), enough to say where a value stands and nothing to
compute.

``$`` is the record (or the row), ``$.a.b`` members, ``$['a b']`` or ``$.列名`` any name, ``[0]`` an item. ``[*]`` leads
to all items and stands only in ``each``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Part = str | int | None  # a name, an index, or None for all items

_PART = re.compile(
    r"""\.([^.\[\]'"\s]+)        # .name
      | \['((?:[^'\\]|\\.)*)'\]  # ['any name']
      | \["((?:[^"\\]|\\.)*)"\]  # ["any name"]
      | \[(-?\d+)\]              # [0]
      | (\[\*\])                 # [*]
    """,
    re.VERBOSE,
)


class PathError(ValueError):
    """The text is no path."""


def parse_path(text: str) -> tuple[Part, ...]:
    """The parts of a path. PathError says what is wrong with it."""
    if not text.startswith("$"):
        raise PathError(f"a path starts with $, and this is {text!r}")
    parts: list[Part] = []
    at = 1
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise PathError(f"cannot read {text[at:]!r} in the path {text!r}")
        name, single, double, index, _ = found.groups()
        if index is not None:
            parts.append(int(index))
        elif name is not None:
            parts.append(name)
        elif single is not None or double is not None:
            parts.append(re.sub(r"\\(.)", r"\1", single if single is not None else double))
        else:
            parts.append(None)
        at = found.end()
    return tuple(parts)


def getter(text: str) -> Callable[[Any], Any]:
    """A function from a raw record to the value at the path; None where it leads nowhere. The path has no ``[*]``."""
    parts = parse_path(text)
    if None in parts:
        raise PathError("[*] leads to many values, and one is wanted")
    if not parts:
        return lambda raw: raw
    if len(parts) == 1 and isinstance(parts[0], str):
        name = parts[0]
        return lambda raw: raw.get(name) if isinstance(raw, dict) else None

    def get(raw: Any) -> Any:
        for part in parts:
            raw = _step(raw, part)
            if raw is None:
                return None
        return raw

    return get


def every(text: str) -> Callable[[Any], list[Any]]:
    """A function from a raw record to all values at the path, in their sequence; a single object counts as one."""
    parts = parse_path(text)

    def get(raw: Any) -> list[Any]:
        return list(_each(raw, parts))

    return get


def _each(raw: Any, parts: tuple[Part, ...]) -> Iterator[Any]:
    for at, part in enumerate(parts):
        if part is None:
            items = raw if isinstance(raw, list) else []
            for item in items:
                yield from _each(item, parts[at + 1 :])
            return
        raw = _step(raw, part)
        if raw is None:
            return
    yield raw


def _step(raw: Any, part: Part) -> Any:
    if isinstance(part, str):
        return raw.get(part) if isinstance(raw, dict) else None
    if isinstance(raw, list) and isinstance(part, int) and -len(raw) <= part < len(raw):
        return raw[part]
    return None
