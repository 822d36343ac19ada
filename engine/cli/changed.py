"""Changed files beside the definitions in force: what is tried on the past before anybody applies it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time
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


def in_force(engine: Engine, tx: Transaction) -> Catalog:
    """The definitions in force. EngineError where there are none."""
    newest = engine.snapshots.newest(tx)
    if newest is None:
        raise EngineError("nothing is in force in this database, so that it has no past")
    return engine.catalog_at(tx, newest)


def laid_over(
    present: Catalog, files: Mapping[str, str], kinds: Collection[str] | None = None
) -> tuple[Catalog, list[tuple[str, str]]]:
    """The definitions in force with the documents of some files (texts by name) in place of those of the same kinds and
    names, and those kinds and names. With ``kinds`` documents of others are passed over. Raises DefinitionError."""
    problems = Problems()
    mine: list[Document] = []
    texts = {path: SourceText(path, source) for path, source in present.sources.items()}
    for file, text in files.items():
        found = read_text(text, file, problems)
        mine += [document for document in found if kinds is None or document.kind in kinds]
        texts[file] = SourceText(file, text)
    problems.raise_errors()
    replaced = dict.fromkeys((str(document.kind), str(document.name)) for document in mine)
    documents = [
        document
        for path, source in present.sources.items()
        for document in read_text(source, path, problems)
        if (document.kind, document.name) not in replaced
    ]
    return build(Sources((*documents, *mine), texts), problems=problems), list(replaced)


def moment(day: str | None, zone: ZoneInfo, at: time) -> datetime | None:
    """The moment of a day that somebody has typed; None where nobody has."""
    if day is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), at, zone)
    except ValueError:
        raise click.UsageError(f"{day} is no day: write it as 2026-01-31") from None
