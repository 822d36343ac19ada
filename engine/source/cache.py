"""Documents that were read before, by the hash of their text: what makes the second check of a large application fast.

The cache is one file, written as a whole and renamed into place. Each line stands for one text: its hash, the hash of
what follows, and the documents as JSON. A line that is not exactly that is as good as absent, so the file may be cut,
edited or written by another version without harm.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from engine.source.document import Document
from engine.source.text import SourceText

#: Changes whenever the reader gives other documents for the same text, or the lines have another form.
FORMAT = "documents 1"


class Cache(Protocol):
    """Where read documents may be found."""

    def get(self, source: SourceText) -> list[Document] | None:
        """The documents of the text, or None when it was never read."""
        ...

    def put(self, source: SourceText, documents: Sequence[Document]) -> None:
        """Keeps the documents of a text that has no problem."""
        ...


class NoCache:
    """Keeps nothing."""

    def get(self, source: SourceText) -> list[Document] | None:
        return None

    def put(self, source: SourceText, documents: Sequence[Document]) -> None:
        pass


class FileCache:
    """A cache in one file. ``save`` writes it, with what was asked for or put since it was opened and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = _read_lines(path)
        self._used: dict[str, str] = {}

    def get(self, source: SourceText) -> list[Document] | None:
        key = _hash(source.text)
        line = self._used.get(key) or self._old.get(key)
        if line is None:
            return None
        checksum, _, body = line.partition(" ")
        if checksum != _hash(body):
            return None
        self._used[key] = line
        return [_restored(source, *entry) for entry in json.loads(body)]

    def put(self, source: SourceText, documents: Sequence[Document]) -> None:
        body = json.dumps([_entry(document) for document in documents], ensure_ascii=False, default=str)
        self._used[_hash(source.text)] = f"{_hash(body)} {body}"

    def save(self) -> None:
        """Writes the file, unless it holds just that already."""
        if self._used == self._old:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(FORMAT + "\n")
                stream.writelines(f"{key} {line}\n" for key, line in self._used.items())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._old = dict(self._used)


def _read_lines(path: Path) -> dict[str, str]:
    """The lines by their key; none when the file is missing, foreign or of another format."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    head, _, rest = text.partition("\n")
    if head != FORMAT:
        return {}
    return {key: line for key, _, line in (entry.partition(" ") for entry in rest.split("\n")) if line}


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _entry(document: Document) -> list[Any]:
    """The document as JSON. Decimals become text there, and are listed with their paths."""
    decimals = [[*path, str(value)] for path, value in _decimals(document.data, ())]
    return [document.kind, document.name, document.data, document.marks, decimals]


def _restored(source: SourceText, kind: str, name: str, data: Any, marks: Any, decimals: list[list[Any]]) -> Document:
    for *path, last, text in decimals:
        holder = data
        for step in path:
            holder = holder[step]
        holder[last] = Decimal(text)
    return Document(source, kind, name, data, marks)


def _decimals(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Decimal]]:
    """Every decimal in the data, with its path."""
    if isinstance(value, Decimal):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _decimals(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _decimals(item, (*path, position))
