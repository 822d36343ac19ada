"""How values look to a reader: in their language and time zone, masked where they are private, linked where that
leads on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.fields.field import Field
from engine.fields.identity import IdField
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.policy.sight import Sight
from engine.ports import Record
from engine.web.pages.visit import Visit

#: Widgets whose values are numbers: right-aligned, in one width of digits.
NUMBERS = frozenset({"number", "money", "percent"})
MOMENTS = frozenset({"date", "datetime", "time"})

#: How much of a date and time stands in its input, ``2026-11-22T09:59``: browsers refuse more digits of a second than
#: we keep. Seconds of a value that nobody touches are not lost: what is left alone is not written.
MINUTES = 16

#: How many characters of an id stand for a record that has neither title nor key.
SHORT_ID = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A value, ready to draw. ``kind``: empty, text, number, when, status, link, code."""

    kind: str
    text: str
    href: str | None = None
    machine: str | None = None
    color: str = ""
    masked: bool = False


EMPTY = Shown("empty", "")


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value."""

    label: str
    value: Shown
    wide: bool = False


class Presenter:
    """How the records of one model look to one reader."""

    def __init__(self, visit: Visit, model: str) -> None:
        self.visit = visit
        self.model = model
        self.catalog: Catalog = visit.catalog
        self.zone = ZoneInfo(self.catalog.app.timezone)
        self.fields: Mapping[str, Field] = self.catalog.fields(model)
        self.hidden = visit.service.rights.hidden(visit.actor, model)
        self._sees_private = visit.service.rights.sees_private(visit.actor, model)
        self._sight: Sight = visit.reading.sight(visit.actor)
        self._others: dict[str, Presenter] = {}

    def visible(self, name: str) -> bool:
        """Whether the reader may see the field at all."""
        return name not in self.hidden

    def may_search(self, name: str) -> bool:
        """Whether the reader may search and sort by the field: by a masked one it could be guessed."""
        field = self.fields.get(name)
        return field is not None and self.visible(name) and field.stored and (self._sees_private or not field.private)

    def field_at(self, path: str) -> Field:
        """The field at the end of a path through links."""
        name, _, rest = path.partition(".")
        field = self.fields[name]
        return self.other(field.target).field_at(rest) if rest and isinstance(field, LinkField) else field

    def label(self, path: str) -> str:
        """What people call the field at the end of a path; through a link the link's own name where the title is
        meant."""
        presenter, names = self, path.split(".")
        for name in names[:-1]:
            field = presenter.fields[name]
            if not isinstance(field, LinkField):
                break
            target = presenter.other(field.target)
            if names[-1] == target.title_field:
                return self.visit.words.say(field.label, name)
            presenter = target
        return self.visit.words.say(presenter.fields[names[-1]].label, names[-1])

    @property
    def title_field(self) -> str | None:
        """The field that names a record."""
        model = self.catalog.models[self.model]
        return model.title or model.key

    def title(self, record: Record) -> str:
        """What people call the record."""
        model = self.catalog.models[self.model]
        for name in (model.title, model.key):
            if name is not None and record.get(name) is not None and self.visible(name):
                return self.value(self.fields[name], record[name]).text
        return str(record["id"])[-SHORT_ID:]

    def other(self, model: str) -> Presenter:
        """The presenter of another model."""
        if model == self.model:
            return self
        found = self._others.get(model)
        if found is None:
            found = self._others[model] = Presenter(self.visit, model)
        return found

    def at(self, record: Record, path: str) -> Shown:
        """The value at the end of a path of fields; empty where the reader may not see it."""
        name, _, rest = path.partition(".")
        if not self.visible(name):
            return EMPTY
        field, value = self.fields[name], record.get(name)
        if rest and isinstance(field, LinkField):
            if value is None or not self._sight.beyond(field.target, value, rest.split(".")):
                return EMPTY
            return self.other(field.target).at(value, rest)
        value = self.readable(record, field)
        if isinstance(field, IdField) and field.of is not None and value is not None:
            return self._elsewhere(record.get(field.of), value)
        return self.value(field, value, status=name == "status")

    def _elsewhere(self, model: str | None, key: str) -> Shown:
        """A record of a model that another field names: the model, with the way there if the reader may read such."""
        found = self.catalog.models.get(model or "")
        if found is None or model is None:
            return Shown("text", key)
        text = f"{self.visit.words.say(found.label, model)} …{key[-SHORT_ID:]}"
        return Shown("link", text, href=f"/m/{model}/{key}") if self.visit.may_read(model) else Shown("link", text)

    def readable(self, holder: Record, field: Field, rows: str = "") -> Any:
        """What the record, or a row of its ``rows``, has in the field; null where the reader may not see it."""
        place = f"{self.model}.{rows}" if rows else self.model
        value = holder.get(field.name)
        return value if value is not None and self._sight.shows(place, holder, field) else None

    def in_row(self, row: Record, field: Field, rows: str) -> Shown:
        """The value of a field in a row."""
        return self.value(field, self.readable(row, field, rows))

    def value(self, field: Field, value: Any, *, status: bool = False) -> Shown:
        """A value of a field."""
        masked, field = self._sight.masks(self.model, field), source_of(field)
        if value is None or value == "" or value == []:
            return EMPTY
        if isinstance(field, LinkField):
            return self._link(field, value)
        if isinstance(field, RowsField):
            return Shown("number", str(len(value)))
        if masked:
            return Shown("text", str(field.mask(value)), masked=True)
        text = field.display(value, self.visit.language, self.zone)
        if status:
            state = self.catalog.states(self.model).get(value)
            return Shown("status", text, color=(state.color if state is not None else None) or "")
        if field.widget in MOMENTS:
            return Shown("when", text, machine=str(field.wire(value)))
        if field.widget in NUMBERS:
            return Shown("number", text)
        return Shown("code" if field.widget == "json" else "text", text)

    def _link(self, field: LinkField, value: Record) -> Shown:
        """A linked record: its title with the way there if it is this reader's to read. People and teams always have
        a name: who did something is no secret to those who may see what was done."""
        target = self.other(field.target)
        if self._sight.opens(field.target, value):
            return Shown("link", target.title(value), href=f"/m/{field.target}/{value['id']}")
        return Shown("link", self.link_title(field, value))

    def link_title(self, field: LinkField, value: Record) -> str:
        """What people call a linked record, if this reader may know."""
        target = self.other(field.target)
        known = field.target in self.catalog.system_models or self._sight.opens(field.target, value)
        return target.title(value) if known else "…"

    def edit_text(self, field: Field, value: Any) -> str:
        """What stands in the input for a value; masked if it is private to others."""
        if value is None:
            return ""
        if field.private and not self._sees_private:
            return str(field.mask(value))
        text = field.edit_text(value, self.zone)
        if field.widget == "datetime":
            return text[:MINUTES]
        if field.widget == "percent":
            return text.removesuffix("%")
        # Quantities and rates without the zeros that nobody typed; money keeps its cents.
        return text.rstrip("0").rstrip(".") if field.widget == "number" and "." in text else text


def source_of(field: Field) -> Field:
    """The field that says how a value looks: the one at the end of a looked-up path, else the field itself."""
    return field.source if isinstance(field, LookupField) else field


def column_class(field: Field, *, first: bool = False, main: bool = False, status: bool = False) -> str:
    """The CSS classes of a table's column: what it aligns to, and where it goes on the cards of a phone."""
    field = source_of(field)
    classes = ["number"] if field.widget in NUMBERS else ["is-when"] if field.widget in MOMENTS else []
    if status:
        classes.append("is-status")
    elif first:
        classes.append("is-title")
    elif main:
        classes.append("is-main")
    else:
        classes.append("is-rest")
        if field.widget in ("text", "long_text", "link", "address"):
            classes.append("is-text")
    return " ".join(classes)
