"""What one check found, remembered: an application of which no file has changed is not checked again."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import engine
from engine.catalog.builder import FOLDERS, build, fingerprint, without_collector
from engine.catalog.builtins import BUILTINS
from engine.catalog.vocabulary import Vocabulary
from engine.errors import DefinitionError, Problem, Span
from engine.source.cache import FileCache
from engine.source.problems import Problems
from engine.source.reader import Sources, read_documents, read_texts
from engine.source.text import SourceText


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check: the problems in the order of files and lines, and the texts, to show them with."""

    problems: tuple[Problem, ...]
    texts: Mapping[str, SourceText]
    fingerprint: str


def check(app_dir: Path, vocabulary: Vocabulary = BUILTINS, *, cache_dir: Path | None = None) -> Checked:
    """Every problem of all definitions below a folder. With ``cache_dir``, what did not change is not read again.

    Other vocabularies than the engine's own need cache folders of their own.
    """
    problems = Problems()
    texts = read_texts(app_dir, FOLDERS, problems)
    print_ = fingerprint(texts)
    if cache_dir is None or len(problems):
        # What cannot be read has no text to remember it by.
        return _checked(texts, problems, vocabulary, None, print_)
    key = sha256(f"{print_} {_engine_state()}".encode()).hexdigest()
    known = _read(cache_dir / "checked.json", key)
    if known is not None:
        return Checked(known, texts, print_)
    documents = FileCache(cache_dir / "documents.txt")
    checked = _checked(texts, problems, vocabulary, documents, print_)
    documents.save()
    _write(cache_dir / "checked.json", key, checked.problems)
    return checked


def _checked(
    texts: Mapping[str, SourceText], problems: Problems, vocabulary: Vocabulary, cache: FileCache | None, print_: str
) -> Checked:
    with without_collector():
        documents = [found for text in texts.values() for found in read_documents(text, problems, cache)]
    try:
        build(Sources(tuple(documents), texts), vocabulary, problems=problems)
    except DefinitionError as error:
        return Checked(error.problems, texts, print_)
    return Checked(tuple(problems), texts, print_)


def _engine_state() -> str:
    """What changes whenever the engine's own code does, also between two releases."""
    files = Path(engine.__file__).parent.rglob("*.py")
    return str(max(file.stat().st_mtime_ns for file in files))


def _read(path: Path, key: str) -> tuple[Problem, ...] | None:
    """The problems that were found for that key; None when there is no such entry, or the file is not ours."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] != key:
            return None
        return tuple(_problem(entry) for entry in kept["problems"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _problem(entry: Mapping[str, Any]) -> Problem:
    span = entry["span"]
    return Problem(**{**entry, "span": Span(**span) if span is not None else None})


def _write(path: Path, key: str, problems: Iterable[Problem]) -> None:
    """Replaces the entry at once, so that no reader meets half of it."""
    text = json.dumps({"key": key, "problems": [asdict(problem) for problem in problems]}, ensure_ascii=False)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(name).replace(path)
