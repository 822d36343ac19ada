"""A located document: plain data, and the place of every key and value in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from engine.errors import Span
from engine.source.characters import places_of
from engine.source.text import SourceText

#: Keys and list positions that lead from the root of a document to a value.
Path: TypeAlias = tuple[str | int, ...]

#: The place of a value: ``(start, end)`` for a scalar, ``(start, end, [mark, …])`` for a list and
#: ``(start, end, {key: (key start, key end, mark)})`` for a map. The numbers are positions of characters in the text.
#: Read by position only, since a cache gives lists where the reader gives tuples.
Mark: TypeAlias = Any


class Document:
    """One YAML document, not trusted yet.

    ``kind`` is its first key, ``name`` that key's value. ``data`` (maps, lists, text, int, Decimal, bool, None; keys
    are always text) holds that first key too. Nobody changes any of it.
    """

    __slots__ = ("data", "kind", "marks", "name", "source")

    def __init__(self, source: SourceText, kind: str, name: str, data: dict[str, Any], marks: Mark) -> None:
        self.source = source
        self.kind = kind
        self.name = name
        self.data = data
        self.marks = marks

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} in {self.file}>"

    @property
    def file(self) -> str:
        """The file it stands in."""
        return self.source.file

    @property
    def first_key_span(self) -> Span:
        """The place of the key that says what the document is."""
        return self.key_span((self.kind,))

    def value(self, path: Path) -> Any:
        """The data at that path. KeyError or IndexError when nothing stands there."""
        value: Any = self.data
        for step in path:
            value = value[step]
        return value

    def span(self, path: Path = ()) -> Span:
        """The place of the value at that path; of what stands around it when nothing does (a default, a shorthand)."""
        mark, _, _ = self._find(path)
        return self.source.span(mark[0], self._end(mark))

    def key_span(self, path: Path) -> Span:
        """The place of the key at that path; of the first key inside for a list item and the whole, which have none."""
        mark, key, whole = self._find(path)
        if whole and key is not None:
            return self.source.span(key[0], key[1])
        if len(mark) > 2 and isinstance(mark[2], dict) and mark[2]:
            first = next(iter(mark[2].values()))
            return self.source.span(first[0], first[1])
        return self.source.span(mark[0], self._end(mark))

    def within(self, path: Path, start: int, end: int) -> Span:
        """The place of the characters start to end of the text value at that path.

        Exact for every style of YAML scalar. The whole value when nothing of that kind stands at the path.
        """
        return self.all_within(path, [(start, end)])[0]

    def all_within(self, path: Path, ranges: Sequence[tuple[int, int]]) -> list[Span]:
        """The places of several parts of the text value at that path, which is looked through once."""
        mark, _, whole = self._find(path)
        if not whole or len(mark) > 2:
            return [self.span(path)] * len(ranges)
        places = places_of(self.source.text, mark[0], mark[1], _scalar_text(self.value(path)))
        if places is None:
            return [self.span(path)] * len(ranges)
        return [self._part(places, start, end) for start, end in ranges]

    def _part(self, places: Sequence[int], start: int, end: int) -> Span:
        last = len(places) - 1
        first = places[min(max(start, 0), last)]
        if end <= start:
            return self.source.span(first, first)
        # The last character ends where it does in the file, which is not always where the next one begins.
        return self.source.span(first, max(first + 1, places[min(end, last) - 1] + 1))

    def _find(self, path: Path) -> tuple[Mark, tuple[int, int] | None, bool]:
        """The mark of the deepest value along the path, the place of its key, and whether that is the whole path."""
        mark, key = self.marks, None
        for step in path:
            children = mark[2] if len(mark) > 2 else None
            if isinstance(children, dict) and step in children:
                entry = children[step]
                mark, key = entry[2], (entry[0], entry[1])
            elif isinstance(children, list) and isinstance(step, int) and 0 <= step < len(children):
                mark, key = children[step], None
            else:
                return mark, None, False
        return mark, key, True

    def _end(self, mark: Mark) -> int:
        """The end of a value, without the blank lines and comments that YAML counts to a block."""
        text = self.source.text
        if len(mark) == 2:
            end: int = mark[1]
            while end > mark[0] and text[end - 1] in " \t\r\n":
                end -= 1
            return end
        children = mark[2]
        if not children or text[mark[1] - 1 : mark[1]] in ("}", "]"):
            return int(mark[1])
        if isinstance(children, dict):
            _, key_end, last = list(children.values())[-1]
            return max(int(key_end), self._end(last))
        return self._end(children[-1])


def _scalar_text(value: Any) -> str | None:
    """The text that an expression has where this scalar stands, None for what is no text."""
    return value if isinstance(value, str) else None
