"""Where in a file each character of a scalar's value comes from: what puts the caret inside an expression.

YAML tells only where a scalar begins and ends. What lies between depends on its style: quotes and escapes, folded
lines, indentation. So the text is read a second time here, only when a problem has to be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.source.text import LINE_BREAK

PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
WHITE = re.compile(r"[ \t\r\n]+")
HEADER = re.compile(r"[|>]([0-9+-]*)[^\r\n]*(?:\r\n|\r|\n|$)")
#: The lengths of the escapes that carry a number.
NUMBERED = {"x": 2, "u": 4, "U": 8}
ESCAPED = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


@dataclass(slots=True)
class _Characters:
    """The characters of a value so far, and the position of each in the text."""

    text: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def put(self, character: str, place: int) -> None:
        self.text.append(character)
        self.places.append(place)


def places_of(text: str, start: int, end: int, value: str | None) -> list[int] | None:
    """The position of each character of the scalar that stands from start to end, and one more for its end.

    None when the second reading does not give the value, which means that no position would be right.
    """
    properties = PROPERTIES.match(text, start, end)
    if properties:
        start = properties.end()
    for found in _readings(text, start, end):
        if value is None or "".join(found.text) == value:
            return [*found.places, found.places[-1] + 1 if found.places else start]
    return None


def _readings(text: str, start: int, end: int) -> Iterator[_Characters]:
    style = text[start : start + 1]
    if style in ("|", ">"):
        yield from _block(text, start, end)
    elif style in ("'", '"'):
        yield _flow(text, start + 1, end - 1, style)
    else:
        yield _flow(text, start, end, "")


def _flow(text: str, start: int, end: int, quote: str) -> _Characters:
    """A plain or quoted scalar: one line break folds to a space, each further one is a line break."""
    found = _Characters()
    at = start
    while at < end:
        character = text[at]
        white = WHITE.match(text, at, end)
        if white:
            breaks = [match.start() for match in LINE_BREAK.finditer(text, at, white.end())]
            if not breaks:
                for place in range(at, white.end()):
                    found.put(text[place], place)
            elif len(breaks) == 1:
                found.put(" ", breaks[0])
            else:
                for place in breaks[1:]:
                    found.put("\n", place)
            at = white.end()
        elif quote == "'" and character == "'":
            found.put("'", at)
            at += 2
        elif quote == '"' and character == "\\":
            at = _escape(text, at, end, found)
        else:
            found.put(character, at)
            at += 1
    return found


def _escape(text: str, at: int, end: int, found: _Characters) -> int:
    """Reads one escape; where the text goes on."""
    letter = text[at + 1]
    if letter in NUMBERED:
        last = at + 2 + NUMBERED[letter]
        found.put(chr(int(text[at + 2 : last], 16)), at)
        return last
    if letter in "\r\n":
        # An escaped line break is nothing, and so is the next line's indentation; blank lines after it are breaks.
        last = at + 1
        while last < end and text[last] in " \t\r\n":
            last += 1
        breaks = [match.start() for match in LINE_BREAK.finditer(text, at + 1, last)]
        for place in breaks[1:]:
            found.put("\n", place)
        return last
    found.put(ESCAPED[letter], at)
    return at + 2


def _block(text: str, start: int, end: int) -> Iterator[_Characters]:
    """The readings of a literal or folded scalar, one for each indentation that it could have."""
    header = HEADER.match(text, start, end)
    if header is None:
        return
    lines = list(_lines(text, header.end(), end))
    indents = [len(line) - len(line.lstrip(" ")) for _, line, _ in lines if line.strip(" ")]
    if any(character.isdigit() for character in header[1]):
        # The digit counts from the parent's indentation, which is not known here: the one that fits is it.
        candidates = list(range(max(indents, default=0) + 1))
    else:
        candidates = indents[:1] or [0]
    for indent in candidates:
        yield _block_lines(lines, indent, header[1], folded=text[start] == ">")


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, str, bool]]:
    """The lines from start to end: position, text without its break, whether it has one."""
    at = start
    for found in LINE_BREAK.finditer(text, start, end):
        yield at, text[at : found.start()], True
        at = found.end()
    if at < end:
        yield at, text[at:end], False


def _block_lines(lines: list[tuple[int, str, bool]], indent: int, indicators: str, *, folded: bool) -> _Characters:
    found = _Characters()
    before: int | None = None  # the break that ended the last line with content
    blank: list[int] = []  # the breaks of the empty lines since
    spaced = False  # whether the last line with content began with white space, which keeps its breaks
    for start, line, ended in lines:
        content = line[indent:]
        if not content:
            if ended:
                blank.append(start + len(line))
            continue
        begins_white = content[0] in " \t"
        if folded and before is not None and not spaced and not begins_white:
            if not blank:
                found.put(" ", before)
        elif before is not None:
            found.put("\n", before)
        for place in blank:
            found.put("\n", place)
        for place, character in enumerate(content, start + indent):
            found.put(character, place)
        before, blank, spaced = (start + len(line) if ended else None), [], begins_white
    if "-" not in indicators and before is not None:
        found.put("\n", before)
        if "+" in indicators:
            for place in blank:
                found.put("\n", place)
    elif "+" in indicators:
        for place in blank:
            found.put("\n", place)
    return found
