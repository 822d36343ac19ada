"""The text of one file, and where its characters stand."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from engine.errors import Span

#: What ends a line for YAML and for editors alike. The reader refuses the other line breaks of Unicode.
LINE_BREAK = re.compile(r"\r\n|\r|\n")


class SourceText:
    """A file's name, relative to the root and with forward slashes, and its text without a byte order mark."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]

    def position(self, index: int) -> tuple[int, int]:
        """The line and column, both from 1, of the character at that index."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The place of the characters from start to end, the end exclusive."""
        return Span(self.file, *self.position(start), *self.position(max(start, end)))

    def line(self, number: int) -> str:
        """The text of a line, without its end; empty when there is no such line."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")
