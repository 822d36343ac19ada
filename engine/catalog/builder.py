"""Builds the catalogue. One run reports every problem of every file; a document stops at its first failing phase, the
others go on, and what refers to it is not blamed.

1. *read*: text to located data (``engine.source``)
2. *shape*: each document to its kind; unknown keys and wrong types end here
3. *names*: no two objects of one name
4. *merge*: patches over workflows, extensions into models: from here on every field and state is known
5. *link*: names to objects, expressions to what they read
6. *cross checks*: what only shows when all is linked, such as computed fields that need each other
"""

from __future__ import annotations

import gc
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import engine
from engine.catalog.builtins import BUILTINS
from engine.catalog.catalog import Catalog
from engine.catalog.checks import check_computations, check_present
from engine.catalog.computations import Dependencies
from engine.catalog.kinds.heatmap import FINDING
from engine.catalog.kinds.listed import LIST_ENTRY, ListOfValues
from engine.catalog.kinds.model import back_links
from engine.catalog.kinds.proposing import proposers
from engine.catalog.kinds.risk import Risk, with_links
from engine.catalog.kinds.table import Table
from engine.catalog.kinds.table_versions import Versions, check_versions, versions
from engine.catalog.kinds.workflow import Workflow
from engine.catalog.linker import CatalogLinker
from engine.catalog.parsing import Parsed, Parser
from engine.catalog.private import inherit_privacy
from engine.catalog.shapes import BackLink, Shapes, Unread
from engine.catalog.vocabulary import Vocabulary
from engine.errors import DefinitionError, Label
from engine.fields.choice import ChoiceField
from engine.fields.field import Field
from engine.source.cache import Cache
from engine.source.document import Document
from engine.source.problems import Problems
from engine.source.reader import Sources, read_folder, read_text
from engine.source.text import SourceText

#: Where an application keeps its definitions, below its folder.
FOLDERS = ("definitions", "forms", "workflows", "rules", "connectors")
#: The document whose fields are the columns of every record.
RECORD = "record"


def load(app_dir: Path, vocabulary: Vocabulary = BUILTINS, *, cache: Cache | None = None) -> Catalog:
    """The catalogue of the application in a folder. Raises DefinitionError with every problem of all its files."""
    problems = Problems()
    with without_collector():
        sources = read_folder(app_dir, FOLDERS, problems, cache)
    return build(sources, vocabulary, problems=problems)


def build_texts(texts: Mapping[str, str], vocabulary: Vocabulary = BUILTINS) -> Catalog:
    """The catalogue of definitions given as texts by path: those of a snapshot, or of a test."""
    problems = Problems()
    documents = [document for file, text in sorted(texts.items()) for document in read_text(text, file, problems)]
    sources = Sources(tuple(documents), {file: SourceText(file, text) for file, text in texts.items()})
    return build(sources, vocabulary, problems=problems)


def build(sources: Sources, vocabulary: Vocabulary = BUILTINS, *, problems: Problems | None = None) -> Catalog:
    """The catalogue of what was read. ``problems`` are those of the reading. Raises DefinitionError."""
    problems = problems if problems is not None else Problems()
    with without_collector():
        parsed = Parser(vocabulary, problems).parse(system_documents(), sources)
        catalog = assemble(parsed, vocabulary, sources, problems)
    if problems.errors:
        # A patch repeats what is wrong in its base: each problem is told once.
        raise DefinitionError(dict.fromkeys(problems))
    return catalog


@cache
def system_documents() -> tuple[Document, ...]:
    """The documents of the models that come with the engine. A problem in them is a bug."""
    problems = Problems()
    read = read_folder(Path(__file__).parent, ("system",), problems)
    problems.raise_errors()
    return read.documents


