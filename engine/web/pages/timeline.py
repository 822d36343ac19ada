"""What has happened to a record, as people read it: who, when, and each change from what to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.runtime.service import SYSTEM
from engine.store.database import Transaction
from engine.web.pages.labels import event_label
from engine.web.pages.moments import moment_text
from engine.web.pages.present import Presenter
from engine.web.pages.visit import Visit

#: An entry with so many changes or fewer shows them at once.
OPEN_UP_TO = 4


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A field and what it was before and after, as text; empty where it had no value."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One act on the record."""

    sort: str
    what: str
    who: str
    when: str
    machine: str
    summary: str
    changes: tuple[ChangeView, ...]
    open: bool


#: What the acts of the history are called; any other is an event's name after a colon.
ACTS = {"create": "created", "update": "changed", "delete": "deleted", "restore": "restored", "migrate": "migrated"}

#: Fields that say what the entry's title says already.
TOLD = frozenset({"deleted_at"})


def timeline(
    visit: Visit, tx: Transaction, presenter: Presenter, record: Record, history: list[dict[str, Any]]
) -> list[TimelineEntry]:
    """The entries, newest first: what changed the record, by its history, and what held it up."""
    holds = list(visit.reading.page(tx, SYSTEM, "hold", where="record == " + _quoted(record["id"]), limit=100).records)
    teller = Teller(visit, tx, presenter, history)
    # Sorting is stable: of one moment the holds stand on top, for they follow from what happened.
    told = [pair for hold in holds for pair in teller.hold(hold)]
    told += [(entry["at"], teller.entry(entry)) for entry in history]
    return [entry for _, entry in sorted(told, key=lambda pair: pair[0], reverse=True)]


def _quoted(text: str) -> str:
    return f'"{text}"'


class Teller:
    """Puts the entries of one record into words."""

    def __init__(self, visit: Visit, tx: Transaction, presenter: Presenter, history: list[dict[str, Any]]) -> None:
        self.visit = visit
        self.presenter = presenter
        self._titles = _titles(visit, tx, presenter, history)

    def entry(self, entry: Mapping[str, Any]) -> TimelineEntry:
        """An entry of the history."""
        words = self.visit.words
        act = str(entry["act"])
        kind, _, event = act.partition(":")
        what = words(ACTS[act]) if act in ACTS else event_label(self.visit, self.presenter.model, event or kind)
        changes = list(self._changes(entry["changes"] or {}, new=act == "create"))
        return self._told("event" if event else kind, what, self.who(entry), entry["at"], changes)

    def hold(self, hold: Record) -> Iterator[tuple[datetime, TimelineEntry]]:
        """A hold: when it was placed, and when it was released."""
        words = self.visit.words
        name = words.say(hold["message"]) if hold["message"] else hold["name"]
        yield (
            hold["opened_at"],
            self._told("hold", words("hold_placed", name=name), self._person(hold["opened_by"]), hold["opened_at"], []),
        )
        if hold["released_at"] is not None:
            why = [ChangeView(words("release_why"), "", hold["why"])] if hold["why"] else []
            what, who = words("hold_released", name=name), self._person(hold["released_by"])
            yield hold["released_at"], self._told("release", what, who, hold["released_at"], why)

    def _told(self, sort: str, what: str, who: str, at: datetime, changes: list[ChangeView]) -> TimelineEntry:
        labels = list(dict.fromkeys(change.label for change in changes))
        return TimelineEntry(
            sort=sort,
            what=what,
            who=who,
            when=moment_text(self.visit, at),
            machine=at.isoformat(),
            summary=self.visit.words.listing(labels[:OPEN_UP_TO]) + ("…" if len(labels) > OPEN_UP_TO else ""),
            changes=tuple(changes),
            open=len(changes) <= OPEN_UP_TO and sort != "create",
        )

    def who(self, entry: Mapping[str, Any]) -> str:
        """Who did it, by name."""
        if entry["actor"] is not None:
            return self._person(entry["actor"])
        name = entry["actor_name"]
        return name if name and name != SYSTEM.login else self.visit.words("system")

    def _person(self, user: Record | None) -> str:
        if user is None:
            return self.visit.words("system")
        return self._titles.get(("user", user["id"])) or self.presenter.other("user").title(user)

    # Changes --------------------------------------------------------------------------------------------------------

    def _changes(self, changes: Mapping[str, Any], *, new: bool) -> Iterator[ChangeView]:
        """Each changed field; rows that came or went as a count."""
        came: Counter[str] = Counter()
        went: Counter[str] = Counter()
        for path, (before, after) in changes.items():
            parts = path.split(".")
            field = self.presenter.fields.get(parts[0])
            if field is None or parts[0] in TOLD:
                continue
            if isinstance(field, RowsField):
                if len(parts) == 2:
                    (came if before is None else went)[parts[0]] += 1
                else:
                    yield self._in_row(field, parts, before, after)
            elif not (new and after is None):
                yield ChangeView(self.presenter.label(parts[0]), self._text(field, before), self._text(field, after))
        for counts, key in ((came, "rows_added"), (went, "rows_removed")):
            for name, count in counts.items():
                yield ChangeView(self.presenter.label(name), "", self.visit.words(key, count=count))

    def _in_row(self, rows: RowsField, parts: list[str], before: Any, after: Any) -> ChangeView:
        """A field of a row; of a row in a row that row's field."""
        label = self.visit.words.say(rows.label, rows.name)
        inner: Field = rows
        for name in parts[2::2]:
            if isinstance(inner, RowsField):
                inner = inner.of[name]
                label = f"{label} · {self.visit.words.say(inner.label, name)}"
        return ChangeView(label, self._text(inner, before), self._text(inner, after))

    def _text(self, field: Field, wire: Any) -> str:
        """A value of the history, as people read it. What is masked, or no longer fits the field, stands as it is."""
        if wire is None:
            return ""
        if isinstance(field, LinkField):
            return self._titles.get((field.target, str(wire)), "…")
        try:
            return self.presenter.value(field, field.parse(wire)).text
        except ValueFault:
            return str(wire)


def _titles(
    visit: Visit, tx: Transaction, presenter: Presenter, history: list[dict[str, Any]]
) -> dict[tuple[str, str], str]:
    """The titles of all records that the history links to, as far as this reader may read them; people always have a
    name."""
    wanted: dict[str, set[str]] = {
        "user": {str(entry["actor"]["id"]) for entry in history if entry["actor"] is not None}
    }
    for entry in history:
        for path, values in (entry["changes"] or {}).items():
            field = _field_at(presenter.fields, path)
            if isinstance(field, LinkField):
                wanted.setdefault(field.target, set()).update(str(value) for value in values if isinstance(value, str))
    titles: dict[tuple[str, str], str] = {}
    for model, ids in wanted.items():
        reader = SYSTEM if model == "user" else visit.actor
        if not ids or not visit.service.rights.rows(reader, model, "read"):
            continue
        where = f"id in [{', '.join(map(_quoted, sorted(ids)))}]"
        for record in visit.reading.page(tx, reader, model, where=where, limit=500).records:
            titles[model, str(record["id"])] = presenter.other(model).title(record)
    return titles


def _field_at(fields: Mapping[str, Field], path: str) -> Field | None:
    """The field that a path of the history is about; None for a row that came or went, and for a field that is no
    more."""
    found: Field | None = None
    for name in path.split(".")[::2]:
        found = fields.get(name)
        fields = found.of if isinstance(found, RowsField) else {}
    return found
