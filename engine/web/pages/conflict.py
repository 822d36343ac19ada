"""When two people change one record: what the other one did, beside what this one typed."""

from __future__ import annotations

from engine.fields.rows import RowsField
from engine.ports import Record
from engine.store.database import Transaction
from engine.web.pages.entries import BLANK, Entries, Entry, changed
from engine.web.pages.formview import Change, Conflict, Difference, FormMaker
from engine.web.pages.moments import moment_text
from engine.web.pages.timeline import Teller
from engine.web.pages.visit import Visit


def conflict_between(
    visit: Visit,
    tx: Transaction,
    maker: FormMaker,
    record: Record,
    version: int,
    base: Entries,
    current: Entries,
    mine: Entries,
) -> Conflict:
    """What has changed since ``version``, field by field. ``base`` is what this person saw, ``current`` what is there
    now."""
    theirs = changed(current, base)
    fields: list[Difference] = []
    for name, entry in theirs.own.items():
        own = _text(maker, name, mine.own[name]) if name in mine.own else ""
        fields.append(Difference(maker.presenter.label(name), _text(maker, name, entry), own))
    for name in theirs.rows:
        count = visit.words("row_count", count=len(current.rows[name]))
        own = visit.words("row_count", count=len(mine.rows[name])) if name in mine.rows else ""
        fields.append(Difference(maker.presenter.label(name), count, own))
    entries = visit.reading.timeline(tx, visit.actor, visit.model, record["id"])
    since = [entry for entry in entries if (entry.get("record_version") or 0) > version]
    teller = Teller(visit, tx, maker.presenter, since)
    changes = tuple(Change(teller.who(entry), moment_text(visit, entry["at"])) for entry in since)
    return Conflict(changes, tuple(fields))


def _text(maker: FormMaker, name: str, entry: Entry) -> str:
    """What stood in an input, as people read it."""
    field = maker.fields[name]
    if isinstance(field, RowsField) or entry == BLANK:
        return ""
    labels = getattr(field, "label_of", None)
    if labels is not None:
        language = maker.presenter.visit.language
        return maker.presenter.visit.words.listing([labels(text, language) for text in (entry.many or (entry.text,))])
    return entry.text