@contextmanager
def without_collector() -> Iterator[None]:
    """Keeps the garbage collector from running: a build makes a great many objects, nearly all of which stay, and
    looking through them again and again would take a quarter of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def assemble(parsed: Parsed, vocabulary: Vocabulary, sources: Sources, problems: Problems) -> Catalog:
    """Links the definitions and checks them against each other. Only sound when no problem was reported."""
    record = parsed.models.pop(RECORD)
    parsed.of("model").pop(RECORD)
    _offer_lists(parsed)
    _link_findings(parsed)
    own_columns = _columns(record.fields, parsed)
    fields = {name: {**own_columns[name], **model.fields} for name, model in parsed.models.items()}
    backs = _back_links(parsed, problems)
    keys = {name: model.key for name, model in parsed.models.items()}
    shapes = Shapes(fields, keys, backs, parsed.unread.get("model", ()), _proposing(parsed))
    unread = {kind: frozenset(names) for kind, names in parsed.unread.items()}
    arising = {name: tuple(model.changes) for name, model in parsed.models.items()}
    linker = CatalogLinker(vocabulary, parsed.definitions, fields, own_columns, shapes, unread, arising)
    for column in record.fields.values():
        column.link(linker, linker.scope(None))
    definitions = [found for named in parsed.definitions.values() for found in named.values()]
    for definition in sorted(
        [*definitions, *parsed.versions, *parsed.extensions],
        key=lambda found: (found.link_order, found.kind, found.name),
    ):
        # What it says of something that could not be read is judged when that can be.
        with suppress(Unread):
            definition.link(linker)
    inherit_privacy(fields)
    tables = versions(
        [found for found in (*parsed.of(Table.kind).values(), *parsed.versions) if isinstance(found, Table)]
    )
    check_versions(linker, tables)
    dependencies = {name: Dependencies(name, fields[name], backs) for name in parsed.models}
    check_computations(linker, parsed.models, dependencies)
    check_present(linker)
    for problem in linker.problems:
        problems.add(problem)
    return _catalog(parsed, vocabulary, sources, linker, dependencies, tables)


def _catalog(
    parsed: Parsed,
    vocabulary: Vocabulary,
    sources: Sources,
    linker: CatalogLinker,
    dependencies: Mapping[str, Dependencies],
    tables: Versions,
) -> Catalog:
    def named(kind: str) -> Mapping[str, Any]:
        return dict(sorted(parsed.of(kind).items()))

    return Catalog(
        fingerprint=fingerprint(sources.texts),
        sources={file: source.text for file, source in sources.texts.items()},
        vocabulary=vocabulary,
        app=next(iter(named("app").values()), None),  # type: ignore[arg-type]  # absent only where it has a problem
        models=dict(sorted(parsed.models.items())),
        forms=named("form"),
        views=named("view"),
        access=named("access"),
        workflows=named("workflow"),
        checks=named("checks"),
        actions=named("action"),
        routings=named("routing"),
        pricings=named("pricing"),
        tables=tables,
        risks=named("risk"),
        channels=named("channel"),
        messages=named("message"),
        calendars=named("calendar"),
        lists=named("list"),
        tests=named("test"),
        system_models=frozenset(document.name for document in system_documents() if document.kind == "model")
        - {RECORD},
        shapes=linker.shapes,
        dependencies=dependencies,
        row_conditions=linker.row_conditions,
        expression_uses=tuple(linker.uses),
    )


def fingerprint(texts: Mapping[str, SourceText]) -> str:
    """A hash of the engine's version and of every file: by it cases, logs and snapshots name the definitions."""
    digest = sha256(engine.__version__.encode())
    everything = {**{document.file: document.source for document in system_documents()}, **texts}
    for file in sorted(everything):
        content = sha256(everything[file].text.encode()).hexdigest()
        digest.update(f"\n{file} {content}".encode())
    return digest.hexdigest()


def _columns(columns: Mapping[str, Field], parsed: Parsed) -> dict[str, dict[str, Field]]:
    """The columns that every record has, for each model: `status` with the states of the model's workflows, then with
    what those were called before: cases of older versions stand there until they are moved."""
    labels: dict[str, dict[str, Label]] = {}
    flows = [flow for flow in parsed.of("workflow").values() if isinstance(flow, Workflow)]
    for flow in flows:
        for name, state in flow.states.items():
            labels.setdefault(flow.for_, {}).setdefault(name, state.label or name)
    for flow in flows:
        for old, name in flow.former.items():
            label = flow.states[name].label or name
            told = (
                f"{label} ({old})" if isinstance(label, str) else {at: f"{text} ({old})" for at, text in label.items()}
            )
            labels.setdefault(flow.for_, {}).setdefault(old, told)
    status = columns["status"]
    found = {model: dict(columns) for model in parsed.models}
    # Where a workflow could not be read, the states are not all known: then any text may be one.
    if not parsed.unread.get("workflow"):
        for model in found.keys() & labels.keys():
            options = labels[model]
            field = ChoiceField(document=status.document, path=status.path, label=status.label, of=options)
            found[model]["status"] = field
    return found


def _proposing(parsed: Parsed) -> Container[str]:
    """The models whose workflows propose; all of them where a workflow could not be read."""
    if parsed.unread.get("workflow"):
        return parsed.models
    flows = [flow for flow in parsed.of("workflow").values() if isinstance(flow, Workflow)]
    return {flow.for_ for flow, _ in proposers(flows)}


def _offer_lists(parsed: Parsed) -> None:
    """Makes the entries of lists choose among those that are declared."""
    declared = parsed.of(ListOfValues.kind)
    if not declared or parsed.unread.get(ListOfValues.kind):
        return  # where one could not be read, any text may be its name
    model = parsed.models[LIST_ENTRY]
    text = model.fields["list"]
    labels = {name: found.label or name for name, found in declared.items() if isinstance(found, ListOfValues)}
    choice = ChoiceField(document=text.document, path=text.path, label=text.label, required=True, of=labels)
    parsed.models[LIST_ENTRY] = parsed.of("model")[LIST_ENTRY] = replace(model, fields={**model.fields, "list": choice})


def _link_findings(parsed: Parsed) -> None:
    """Makes findings lead to the records that risks judge."""
    risks = (risk for _, risk in sorted(parsed.of(Risk.kind).items()) if isinstance(risk, Risk))
    model = with_links(parsed.models[FINDING], risks, parsed.models)
    parsed.models[FINDING] = parsed.of("model")[FINDING] = model


def _back_links(parsed: Parsed, problems: Problems) -> dict[str, dict[str, BackLink]]:
    """The other sides of all links, by model and name."""
    found: dict[str, dict[str, BackLink]] = {name: {} for name in parsed.models}
    for model in parsed.models.values():
        for link, name in back_links(model.fields):
            target = parsed.models.get(link.target)
            if target is None:
                continue
            if name in target.fields or name in found[target.name]:
                problems.report(
                    "E304", f"{target.name} has a '{name}' already", link.span_of("back"), "choose another name"
                )
            else:
                found[target.name][name] = BackLink(model.name, link.name)
    return found


def with_file(sources: Sources, file: str, text: str, problems: Problems) -> Sources:
    """The sources with one file added or replaced: what a designer asks before it writes."""
    others = [document for document in sources.documents if document.file != file]
    texts = {**sources.texts, file: SourceText(file, text)}
    return replace(sources, documents=(*others, *read_text(text, file, problems)), texts=texts)
