"""The inputs of a form, ready to draw: ``templates/widgets.html`` has a macro for each ``kind``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.catalog.kinds.pages import FormField
from engine.errors import Label
from engine.fields.choice import OptionsField
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.web.pages.entries import BLANK, Entry, Row
from engine.web.pages.present import NUMBERS, Presenter, column_class, source_of

#: The key of the row in a grid's template; the browser puts a new one in its place.
TEMPLATE_KEY = "__key__"

#: A percentage is put in as 13 and kept as 0.13.
PERCENT_SHIFT = 2


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values to choose from."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """An input with its label. ``fault`` is what is wrong with it, in words; ``source`` where a look-up asks;
    ``value`` the id that a link has chosen, or the plain value of an output; ``proposed``: the text came from a
    default, not from somebody; ``hides``: whether the field comes and goes with the others' values."""

    kind: str
    name: str
    label: str
    help: str = ""
    required: bool = False
    fault: str = ""
    text: str = ""
    value: str = ""
    was: str = ""
    options: tuple[Option, ...] = ()
    source: str = ""
    width: str = "w12"
    most: int | None = None
    shift: int | None = None
    step: str = "any"
    proposed: bool = False
    hides: bool = False
    hidden: bool = False

    @property
    def id(self) -> str:
        """The id of the element, which the summary of faults links to."""
        return "f-" + self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid."""

    label: str
    css: str
    required: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a grid."""

    key: str
    id: str
    widgets: tuple[Widget, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a field as a table of inputs. ``blank`` is the row that a new one is cloned from."""

    name: str
    label: str
    required: bool
    fault: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    blank: Line

    @property
    def id(self) -> str:
        """The id of the element."""
        return f"f-{self.name}"


@dataclass(frozen=True, slots=True)
class Spec:
    """A field as one form shows it."""

    field: Field
    label: str
    help: str
    required: bool
    editable: bool
    hides: bool

    @classmethod
    def of(cls, presenter: Presenter, field: Field, change: FormField | None, editable: bool) -> Spec:
        """The field with what the form changes about it."""

        def say(own: Label | None, base: Label | None, fallback: str) -> str:
            return presenter.visit.words.say(own if own is not None else base, fallback)

        return cls(
            field,
            label=say(change.label if change else None, field.label, field.name),
            help=say(change.help if change else None, field.help, ""),
            required=field.required if change is None or change.required is None else change.required,
            editable=editable and not (change is not None and change.read_only),
            hides=change is not None and change.hidden_when is not None,
        )


class Widgets:
    """Makes the widgets of one form."""

    def __init__(self, presenter: Presenter, faults: Mapping[str, str], proposed: frozenset[str] = frozenset()) -> None:
        self.presenter = presenter
        self.faults = faults
        self.proposed = proposed

    def widget(
        self,
        spec: Spec,
        name: str,
        entry: Entry,
        *,
        value: Any = None,
        width: str = "w12",
        hidden: bool = False,
    ) -> Widget:
        """The widget of a field. ``value`` is what an output shows."""
        field = spec.field
        if not spec.editable:
            return self._output(spec, name, value, width, hidden)
        return Widget(
            kind=field.widget,
            name=name,
            label=spec.label,
            help=spec.help,
            required=spec.required,
            fault=self.faults.get(name, ""),
            text=entry.text,
            value=entry.id,
            was=entry.was,
            options=options(field, entry, self.presenter.visit.language),
            source=f"/m/{field.target}/lookup" if isinstance(field, LinkField) else "",
            width=width,
            most=getattr(field, "max", None) if field.widget in ("text", "long_text", "phone", "email") else None,
            shift=PERCENT_SHIFT if field.widget == "percent" else None,
            proposed=name in self.proposed,
            hides=spec.hides,
            hidden=hidden,
        )

    def _output(self, spec: Spec, name: str, value: Any, width: str, hidden: bool) -> Widget:
        shown = self.presenter.value(spec.field, value)
        plain = (
            ""
            if value is None or shown.masked or source_of(spec.field).widget not in NUMBERS
            else str(spec.field.wire(value))
        )
        return Widget(
            kind="output",
            name=name,
            label=spec.label,
            help=spec.help,
            text=shown.text,
            value=plain,
            width=width,
            hides=spec.hides,
            hidden=hidden,
        )

    def grid(
        self,
        spec: Spec,
        columns: Sequence[Spec],
        rows: Sequence[Row],
        records: Mapping[str, Record],
        special: Callable[[Field, str, Entry], Widget | None] | None = None,
    ) -> Grid:
        """The grid of a rows field. ``records`` are the rows as worked out, by their key in the form. ``special`` may
        make a widget of its own for a cell."""
        name = spec.field.name

        def cell(column: Spec, row: Row, value: Any) -> Widget:
            full, entry = f"{name}.{row.key}.{column.field.name}", row.entries.get(column.field.name, BLANK)
            made = special(column.field, full, entry) if special is not None else None
            return made if made is not None else self.widget(column, full, entry, value=value)

        def line(row: Row) -> Line:
            record = records.get(row.key, {})
            return Line(
                row.key,
                row.id,
                tuple(cell(column, row, self.presenter.readable(record, column.field, name)) for column in columns),
            )

        return Grid(
            name,
            spec.label,
            spec.required,
            self.faults.get(name, ""),
            tuple(Column(column.label, _grid_class(column), column.required and column.editable) for column in columns),
            tuple(line(row) for row in rows),
            line(Row(TEMPLATE_KEY, "", {})),
        )


def options(field: Field, entry: Entry, language: str) -> tuple[Option, ...]:
    """What a choice offers."""
    if not isinstance(field, OptionsField):
        return ()
    chosen = {entry.text, *entry.many}
    return tuple(Option(name, field.label_of(name, language), name in chosen) for name in field.options)


#: More columns do not fit beside each other on a desk; an author who wants others names them.
MOST_COLUMNS = 8


def default_columns(rows: RowsField) -> list[str]:
    """The columns of a grid for which no form names them: what people put in, and what is worked out of that (`value`).
    Rows in rows, the key that the engine counts, and what steps write are not among them."""
    return [
        name
        for name, field in rows.of.items()
        if not isinstance(field, RowsField) and name != rows.key and (not field.read_only or field.value is not None)
    ][:MOST_COLUMNS]


def _grid_class(column: Spec) -> str:
    """The CSS classes of a grid's column: its width, and how it goes on a phone."""
    field = source_of(column.field)
    if not column.editable:
        return column_class(field).replace("is-rest", "is-output") + (" is-money" if field.widget in NUMBERS else "")
    if field.widget in ("money", "percent"):
        return f"number is-{'money' if field.widget == 'money' else 'number'}"
    if field.widget in NUMBERS:
        return "number is-number"
    if field.widget in ("date", "datetime", "time"):
        return "is-when"
    return "is-link" if field.widget == "link" else "is-short" if field.widget in ("choice", "boolean") else "is-free"
