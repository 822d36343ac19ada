"""What is proposed of a record, on its page: each field as it is and as it would be, for whoever has to agree, too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.runtime.versions import Pending, Versions
from engine.store.database import Transaction
from engine.web.pages.labels import event_label
from engine.web.pages.moments import moment_text
from engine.web.pages.present import Fact, Presenter, Shown
from engine.web.pages.timeline import ChangeView
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import default_columns


@dataclass(frozen=True, slots=True)
class ProposalView:
    """What is proposed, by whom and why, what follows from it, and where the record has changed since."""

    what: str
    who: str
    asked: tuple[Fact, ...]
    changes: tuple[ChangeView, ...]
    follows: tuple[ChangeView, ...]
    conflicts: str


def proposal(visit: Visit, tx: Transaction, presenter: Presenter, record: Record) -> ProposalView | None:
    """The card of what is proposed; None where nothing is."""
    found = Versions(visit.reading).pending(tx, visit.actor, presenter.model, record)
    if found is None:
        return None
    by, at = found.proposal["proposed_by"], moment_text(visit, found.proposal["proposed_at"])
    who = str(by["name"] or by["login"]) if by is not None else visit.words("system")
    teller = _Teller(presenter, record, found)
    asked = [
        Fact(visit.words.say(field.label, name), Shown("text", _said(presenter, field, wire)))
        for name, (field, wire) in found.asked.items()
        if not isinstance(field, LinkField | RowsField)
    ]
    return ProposalView(
        what=event_label(visit, presenter.model, found.proposal["event"]),
        who=f"{who} · {at}",
        asked=tuple(asked),
        changes=tuple(teller.changes(found.proposal["changes"])),
        follows=tuple(teller.changes(found.changes.keys() - found.proposal["changes"].keys())),
        conflicts=visit.words.listing(list(dict.fromkeys(visit.words.complaint(one) for one in found.conflicts))),
    )


def _said(presenter: Presenter, field: Field, wire: Any) -> str:
    """What was put in besides; what is masked, or does not fit the field any more, stands as it is."""
    try:
        return field.display(field.parse(wire), presenter.visit.language, presenter.zone)
    except ValueFault:
        return str(wire)


class _Teller:
    """Puts what would change into words."""

    def __init__(self, presenter: Presenter, record: Record, found: Pending) -> None:
        self._presenter = presenter
        self._record = record
        self._found = found
        self._words = presenter.visit.words

    def changes(self, paths: Collection[str]) -> Iterator[ChangeView]:
        """Each of these that the reader may know: fields of the record, then of rows; a row that comes or goes is told
        as a whole."""
        presenter = self._presenter
        for path in self._found.changes:
            if path not in paths:
                continue
            name, *rest = path.split(".")
            field = presenter.fields[name]
            if isinstance(field, RowsField):
                yield self._row(field, self._record[name], self._found.record[name], rest)
            else:
                before, after = presenter.at(self._record, name), presenter.at(self._found.record, name)
                yield ChangeView(presenter.label(name), before.text, after.text)

    def _row(self, field: RowsField, before: list[Record], after: list[Record], rest: list[str]) -> ChangeView:
        """What differs in a row, or in a row of it, named by its key or else by its number."""
        key, *inner = rest
        old, new = _found(before, key), _found(after, key)
        row = new or old or {}
        rows = after if new is not None else before
        number = row[field.key] if field.key is not None else rows.index(row) + 1
        label = f"{self._words.say(field.label, field.name)} {number}"
        if not inner:
            return ChangeView(label, self._whole(field, old), self._whole(field, new))
        part = field.of[inner[0]]
        if isinstance(part, RowsField) and old is not None and new is not None:
            below = self._row(part, old[part.name], new[part.name], inner[1:])
            return ChangeView(f"{label} · {below.label}", below.before, below.after)
        label = f"{label} · {self._words.say(part.label, part.name)}"
        return ChangeView(label, self._text(field, part, old), self._text(field, part, new))

    def _whole(self, field: RowsField, row: Record | None) -> str:
        """A whole row in one line: the columns of its grid that say something."""
        if row is None:
            return ""
        parts: Mapping[str, Field] = {name: field.of[name] for name in default_columns(field)}
        return " · ".join(filter(None, (self._text(field, part, row) for part in parts.values())))

    def _text(self, field: RowsField, part: Field, row: Record | None) -> str:
        return self._presenter.in_row(row, part, field.name).text if row is not None else ""


def _found(rows: list[Record], key: str) -> Record | None:
    """The row of an id in brackets."""
    return next((row for row in rows if f"[{row['id']}]" == key), None)
