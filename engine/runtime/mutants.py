"""Definitions with one thing wrong in them: tests that still pass with such a mutant do not test that thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from engine.catalog.builder import build
from engine.catalog.catalog import Catalog
from engine.catalog.kinds.example import Test
from engine.errors import DefinitionError, Span
from engine.runtime.scratch import Scratch
from engine.runtime.testing import TestRunner
from engine.source.document import Document
from engine.source.document import Path as Place
from engine.source.reader import Sources
from engine.store.store import Store
from engine.tables.grid import Line, read_grid

#: Keys whose value is a yes or no: turning it round must be noticed.
CONDITIONS = frozenset({"if", "only", "partial", "require", "when", "where"})
#: Maps of rules: leaving one out must be noticed. By the kind of document and the key.
RULES = frozenset(
    {
        ("checks", "rules"),
        ("model", "checks"),
        ("extend", "checks"),
        ("channel", "accept"),
        ("risk", "rules"),
        ("pricing", "lists"),
        ("pricing", "adjust"),
        ("pricing", "set"),
        ("routing", "candidates"),
        ("routing", "rules"),
        ("routing", "rank"),
    }
)
#: Kinds that change what the application does, not only what people see.
KINDS = frozenset({"action", "channel", "checks", "extend", "model", "pricing", "risk", "routing", "workflow"})
#: The kind whose rules are lines of a text, and the key of that text.
TABLE, ROWS = "table", "rows"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong definition: what was done to it, where, and the document that came of it."""

    what: str
    span: Span
    original: Document
    document: Document

    def __str__(self) -> str:
        return f"{self.span}: {self.what}"


def mutants(documents: Sequence[Document]) -> Iterator[Mutant]:
    """Every mutant of the documents, one document after the other."""
    for document in documents:
        if document.kind in KINDS:
            for place, value in _values(document.data, ()):
                if place[-1] in CONDITIONS and isinstance(value, str):
                    yield _changed(document, place, f"not ({value})", f"`{place[-1]}` turned round")
            for key in (key for kind, key in RULES if kind == document.kind and key in document.data):
                for name in document.data[key]:
                    yield _without(document, (key, name), f"the rule `{name}` left out")
        elif document.kind == TABLE:
            yield from _of_rows(document)


def survivors(
    sources: Sources,
    scratch: Scratch,
    root: Path,
    tests: Sequence[Test],
    *,
    seen: Callable[[Mutant, bool], None] | None = None,
) -> Iterator[Mutant]:
    """The mutants with which all tests pass. ``seen`` is told of each mutant and whether a test has noticed it."""
    for mutant in mutants(sources.documents):
        catalog = _catalog_with(sources, mutant)
        noticed = catalog is None or _noticed(catalog, scratch, root, tests)
        if seen is not None:
            seen(mutant, noticed)
        if not noticed:
            yield mutant


def _catalog_with(sources: Sources, mutant: Mutant) -> Catalog | None:
    """The catalogue with the mutant in it; None where it is refused, which is a way of being noticed."""
    documents = tuple(mutant.document if each is mutant.original else each for each in sources.documents)
    try:
        return build(replace(sources, documents=documents))
    except DefinitionError:
        return None


def _noticed(catalog: Catalog, scratch: Scratch, root: Path, tests: Sequence[Test]) -> bool:
    """Whether a test fails. A mutant changes no table, so the scratch database stays as it is."""
    runner = TestRunner(Scratch(Store(catalog, scratch.database)), root)
    return any(not result.passed for result in runner.run([catalog.tests[test.test] for test in tests]))


def _values(data: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """Every value below, with its place."""
    items: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(data, dict):
        items = iter(data.items())
    elif isinstance(data, list):
        items = iter(enumerate(data))
    for key, value in items:
        yield (*place, key), value
        yield from _values(value, (*place, key))


def _changed(document: Document, place: Place, value: Any, what: str) -> Mutant:
    data, holder = _copy(document, place)
    holder[place[-1]] = value
    return _mutant(document, data, place, what)


def _without(document: Document, place: Place, what: str) -> Mutant:
    data, holder = _copy(document, place)
    del holder[place[-1]]
    return _mutant(document, data, place, what)


def _copy(document: Document, place: Place) -> tuple[dict[str, Any], Any]:
    """A copy of the document's data, and in it what holds the value at the place."""
    data = deepcopy(document.data)
    holder: Any = data
    for step in place[:-1]:
        holder = holder[step]
    return data, holder


def _of_rows(document: Document) -> Iterator[Mutant]:
    """Each row of a table left out, and each deciding as the next row does that decides otherwise."""
    text: str = document.data[ROWS]
    rows = read_grid(text).rows
    for at, row in enumerate(rows):
        span = document.within((ROWS,), row.start, row.end)
        yield _with_rows(document, text[: row.start] + text[row.end :], span, "the row left out")
        others = (other for other in (*rows[at + 1 :], *rows[:at]) if _outputs(other) != _outputs(row))
        for other in islice(others, 1):
            start, end = row.outputs[0].start, row.outputs[-1].end
            decided = text[other.outputs[0].start : other.outputs[-1].end]
            line = document.within((ROWS,), other.start, other.end).line
            what = f"the row decides as that of line {line} does"
            yield _with_rows(document, text[:start] + decided + text[end:], span, what)


def _outputs(row: Line) -> tuple[str, ...]:
    return tuple(cell.text for cell in row.outputs)


def _with_rows(document: Document, rows: str, span: Span, what: str) -> Mutant:
    return replace(_mutant(document, {**document.data, ROWS: rows}, (ROWS,), what), span=span)


def _mutant(document: Document, data: dict[str, Any], place: Place, what: str) -> Mutant:
    changed = Document(document.source, document.kind, document.name, data, document.marks)
    return Mutant(what, document.span(place), document, changed)
