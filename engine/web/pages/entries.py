"""What stands in the inputs of a form: taken from a record or from what was sent, compared, and read as values.

A form is always drawn from entries, never from a record: what somebody typed survives any refusal, as it was typed.

The name of an input is its field's (``note``); in rows ``{field}.{row's key}.{field of the row}``; the hidden input
``{rows field}`` lists the keys in their order. A link has three inputs: the chosen id under the field's name, the
text under ``{name}~text``, and under ``{name}~was`` the text that goes with the id: a different text was typed after
the choice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData

from engine.errors import Complaint
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.ports import Record

TEXT, WAS = "~text", "~was"

#: More rows than this are not drawn in a form; the API takes more.
MOST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the input of one field. ``many`` is for fields with several values, ``id`` and ``was`` for
    links."""

    text: str = ""
    id: str = ""
    was: str = ""
    many: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether nothing was put in."""
        return not self.text.strip() and not self.id and not self.many


BLANK = Entry()


@dataclass(slots=True)
class Row:
    """One row of a grid: its key in the form, its id if it is stored, what stands in it."""

    key: str
    id: str
    entries: dict[str, Entry]

    @property
    def blank(self) -> bool:
        """Whether the row holds nothing. A tick that was left as it is counts as nothing."""
        return all(entry.blank for entry in self.entries.values())


@dataclass(slots=True)
class Entries:
    """What stands in a whole form: its own fields, and the rows of its grids."""

    own: dict[str, Entry] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)


#: From a field and its value to what stands in the input: the presenter's, which masks.
Editor = Callable[[Field, Any], str]
#: From a linked record to the text that people know it by.
Titler = Callable[[LinkField, Record], str]


@dataclass(frozen=True, slots=True)
class Source:
    """How values become entries."""

    edit_text: Editor
    title: Titler

    def entry(self, spec: Field, value: Any) -> Entry:
        """The entry of a value."""
        if value is None:
            return BLANK
        if isinstance(spec, LinkField):
            title = self.title(spec, value)
            return Entry(text=title, id=str(value["id"]), was=title)
        if spec.widget == "choices":
            return Entry(many=tuple(value))
        if spec.widget == "boolean":
            return Entry(text="true" if value else "")
        return Entry(text=self.edit_text(spec, value))

    def of_record(self, fields: Mapping[str, Field], record: Record) -> Entries:
        """The entries of a record."""
        entries = Entries()
        for name, spec in fields.items():
            if isinstance(spec, RowsField):
                entries.rows[name] = [
                    self.of_row(spec.of, row, str(at)) for at, row in enumerate(record.get(name) or (), 1)
                ]
            else:
                entries.own[name] = self.entry(spec, record.get(name))
        return entries

    def of_row(self, fields: Mapping[str, Field], row: Record, key: str) -> Row:
        """The entries of a row. Rows in rows are not edited in a grid, and stay as they are."""
        flat = {
            name: self.entry(spec, row.get(name)) for name, spec in fields.items() if not isinstance(spec, RowsField)
        }
        return Row(key, str(row.get("id") or ""), flat)


def sent(fields: Mapping[str, Field], form: FormData) -> Entries:
    """The entries that came with a request. Fields that the form does not have are left out."""
    entries = Entries()
    for name, spec in fields.items():
        if isinstance(spec, RowsField):
            keys = [key for key in _texts(form, name) if key][:MOST_ROWS]
            if keys or f"{name}~grid" in form:
                entries.rows[name] = [_sent_row(spec.of, form, name, key) for key in keys]
        elif name in form or f"{name}{TEXT}" in form:
            entries.own[name] = _sent_entry(spec, form, name)
    return entries


def _sent_row(fields: Mapping[str, Field], form: FormData, grid: str, key: str) -> Row:
    prefix = f"{grid}.{key}."
    entries = {
        name: _sent_entry(spec, form, prefix + name)
        for name, spec in fields.items()
        if not isinstance(spec, RowsField) and (prefix + name in form or f"{prefix}{name}{TEXT}" in form)
    }
    return Row(key, _text(form, f"{prefix}id"), entries)


def _sent_entry(spec: Field, form: FormData, name: str) -> Entry:
    if isinstance(spec, LinkField):
        return Entry(text=_text(form, name + TEXT), id=_text(form, name), was=_text(form, name + WAS))
    if spec.widget == "choices":
        return Entry(many=tuple(text for text in _texts(form, name) if text))
    return Entry(text=_text(form, name))


def _texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _text(form: FormData, name: str) -> str:
    """The last text of that name: a ticked box comes after the hidden input that stands for an empty one."""
    texts = _texts(form, name)
    return texts[-1] if texts else ""


def without_blank_rows(entries: Entries) -> Entries:
    """The entries without new rows that nobody filled in."""
    return replace(
        entries, rows={name: [row for row in rows if row.id or not row.blank] for name, rows in entries.rows.items()}
    )


def changed(entries: Entries, before: Entries) -> Entries:
    """The entries that differ from those of the record: a field left alone is not written, so that a masked value
    stays what it is, and a right to change some fields is enough to change those."""
    own = {name: entry for name, entry in entries.own.items() if not _same(entry, before.own.get(name, BLANK))}
    rows: dict[str, list[Row]] = {}
    for name, given in entries.rows.items():
        old = {row.id: row for row in before.rows.get(name, ())}
        slim = [
            Row(
                row.key,
                row.id,
                {
                    n: e
                    for n, e in row.entries.items()
                    if row.id not in old or not _same(e, old[row.id].entries.get(n, BLANK))
                },
            )
            for row in given
        ]
        if [row.id for row in given] != list(old) or any(row.entries for row in slim):
            rows[name] = slim
    return Entries(own, rows)


def _same(entry: Entry, before: Entry) -> bool:
    if entry.id or before.id:
        return entry.id == before.id and entry.text == before.text
    # A browser sends line breaks as CR LF, whatever stood there.
    return entry.text.replace("\r\n", "\n").strip() == before.text.strip() and entry.many == before.many


class Reader:
    """Reads entries as values for the service. ``find_link`` turns a typed text into an id where exactly one record
    has that title; else the text goes on, as a key."""

    def __init__(self, zone: ZoneInfo, find_link: Callable[[str, str], str | None]) -> None:
        self.zone = zone
        self.find_link = find_link
        self.complaints: list[Complaint] = []

    def values(self, fields: Mapping[str, Field], entries: Entries) -> dict[str, Any]:
        """The values; what cannot be read is in ``complaints``, and left out."""
        result = self._level(fields, entries.own, "")
        for name, rows in entries.rows.items():
            spec = fields[name]
            assert isinstance(spec, RowsField)
            result[name] = [self._row(spec.of, row, f"{name}[{at}].") for at, row in enumerate(rows)]
        return result

    def _row(self, fields: Mapping[str, Field], row: Row, place: str) -> dict[str, Any]:
        values = self._level(fields, row.entries, place)
        return {"id": row.id, **values} if row.id else values

    def _level(self, fields: Mapping[str, Field], entries: Mapping[str, Entry], place: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, entry in entries.items():
            try:
                values[name] = self._value(fields[name], entry)
            except ValueFault as fault:
                self.complaints.append(Complaint(place + name, fault.code, fault.message, fault.values))
        return values

    def _value(self, spec: Field, entry: Entry) -> Any:
        if spec.widget == "boolean":
            return entry.text == "true"
        if isinstance(spec, LinkField):
            return self._link(spec, entry)
        if entry.blank:
            return None
        if spec.widget == "choices":
            return list(entry.many)
        text = entry.text.strip()
        # The sign stands beside the input, not in it.
        return spec.parse_text(f"{text}%" if spec.widget == "percent" and text[-1].isdigit() else text, self.zone)

    def _link(self, spec: LinkField, entry: Entry) -> str | None:
        text = entry.text.strip()
        if entry.id and text == entry.was.strip():
            return entry.id
        return (self.find_link(spec.target, text) or text) if text else None


def places(entries: Entries) -> Callable[[str], str]:
    """From the place of a complaint (``lines[2].quantity``) to the name of its input (``lines.k7.quantity``)."""

    def name(at: str) -> str:
        head, bracket, rest = at.partition("[")
        number, _, inner = rest.partition("]")
        if not bracket or head not in entries.rows or not number.isdecimal():
            return at
        rows = entries.rows[head]
        if int(number) >= len(rows):
            return head
        field_name = inner.removeprefix(".").partition("[")[0].partition(".")[0]
        return f"{head}.{rows[int(number)].key}.{field_name}" if field_name else head

    return name


def dump(entries: Entries) -> str:
    """The entries as text for a hidden input: what the form showed at first, to tell later what somebody changed."""
    rows = {name: [[row.key, row.id, _plain(row.entries)] for row in rows] for name, rows in entries.rows.items()}
    return json.dumps([_plain(entries.own), rows], ensure_ascii=False, separators=(",", ":"))


def load(text: str) -> Entries | None:
    """The entries of such a text; None when it is none (a form that some other program has sent)."""
    try:
        own, rows = json.loads(text)
        return Entries(
            {str(name): _entry(parts) for name, parts in own.items()},
            {
                str(name): [
                    Row(str(key), str(row_id), {str(n): _entry(parts) for n, parts in inner.items()})
                    for key, row_id, inner in lines
                ]
                for name, lines in rows.items()
            },
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _plain(entries: Mapping[str, Entry]) -> dict[str, list[Any]]:
    return {
        name: [entry.text, entry.id, entry.was, list(entry.many)] for name, entry in entries.items() if not entry.blank
    }


def _entry(parts: Any) -> Entry:
    text, key, was, many = parts
    return Entry(str(text), str(key), str(was), tuple(map(str, many)))


def overlaid(current: Entries, mine: Entries) -> Entries:
    """The present entries of a record with somebody's own changes on top."""
    own = {**current.own, **mine.own}
    rows = dict(current.rows)
    for name, lines in mine.rows.items():
        there = {row.id: row for row in current.rows.get(name, ())}
        rows[name] = [
            Row(row.key, row.id, {**there[row.id].entries, **row.entries})
            if row.id in there
            else Row(row.key, "", row.entries)
            for row in lines
        ]
    return Entries(own, rows)
