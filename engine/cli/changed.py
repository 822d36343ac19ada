"""Changed files beside the definitions in force: what is tried on the past before anybody applies it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from engine.catalog.builder import build
from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.runtime.engine import Engine
from engine.source.document import Document
from engine.source.problems import Problems
from engine.source.reader import Sources, read_text
from engine.source.text import SourceText
from engine.store.transaction import Transaction

#: A document by its kind and its name.
Key = tuple[str, str]
#: Adds to a model that stands elsewhere, as often as somebody likes.
EXTEND = "extend"


def in_force(engine: Engine, tx: Transaction) -> Catalog:
    """The definitions in force. EngineError where there are none."""
    newest = engine.snapshots.newest(tx)
    if newest is None:
        raise EngineError("nothing is in force in this database, so that it has no past")
    return engine.catalog_at(tx, newest)


def laid_over(
    present: Catalog, files: Mapping[str, str], kinds: Collection[str] | None = None
) -> tuple[Catalog, list[Key]]:
    """The definitions in force with some files (texts by name) laid over them, and the kinds and names of what is in
    these.

    A file that is one of theirs takes its place as a whole. Of any other the documents take the place of those of the
    same kinds and names; of what may be said of one name many times (`extend`), those that stand beside such a one.
    With ``kinds`` documents of others are passed over, and the rest of their files stays. Raises DefinitionError."""
    problems = Problems()
    standing = {path: _by_name(read_text(source, path, problems)) for path, source in present.sources.items()}
    whole = frozenset(files if kinds is None else ()) & standing.keys()
    texts = {path: SourceText(path, source) for path, source in present.sources.items()}
    mine: list[tuple[Key, Document]] = []
    replaced: set[Key] = set()
    for file, text in files.items():
        found = [each for each in _by_name(read_text(text, file, problems)) if kinds is None or each[0][0] in kinds]
        mine += found
        # What the file has held before may be said elsewhere, too, such as of other days.
        replaced |= {key for key, _ in found} - {key for key, _ in (standing[file] if file in whole else ())}
        texts[file] = SourceText(file, text)
    problems.raise_errors()
    differing = dict.fromkeys([*(key for key, _ in mine), *(key for file in whole for key, _ in standing[file])])
    documents: list[Document] = []
    for path, theirs in standing.items():
        if path not in whole:
            beside = any(key in replaced for key, _ in theirs if key[0] != EXTEND)
            documents += [each for key, each in theirs if key not in replaced or (key[0] == EXTEND and not beside)]
    documents += [document for _, document in mine]
    return build(Sources(tuple(documents), texts), problems=problems), list(differing)


def _by_name(documents: Iterable[Document]) -> list[tuple[Key, Document]]:
    return [((str(document.kind), str(document.name)), document) for document in documents]


def text_of(file: Path) -> str:
    """The text of a file that somebody has named. EngineError where it is none."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EngineError(f"{file.name} is not UTF-8: save it as UTF-8") from None


def name_of(file: Path, root: Path) -> str:
    """What a file is called: from the application's folder on where it lies there, as the definitions call theirs."""
    whole = file.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(file)


def moment(day: str | None, zone: ZoneInfo, at: time) -> datetime | None:
    """The moment of a day that somebody has typed; None where nobody has."""
    if day is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), at, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.UsageError(f"{day} is no day: write it as 2026-01-31") from None
