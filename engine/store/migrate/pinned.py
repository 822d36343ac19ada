"""What open cases go on reading under the definitions that they pin, and would not find any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.workflow import Workflow
from engine.errors import Problem
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.source.formulas import formulas
from engine.store.migrate.cases import SHORT, OpenCases

#: A field by the place of its model or rows (``parcel.lines``), and its name.
Place = tuple[str, str]


def stranded(
    before: Catalog | None, after: Catalog, cases: Sequence[OpenCases], flow_of: Callable[[OpenCases], Workflow | None]
) -> Iterator[Problem]:
    """A problem for each field that is gone and that open cases of another version read. ``flow_of`` gives the workflow
    that such cases pin, None where its definitions are lost; it is asked only where a field is gone at all."""
    gone = set(_gone(before, after)) if before is not None else set()
    if before is None or not gone:
        return
    by_version = sorted(cases, key=lambda found: (found.workflow, found.version))
    for (name, version), group in groupby(by_version, key=lambda found: (found.workflow, found.version)):
        found = list(group)
        flow = flow_of(found[0])
        if flow is None:
            continue
        count = sum(each.count for each in found)
        open_ = "1 open case" if count == 1 else f"{count} open cases"
        for place, field in sorted(gone & set(_read(before, flow))):
            message = f"{place}.{field} is gone, and {open_} of {name} {version[:SHORT]} may still read it"
            hint = "apply the new workflow first, move them with `orderloom migrate-cases`, then take the field away"
            model = after.models.get(place.partition(".")[0])
            yield Problem("E412", message, model.key_span() if model is not None else None, hint)


def _gone(before: Catalog, after: Catalog) -> Iterator[Place]:
    """The fields that there are no more under their names, but for those of models that are gone as a whole: their
    cases are lost with them."""
    for model in before.models:
        if model in after.models:
            yield from _missing(model, before.fields(model), after.fields(model))


def _missing(place: str, before: Mapping[str, Field], after: Mapping[str, Field]) -> Iterator[Place]:
    for name, field in before.items():
        found = after.get(name)
        if found is None:
            yield place, name
        elif isinstance(field, RowsField) and isinstance(found, RowsField):
            yield from _missing(f"{place}.{name}", field.of, found.of)


def _read(catalog: Catalog, workflow: Workflow) -> Iterator[Place]:
    """The fields that the expressions of a workflow read of its record, over links and rows."""
    for formula in formulas(workflow):
        expression = formula.expression
        if expression is None:
            continue
        own = [path[1:] for path in expression.scope_reads if path[0] in ("record", workflow.for_)]
        for path in (*expression.reads, *own):
            yield from _along(catalog, workflow.for_, path)


def _along(catalog: Catalog, model: str, path: Sequence[str]) -> Iterator[Place]:
    if model not in catalog.models:
        return
    place, fields = model, catalog.fields(model)
    for at, name in enumerate(path):
        found = fields.get(name)
        if found is None:
            return
        yield place, name
        if isinstance(found, LookupField):
            yield from _along(catalog, model, [*found.steps, *path[at + 1 :]])
            return
        if isinstance(found, LinkField) and "." not in found.target:
            yield from _along(catalog, found.target, path[at + 1 :])
            return
        if not isinstance(found, RowsField):
            return
        place, fields = f"{place}.{name}", found.of
