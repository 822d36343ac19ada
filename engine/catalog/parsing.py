"""From documents to definitions: each one's shape, then names, patches and extensions. The first phases of a build."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.catalog.kind import Definition
from engine.catalog.kinds.app import App
from engine.catalog.kinds.model import Arising, Check, Extend, Model
from engine.catalog.kinds.routing import Routing
from engine.catalog.kinds.workflow import Event, Workflow
from engine.catalog.merge import MergedDocument, replaced, take_over
from engine.catalog.vocabulary import Vocabulary
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.registry import did_you_mean
from engine.source.document import Document
from engine.source.problems import Problems
from engine.source.reader import Sources
from engine.source.shape import Name

#: What the first line of a document looks like, for texts that do not parse: other documents may rightly refer to it.
_FIRST_LINE = re.compile(r"^([a-z][a-z0-9_]*): *([a-z][a-z0-9_]*) *(?:#.*)?$", re.MULTILINE)


@dataclass
class Parsed:
    """The definitions of all documents, by kind and name, and what could not be read.

    ``extensions`` stand beside, since a model may have many. ``models`` have theirs merged in.
    """

    definitions: dict[str, dict[str, Definition]] = field(default_factory=dict)
    extensions: list[Extend] = field(default_factory=list)
    #: Further documents of objects that have versions; the first of each stands in ``definitions``.
    versions: list[Definition] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    unread: dict[str, set[str]] = field(default_factory=dict)

    def miss(self, kind: str, name: str) -> None:
        """Notes an object that exists and could not be read: what refers to it is no problem of its own."""
        # What an extension would have brought is missing in its model.
        self.unread.setdefault("model" if kind == "extend" else kind, set()).add(name)

    def of(self, kind: str) -> dict[str, Definition]:
        """The definitions of a kind."""
        return self.definitions.setdefault(kind, {})


#: What a routing that is laid over another has from there: the steps that use it are written for these.
KEPT = ("of", "need", "supply")


def is_patch(document: Document) -> bool:
    """Whether a document is laid over another of its kind."""
    if document.kind == Routing.kind and "need" not in document.data and "supply" not in document.data:
        return True
    return document.kind in (Workflow.kind, Routing.kind) and document.data.get("extends") is not None


class Parser:
    """Works through the phases over one set of documents."""

    def __init__(self, vocabulary: Vocabulary, problems: Problems) -> None:
        self._vocabulary = vocabulary
        self._problems = problems
        self._parsed = Parsed()

    def parse(self, system: Iterable[Document], application: Sources) -> Parsed:
        """The definitions of the engine's own documents and the application's. Problems are reported."""
        self._note_unparsed(application)
        patches: list[Document] = []
        whole: dict[str, dict[str, Document]] = {kind: {} for kind in (Workflow.kind, Routing.kind, Model.kind)}
        for document in (*system, *application.documents):
            if is_patch(document):
                patches.append(document)
            else:
                self._read(document)
            if document.kind in whole:
                whole[document.kind].setdefault(document.name, document)
        for patch in patches:
            self._read_patch(patch, whole[patch.kind], whole[Model.kind])
        self._add_events()
        self._merge_extensions()
        return self._parsed

    # Shape and names ------------------------------------------------------------------------------------------------

    def _note_unparsed(self, sources: Sources) -> None:
        """Guesses what stands in files that did not parse."""
        files = {problem.span.file for problem in self._problems if problem.span is not None}
        for file in files & sources.texts.keys():
            for kind, name in _FIRST_LINE.findall(sources.texts[file].text):
                if kind in self._vocabulary.kinds:
                    self._parsed.miss(kind, name)

    def _read(self, document: Document) -> None:
        kind = self._vocabulary.kinds.get(document.kind)
        if kind is None:
            hint = did_you_mean(document.kind, self._vocabulary.kinds)
            known = f"a document begins with one of {', '.join(sorted(self._vocabulary.kinds))}"
            self._problems.report(
                "E108", f"'{document.kind}' is no kind of definition", document.first_key_span, hint or known
            )
            return
        definition = self._vocabulary.grammar.parse(kind, document, self._problems)
        if definition is None:
            self._parsed.miss(document.kind, document.name)
        else:
            self._add(definition)

    def _add(self, definition: Definition) -> None:
        if isinstance(definition, Extend):
            self._parsed.extensions.append(definition)
            return
        known = self._parsed.of(definition.kind)
        if isinstance(definition, App) and all(app.document.file.startswith("system/") for app in known.values()):
            known.clear()  # the application's own takes the place of the engine's
        if isinstance(definition, App) and known:
            earlier = next(iter(known.values()))
            self._twice(definition, f"an application has one `app` document, and there is one at {earlier.span}")
        elif definition.versioned and definition.name in known:
            self._parsed.versions.append(definition)
        elif definition.name in known:
            earlier = known[definition.name]
            own = earlier.document.file.startswith("system/")
            where = "comes with the engine" if own else f"is defined at {earlier.span} already"
            hint = f"add to it by `extend: {definition.name}`" if definition.kind == "model" else None
            self._twice(definition, f"the {definition.kind} '{definition.name}' {where}", hint)
        else:
            known[definition.name] = definition

    def _twice(self, definition: Definition, message: str, hint: str | None = None) -> None:
        self._problems.report("E301", message, definition.document.span((definition.kind,)), hint)

    # Patches --------------------------------------------------------------------------------------------------------

    def _read_patch(self, patch: Document, documents: Mapping[str, Document], models: Mapping[str, Document]) -> None:
        layers = self._layers(patch, documents, models)
        if layers is None:
            self._parsed.miss(patch.kind, patch.name)
            return
        base = layers[-2]
        if patch.data.get("for") != base.data.get("for"):
            message = f"the {base.kind} {base.name} is for {base.data.get('for')}, so its patches are too"
            self._problems.report("E405", message, patch.span(("for",)))
            self._parsed.miss(patch.kind, patch.name)
            return
        definition: Definition | None
        if patch.kind == Workflow.kind:
            flow = self._vocabulary.grammar.parse(Workflow, MergedDocument(layers), self._problems)
            # What its base was called before is the base's own: here it would claim the same cases a second time.
            own = "was" in patch.data
            definition = replace(take_over(flow), was=flow.was if own else ()) if flow is not None else None
        else:
            kept = [key for key in KEPT if patch.data.get(key) != base.data.get(key) and key in patch.data]
            for key in kept:
                message = f"a routing that is laid over {base.name} needs and has what that one does"
                self._problems.report("E110", message, patch.key_span((key,)), "write a routing of its own")
            routing = self._vocabulary.grammar.parse(Routing, MergedDocument(layers, replaced), self._problems)
            definition = replace(routing, extends=base.name) if routing is not None and not kept else None
        if definition is None:
            self._parsed.miss(patch.kind, patch.name)
        else:
            self._add(definition)

    def _layers(
        self, patch: Document, documents: Mapping[str, Document], models: Mapping[str, Document]
    ) -> list[Document] | None:
        """The documents that the patch is laid over, and itself last; None when one is missing or could not be read."""
        layers = [patch]
        while (name := self._base_of(layers[0], models)) is not None:
            base = documents.get(str(name))
            if base is None:
                if str(name) not in self._parsed.unread.get(patch.kind, ()):
                    hint = did_you_mean(str(name), documents)
                    self._report(layers[0], "E302", f"there is no {patch.kind} '{name}'", hint)
                return None
            if base in layers:
                circle = " → ".join(layer.name for layer in (*reversed(layers), base))
                self._report(patch, "E405", f"{patch.kind}s that extend each other: {circle}")
                return None
            layers.insert(0, base)
        root = layers[0]
        if root is patch:
            message = "neither `need` nor `supply` is said, and the model names no other routing"
            hint = f"say both, or name one: `model: {patch.data.get('for')}`, `routing: NAME`"
            self._problems.report("E105", message, patch.first_key_span, hint)
            return None
        return None if root.name in self._parsed.unread.get(root.kind, ()) else layers

    @staticmethod
    def _base_of(document: Document, models: Mapping[str, Document]) -> str | None:
        """The object over which a document is laid: what it extends, or the routing that its model names."""
        named = document.data.get("extends")
        if named is not None or not is_patch(document):
            return named
        model = models.get(str(document.data.get("for")))
        named = model.data.get("routing") if model is not None else None
        return named if named != document.name else None

    def _report(self, patch: Document, code: str, message: str, hint: str | None = None) -> None:
        self._problems.report(code, message, patch.span(("extends",)), hint)

    def _add_events(self) -> None:
        """Adds the events of workflows without states to the others of their model."""
        flows = self._parsed.of(Workflow.kind)
        loose = [flow for flow in flows.values() if isinstance(flow, Workflow) and not flow.states]
        for name, flow in flows.items():
            if not isinstance(flow, Workflow) or not flow.states:
                continue
            events: dict[Name, Event] = dict(flow.events)
            for other in loose:
                if other.for_ == flow.for_:
                    self._merge(events, other.events, f"the workflow {flow.name}", "an event")
            if len(events) > len(flow.events):
                flows[name] = replace(flow, events=events)

    # Extensions -----------------------------------------------------------------------------------------------------

    def _merge_extensions(self) -> None:
        models = {name: found for name, found in self._parsed.of(Model.kind).items() if isinstance(found, Model)}
        for extension in self._parsed.extensions:
            model = models.get(extension.extend)
            if model is not None:
                fields: dict[Name, Field] = dict(model.fields)
                checks: dict[Name, Check] = dict(model.checks)
                self._merge(fields, extension.fields, model.name, "a field")
                self._merge(checks, extension.checks, model.name, "a check")
                changes: dict[Name, Arising] = dict(model.changes)
                self._merge(changes, extension.changes, model.name, "an event")
                models[model.name] = replace(
                    model,
                    fields=fields,
                    checks=checks,
                    changes=changes,
                    unique=model.unique + extension.unique,
                    index=model.index + extension.index,
                )
        self._parsed.models = models

    def _merge(
        self,
        into: dict[Name, Field] | dict[Name, Check] | dict[Name, Event] | dict[Name, Arising],
        more: Mapping[Name, Field] | Mapping[Name, Check] | Mapping[Name, Event] | Mapping[Name, Arising],
        owner: str,
        what: str,
    ) -> None:
        for name, part in more.items():
            present = into.get(name)
            if isinstance(present, RowsField) and isinstance(part, RowsField):
                inner: dict[Name, Field] = dict(present.of)
                self._merge(inner, part.of, f"{owner}.{name}", what)
                into[name] = replace(present, of=inner)  # type: ignore[assignment]
            elif name in into:
                message = f"{owner} has {what} '{name}' already, at {into[name].key_span()}"
                self._problems.report("E301", message, part.key_span())
            else:
                into[name] = part  # type: ignore[assignment]
