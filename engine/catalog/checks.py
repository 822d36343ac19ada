"""What only shows when everything is linked."""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalog.computations import Dependencies, Place, circle_text, named
from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.model import Extend, Model
from engine.catalog.linker import CatalogLinker
from engine.catalog.shapes import PROPOSED
from engine.catalog.uses import fields_read
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField


def check_computations(
    linker: DefinitionLinker, models: Mapping[str, Model], dependencies: Mapping[str, Dependencies]
) -> None:
    """Reports computed fields that need each other, and those that follow links back from where that cannot work."""
    for name, model in models.items():
        found = dependencies[name]
        for circle in found.ordered()[1]:
            first = found.computations[circle[0]].field
            linker.report(
                "E401", f"computed fields that need each other: {circle_text(circle)}", first, origin_of(first)
            )
        for place, made in found.computations.items():
            if place[0] and found.follows_back(place):
                message = (
                    f"'{named(place)}' stands in rows and is stored, so it cannot follow what links back to the record"
                )
                linker.report("E405", message, made.field, origin_of(made.field), "compute it on the record itself")
        live = found.live()
        for column in live:
            if model.fields[column].unique:
                message = f"'{column}' is worked out when read, so it cannot be `unique`"
                linker.report("E404", message, model.fields[column], "unique")
        for key, groups in (("unique", model.unique), ("index", model.index)):
            for group in groups:
                for column in set(group) & live:
                    linker.report(
                        "E404", f"'{column}' is worked out when read, so it cannot be in `{key}`", model.fields[column]
                    )
        for arising in model.changes.values():
            for at, column in enumerate(arising.of):
                if column in live:
                    message = f"'{column}' is worked out when read, so nothing tells of its change"
                    linker.report("E404", message, arising, ("of", at))
        check_rows_links(linker, (), model.fields)


def check_present(linker: CatalogLinker) -> None:
    """Reports what a model says of its records by what is only proposed of them: that would go round in a circle."""
    for use in linker.uses:
        if use.formula.document.kind in (Model.kind, Extend.kind):
            for model, member in fields_read(use):
                if member == PROPOSED and member not in linker.fields(model) and linker.proposes(model):
                    message = f"what holds of a {model} cannot turn on what is proposed of it"
                    hint = "the event that proposes it, or a state, may test it"
                    linker.problem("E405", message, use.formula.span, hint)


def check_rows_links(
    linker: DefinitionLinker, path: tuple[str, ...], fields: Mapping[str, Field] | Mapping[Place, Field]
) -> None:
    """Reports links in rows that name their other side: only records link back."""
    for field in fields.values():
        if isinstance(field, RowsField):
            check_rows_links(linker, (*path, field.name), field.of)
        elif path and isinstance(field, LinkField) and field.back is not None:
            linker.report("E405", "a link in rows has no other side", field, "back", "link the record itself")


def origin_of(field: Field) -> str:
    """The key that says how the field is worked out."""
    return "from" if isinstance(field, LookupField) else "value" if field.value is not None else "spread"
