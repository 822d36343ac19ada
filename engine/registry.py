"""A table of named parts (kinds, field types, functions, steps): refuses a second of one name, suggests the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Generic, TypeVar

T = TypeVar("T")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, or None when none is close."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint for a problem (``did you mean 'type'?``), or None when nothing is close."""
    close = nearest(word, known)
    return f"did you mean '{close}'?" if close else None


class Registry(Mapping[str, T], Generic[T]):
    """An immutable mapping of names to parts, made from (name, part) pairs. A name that stands
    twice is a ValueError."""

    def __init__(self, what: str, entries: Iterable[tuple[str, T]]) -> None:
        self.what = what
        self._entries: dict[str, T] = {}
        for name, entry in entries:
            if name in self._entries:
                raise ValueError(f"two entries named {name!r} among the {what}")
            self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def suggest(self, name: str) -> str | None:
        """A hint for an unknown name, or None."""
        return did_you_mean(name, self._entries)
