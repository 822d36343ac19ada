"""Reads definition files into located documents. What is wrong with a file is a problem, and the other files go on."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Span
from engine.source.cache import Cache, NoCache
from engine.source.compose import Composer, Refused, Root
from engine.source.document import Document
from engine.source.problems import Problems
from engine.source.scalars import kind_of
from engine.source.text import SourceText

SUFFIXES = frozenset({".yaml", ".yml"})
#: More is no definition but data, which has other ways in.
LARGEST_FILE = 4 * 1024 * 1024
#: A line that no editor shows, and no person has written.
LONGEST_LINE = 20_000
#: What YAML does not allow, and the line breaks of Unicode that YAML and editors count differently.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read: all sound documents in the order of files, and the text of each file for showing problems."""

    documents: tuple[Document, ...]
    texts: Mapping[str, SourceText]


def read_text(text: str, file: str, problems: Problems) -> list[Document]:
    """The sound documents of a text. ``file`` is what problems call it."""
    source = SourceText(file, text.removeprefix("\ufeff"))
    return list(_documents(source, problems)) if _legible(source, problems) else []


def read_documents(source: SourceText, problems: Problems, cache: Cache | None = None) -> list[Document]:
    """The sound documents of a text that has been read from a file."""
    store = cache or NoCache()
    documents = store.get(source)
    if documents is None:
        before = len(problems)
        documents = list(_documents(source, problems)) if _legible(source, problems) else []
        if len(problems) == before:
            store.put(source, documents)
    return documents


def read_texts(root: Path, folders: Iterable[str], problems: Problems) -> dict[str, SourceText]:
    """The texts of all YAML files below the folders of the root, in the order of names, by their paths from the root.

    Hidden files do not count, a missing folder is no problem, and a file that cannot be read has an empty text.
    """
    root = root.resolve()
    texts: dict[str, SourceText] = {}
    for folder in folders:
        for path in _files(root / folder, root, problems, set()):
            name = path.relative_to(root).as_posix()
            texts[name] = SourceText(name, _text_of(path, root, name, problems) or "")
    return texts


def read_folder(root: Path, folders: Iterable[str], problems: Problems, cache: Cache | None = None) -> Sources:
    """The sound documents of all YAML files below the folders of the root, and their texts."""
    texts = read_texts(root, folders, problems)
    documents = [found for source in texts.values() for found in read_documents(source, problems, cache)]
    return Sources(tuple(documents), texts)


def _files(folder: Path, root: Path, problems: Problems, seen: set[Path]) -> Iterator[Path]:
    """The YAML files below a folder. A folder that links lead to twice is entered once."""
    if not folder.is_dir() or not _inside(folder, root, problems):
        return
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        _unreadable(folder.relative_to(root).as_posix(), f"the folder cannot be read: {error.strerror}", problems)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(entry, root, problems, seen)
        elif entry.suffix in SUFFIXES and _inside(entry, root, problems):
            yield entry


def _inside(path: Path, root: Path, problems: Problems) -> bool:
    if not path.is_symlink() or path.resolve().is_relative_to(root):
        return True
    _unreadable(path.relative_to(root).as_posix(), "this link leads out of the application's folder", problems)
    return False


def _text_of(path: Path, root: Path, name: str, problems: Problems) -> str | None:
    """The text of the file without its byte order mark, or None and a problem."""
    if not _inside(path, root, problems):
        return None
    try:
        # A pipe would keep the reader waiting for ever.
        if path.exists() and not path.is_file():
            _unreadable(name, "this is no regular file", problems)
            return None
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        _unreadable(name, f"the file cannot be read: {error.strerror}", problems)
        return None
    if len(raw) > LARGEST_FILE:
        _unreadable(name, f"the file is larger than {LARGEST_FILE // 1024 // 1024} MB", problems)
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        sound = SourceText(name, raw.removeprefix(BOM_UTF8)[: error.start].decode("utf-8", "replace"))
        at = len(sound.text)
        problems.report("E100", "the file is not UTF-8", sound.span(at, at), "save it as UTF-8")
        return None


def _unreadable(name: str, message: str, problems: Problems) -> None:
    problems.report("E100", message, Span(name, 1, 1, 1, 1))


def _legible(source: SourceText, problems: Problems) -> bool:
    """Whether lines and characters are such that a parser may be let at them."""
    text = source.text
    if len(text) > LONGEST_LINE:
        at = 0
        for line in text.splitlines(keepends=True):
            if len(line) > LONGEST_LINE:
                span = source.span(at, at)
                problems.report("E100", f"the line is longer than {LONGEST_LINE:,} characters", span)
                return False
            at += len(line)
    found = FORBIDDEN.search(text)
    if found:
        span = source.span(found.start(), found.end())
        message = f"the invisible character U+{ord(found[0]):04X} is not allowed"
        problems.report("E101", message, span, 'delete it, or write it as an escape in "double quotes"')
        return False
    return True


def _documents(source: SourceText, problems: Problems) -> Iterator[Document]:
    try:
        for root in Composer(source, problems).documents():
            document = _document(source, root, problems)
            if document is not None:
                yield document
    except Refused:
        return


def _document(source: SourceText, root: Root, problems: Problems) -> Document | None:
    """The document; None for an empty one, and for one that says not what it is or has a problem."""
    data, mark = root.data, root.mark
    if not root.sound or data is None:
        return None
    if not isinstance(data, dict) or not data:
        problems.report(
            "E106",
            f"a document must be a map whose first key says what it is; this is {kind_of(data)}",
            source.span(mark[0], mark[0] + 1),
        )
        return None
    kind, name = next(iter(data.items()))
    key_start, key_end, place = mark[2][kind]
    if isinstance(name, dict | list) or name in (None, ""):
        problems.report(
            "E106",
            f"the first key says what the document is, and its value is the name; this is {kind_of(name)}",
            source.span(key_start, key_end),
            f"write '{kind}: some_name'",
        )
        return None
    return Document(source, kind, name if isinstance(name, str) else source.text[place[0] : place[1]], data, mark)
