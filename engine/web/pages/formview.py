"""A whole form, ready to draw: its parts, what is wrong, its buttons, and the plan for working out values while
typing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Complaint, ExpressionError
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.web.pages.entries import BLANK, Entries, Row, places
from engine.web.pages.layout import Layout, RowsSection, fixed, totals
from engine.web.pages.present import Presenter
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Grid, Spec, Widget, Widgets
from engine.web.pages.words import Words


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One thing that is wrong: what it is about, where it is (an element's id, if it is on the page), and what it
    is."""

    label: str
    target: str
    text: str


@dataclass(frozen=True, slots=True)
class FaultSummary:
    """What stands above a form that was refused."""

    title: str
    lines: tuple[FaultLine, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """A way to send the form; ``value`` is the event to fire after saving, empty for none."""

    label: str
    value: str
    main: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A card: fields, or a grid with totals below it."""

    label: str
    widgets: tuple[Widget, ...] = ()
    grid: Grid | None = None
    totals: tuple[Widget, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that somebody else changed meanwhile: as it is now, and what this person put in, if anything."""

    label: str
    now: str
    mine: str


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed the record, and when."""

    who: str
    when: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The record was changed while the form was open."""

    changes: tuple[Change, ...]
    fields: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """What ``form.html`` draws."""

    path: str
    back_path: str
    form: str
    version: int | None
    #: What tells a new form from the next one, so that it makes one record however often it is sent.
    once: str
    base: str
    parts: tuple[Part, ...]
    buttons: tuple[Button, ...]
    faults: FaultSummary | None
    conflict: Conflict | None
    plan: Mapping[str, Any]


class FormMaker:
    """Puts a form together for one reader."""

    def __init__(self, visit: Visit, model: str, layout: Layout, *, editable: frozenset[str]) -> None:
        self.visit = visit
        self.model = model
        self.layout = layout
        self.presenter = Presenter(visit, model)
        self.fields: Mapping[str, Field] = {
            name: field for name, field in visit.catalog.fields(model).items() if self.presenter.visible(name)
        }
        self._editable = editable
        self._totals = totals(layout, self.fields)

    def input_fields(self) -> dict[str, Field]:
        """The fields that the form takes values for."""
        return {
            name: self.fields[name]
            for name in self.layout.names()
            if name in self.fields
            and name in self._editable
            and not fixed(self.fields[name])
            and not self._read_only(name)
        }

    def _read_only(self, name: str) -> bool:
        change = self.layout.changes.get(name)
        return change is not None and change.read_only

    def required(self, record: Record) -> list[Complaint]:
        """What this form demands beyond the model."""
        return [
            Complaint(name, "VALUE_REQUIRED", "a value is required")
            for name, change in self.layout.changes.items()
            if change.required
            and name in self.fields
            and record.get(name) in (None, "", [])
            and not self.is_hidden(name, record, {})
        ]

    def is_hidden(self, name: str, record: Record, names: Mapping[str, Any]) -> bool:
        """Whether the form hides the field for these values."""
        change = self.layout.changes.get(name)
        if change is None or change.hidden_when is None or change.hidden_when.expression is None:
            return False
        try:
            return change.hidden_when.expression(record, {"record": record, self.model: record, **names}) is True
        except (ExpressionError, KeyError):
            return False  # it names what is not known before saving; a field too many is no harm

    def hidden_reads(self) -> set[str]:
        """The inputs that decide which fields are hidden."""
        expressions = [
            change.hidden_when.expression for change in self.layout.changes.values() if change.hidden_when is not None
        ]
        return {path[0] for expression in expressions if expression is not None for path in expression.reads}

    def parts(
        self,
        entries: Entries,
        record: Record,
        names: Mapping[str, Any],
        faults: Mapping[str, str],
        proposed: frozenset[str],
    ) -> tuple[Part, ...]:
        """The cards of the form. ``record`` is as worked out; ``proposed`` are the fields that a default filled."""
        widgets = Widgets(self.presenter, faults, proposed)
        parts: list[Part] = []
        for section in self.layout.parts:
            if isinstance(section, RowsSection):
                if section.name not in self.fields:
                    continue
                sums = tuple(self._total(widgets, name, record) for name in self._totals[section.name])
                parts.append(Part(section.label, grid=self._grid(widgets, section, entries, record), totals=sums))
                continue
            made = tuple(
                widgets.widget(
                    self._spec(placed.name),
                    placed.name,
                    entries.own.get(placed.name, BLANK),
                    value=self.presenter.readable(record, self.fields[placed.name]),
                    width=placed.css,
                    hidden=self.is_hidden(placed.name, record, names),
                )
                for placed in section.fields
                if placed.name in self.fields
            )
            if made:
                parts.append(Part(section.label, made))
        return tuple(parts)

    def _total(self, widgets: Widgets, name: str, record: Record) -> Widget:
        return widgets.widget(replace(self._spec(name), editable=False), name, BLANK, value=record.get(name))

    def _spec(self, name: str) -> Spec:
        field = self.fields[name]
        return Spec.of(
            self.presenter, field, self.layout.changes.get(name), name in self._editable and not fixed(field)
        )

    def _grid(self, widgets: Widgets, section: RowsSection, entries: Entries, record: Record) -> Grid:
        field = self.fields[section.name]
        assert isinstance(field, RowsField)
        editable = section.name in self._editable
        columns = [
            Spec.of(self.presenter, field.of[name], None, editable and not fixed(field.of[name]))
            for name in section.columns
        ]
        rows = entries.rows.get(section.name) or [Row("n1", "", {})]
        return widgets.grid(self._spec(section.name), columns, rows, by_key(rows, record.get(section.name)))

    def paths(self) -> list[str]:
        """All fields that the form shows, those in rows as ``{rows field}.{field}``."""
        columns = [
            f"{part.name}.{name}"
            for part in self.layout.parts
            if isinstance(part, RowsSection)
            for name in part.columns
        ]
        return [*self.layout.names(), *(name for names in self._totals.values() for name in names), *columns]

    def grids(self) -> list[str]:
        """The rows fields that the form edits."""
        return [part.name for part in self.layout.parts if isinstance(part, RowsSection) and part.name in self.fields]


def by_key(rows: Sequence[Row], records: Sequence[Record] | None) -> dict[str, Record]:
    """The worked-out rows by their keys in the form. Rows that nobody filled in are not among them."""
    filled = [row for row in rows if row.id or not row.blank]
    return {row.key: record for row, record in zip(filled, records or (), strict=False)}


def fault_texts(words: Words, entries: Entries, complaints: Sequence[Complaint]) -> dict[str, str]:
    """What is wrong by the name of the input; several faults of one input in one text."""
    found: dict[str, str] = {}
    name = places(entries)
    for complaint in complaints:
        text, at = words.complaint(complaint), name(complaint.at)
        found[at] = f"{found[at]} {text}" if at in found else text
    return found


def summary(
    words: Words, maker: FormMaker, entries: Entries, complaints: Sequence[Complaint], shown: Sequence[Part]
) -> FaultSummary | None:
    """The summary of all that is wrong; None when nothing is."""
    if not complaints:
        return None
    on_page = {w.name: w for part in shown for w in part.widgets}
    on_page |= {w.name: w for part in shown if part.grid for line in part.grid.lines for w in line.widgets}
    grids = {part.grid.name: part.grid for part in shown if part.grid}
    name = places(entries)
    lines: list[FaultLine] = []
    for complaint in complaints:
        at = name(complaint.at)
        if at in on_page:
            label = on_page[at].label
            if "." in at:
                key = at.split(".")[1]
                number = next(
                    (n for n, row in enumerate(entries.rows.get(at.split(".")[0], ()), 1) if row.key == key), 0
                )
                label = words("in_row", field=label, number=number)
            lines.append(FaultLine(label, on_page[at].id, words.complaint(complaint)))
        elif at in grids:
            lines.append(FaultLine(grids[at].label, grids[at].id, words.complaint(complaint)))
        else:
            label = maker.presenter.label(at) if at in maker.fields else at
            lines.append(FaultLine(label, "", words.complaint(complaint)))
    title = words("to_correct_one") if len(lines) == 1 else words("to_correct", count=len(lines))
    return FaultSummary(title, tuple(lines))
