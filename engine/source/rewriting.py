"""Changes one text inside a file and leaves all else as it stands: comments, blank lines, other documents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.source.document import Document, Path

#: The header of a block scalar, up to the end of its line.
_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\r\n]*)?(\r\n|\r|\n)")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The new text of the file. The block's first line is number ``line`` of it, from 1, indented by ``indent``."""

    text: str
    line: int
    indent: int


def with_block(document: Document, path: Path, text: str) -> Rewritten | None:
    """The file with another text in the block scalar (``|``) at that path; None when there stands no block scalar."""
    source = document.source.text
    mark = document.marks
    for step in path:
        children = mark[2]
        mark = children[step][2] if isinstance(children, dict) else children[step]
    start, end = mark[0], mark[1]
    header = _HEADER.match(source, start)
    if header is None:
        return None
    while end > header.end() and source[end - 1] in " \t\r\n":
        end -= 1
    ending = header[1]
    first = next((line for line in re.split(r"\r\n|\r|\n", source[header.end() : end]) if line.strip()), "")
    indent = len(first) - len(first.lstrip(" ")) or 2
    lines = [" " * indent + line if line else "" for line in text.splitlines()]
    made = source[:start] + "|" + ending + ending.join(lines) + source[end:]
    return Rewritten(made, document.source.position(start)[0] + 1, indent)
