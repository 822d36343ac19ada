"""How the fields of a form are laid out: by the ``form`` that an author wrote for this reader, else by the fields
alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.pages import Form, FormField, Grid
from engine.errors import NotFound
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.policy.access import ENGINES_OWN
from engine.ports import Record
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import default_columns

#: What pages offer nobody to write, not even who may do all there is.
READ_ONLY = ENGINES_OWN

#: Widgets that take a line of their own.
WIDE = frozenset({"long_text", "json", "address", "file", "choices"})

#: How wide each of so many fields beside each other is, on the 12 columns of the grid.
WIDTHS = {1: "w6", 2: "w6", 3: "w4", 4: "w3"}

#: How many fields stand beside each other where nobody said so.
GENERATED_WIDTH = 3


@dataclass(frozen=True, slots=True)
class Placed:
    """A field and its CSS classes: its width, and whether it begins a line."""

    name: str
    css: str


@dataclass(frozen=True, slots=True)
class Section:
    """A card of fields."""

    label: str
    fields: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class RowsSection:
    """A card of rows."""

    name: str
    label: str
    columns: tuple[str, ...]
    totals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole form. ``form`` is the definition's name, empty for a generated one; ``submit`` the event of its main
    button."""

    form: str
    parts: tuple[Section | RowsSection, ...]
    changes: Mapping[str, FormField]
    submit: str | None

    def names(self) -> frozenset[str]:
        """All fields of the record that stand somewhere."""
        return frozenset(
            name
            for part in self.parts
            for name in ([part.name] if isinstance(part, RowsSection) else [f.name for f in part.fields])
        )


def layout_for(visit: Visit, model: str, record: Record | None, wanted: str | None) -> Layout:
    """The layout for this reader: the form asked for by name, the record's channel's, the one whose audience fits,
    one for everybody, or a generated one."""
    catalog = visit.catalog
    forms = [form for form in catalog.forms.values() if form.for_ == model and _offered(visit, form)]
    if wanted:
        named = next((form for form in forms if form.name == wanted), None)
        if named is None:
            raise NotFound(f"there is no form {wanted}")
        return _written(visit, model, named)
    channel = catalog.channel_of(model, record) if record is not None else None
    for form in forms:
        if channel is not None and form.name == channel.form:
            return _written(visit, model, form)
    if not forms:
        return generated(visit, model)
    return _written(visit, model, min(forms, key=lambda form: _distance(visit, form)))


def narrowed(visit: Visit, layout: Layout, names: Collection[str]) -> Layout:
    """The layout with these fields of the record alone; those that had no place in it come last."""
    parts: list[Section | RowsSection] = []
    for part in layout.parts:
        if isinstance(part, RowsSection):
            if part.name in names:
                parts.append(part)
        elif placed := tuple(Placed(one.name, one.css) for one in part.fields if one.name in names):
            parts.append(Section(part.label, placed))
    others = [name for name in names if name not in layout.names()]
    if others:
        wanted = generated(visit, visit.model)
        parts += narrowed(visit, wanted, others).parts
    return Layout(layout.form, tuple(parts), layout.changes, None)


def _distance(visit: Visit, form: Form) -> tuple[int, int]:
    """How far a form is from this reader: for one of their roles, for everybody, or (to who may do everything)
    for others, and then the one that shows most."""
    meant = 0 if visit.actor.roles.intersection(form.audience) else 2 if form.audience else 1
    return meant, -sum(len(line) for part in form.layout if not isinstance(part, Grid) for line in part.rows)


def _offered(visit: Visit, form: Form) -> bool:
    """Whether the form is meant for this reader, or the reader may do everything."""
    meant = not form.audience or bool(visit.actor.roles.intersection(form.audience))
    return meant or visit.service.rights.unlimited(visit.actor)


def _written(visit: Visit, model: str, form: Form) -> Layout:
    """The layout that an author wrote."""
    fields = visit.catalog.fields(model)
    parts: list[Section | RowsSection] = []
    for part in form.layout:
        if isinstance(part, Grid):
            rows = fields[part.grid]
            assert isinstance(rows, RowsField)
            label = visit.words.say(part.label if part.label is not None else rows.label, part.grid)
            parts.append(RowsSection(part.grid, label, part.columns or tuple(default_columns(rows)), part.totals))
        else:
            lines = tuple(placed for line in part.rows for placed in _line(line, fields))
            parts.append(Section(visit.words.say(part.section), lines))
    return Layout(form.name, tuple(parts), form.fields, form.submit)


def _line(names: Sequence[str], fields: Mapping[str, Field]) -> Iterator[Placed]:
    """Fields beside each other."""
    for at, name in enumerate(names):
        alone = len(names) == 1 and fields[name].widget in WIDE
        width = "w12" if alone else WIDTHS.get(len(names), "w3")
        yield Placed(name, width if at else f"{width} begins")


def generated(visit: Visit, model: str) -> Layout:
    """A layout from the fields alone: short ones three to a line, long ones below, then each rows field as a grid."""
    fields = own_fields(visit.catalog, model)
    plain = {name: field for name, field in fields.items() if not isinstance(field, RowsField) and not fixed(field)}
    short = [name for name, field in plain.items() if field.widget not in WIDE]
    wide = [name for name, field in plain.items() if field.widget in WIDE]
    placed = [Placed(name, "w4" if at % GENERATED_WIDTH else "w4 begins") for at, name in enumerate(short)]
    placed += [Placed(name, "w12 begins") for name in wide]
    parts: list[Section | RowsSection] = [Section("", tuple(placed))] if placed else []
    for name, field in fields.items():
        if isinstance(field, RowsField):
            parts.append(RowsSection(name, visit.words.say(field.label, name), tuple(default_columns(field)), ()))
    return Layout("", tuple(parts), {}, None)


def fixed(field: Field) -> bool:
    """Whether nobody puts the field in: the engine works it out, looks it up or numbers it."""
    return field.read_only


def own_fields(catalog: Catalog, model: str) -> dict[str, Field]:
    """The model's fields without the system's columns."""
    system = catalog.system_fields(model)
    return {name: field for name, field in catalog.fields(model).items() if name not in system}


def totals(layout: Layout, fields: Mapping[str, Field]) -> dict[str, tuple[str, ...]]:
    """The amounts below each grid: those that its author named; where none did, the worked-out amounts of the record
    that have no place of their own stand below the first."""
    named = {part.name: tuple(name for name in part.totals if name in fields) for part in grids(layout)}
    first = next(iter(named), None)
    if first is not None and not any(named.values()):
        placed = layout.names()
        named[first] = tuple(n for n, f in fields.items() if f.widget == "money" and f.computed and n not in placed)
    return named


def grids(layout: Layout) -> list[RowsSection]:
    """The grids of a layout."""
    return [part for part in layout.parts if isinstance(part, RowsSection)]
