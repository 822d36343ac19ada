"""Records as they were at a moment that is gone: what is there now, less what their history says has happened since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine.catalog.shapes import HOLDS, PROPOSED
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.store.history import HISTORY
from engine.store.store import Store
from engine.store.transaction import Transaction

#: Keys in one statement: databases limit its parameters.
MOST_KEYS = 5_000
#: What is read of every record, whatever the paths say.
ALWAYS = ("id", "version", "status", "created_at")

Paths = frozenset[tuple[str, ...]]
#: The names of the fields that hold rows, and of those in the rows.
RowsFields = Mapping[str, "RowsFields"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in the history: the time of an act, and the entry that it has left about the record at hand."""

    at: datetime
    entry: str | None = None


class Past:
    """Reads records as of moments, with what some paths lead to from them."""

    def __init__(self, store: Store, reads: Paths, model: str) -> None:
        """Records of the model with what the paths read; other fields are missing, unless rows or holds are read."""
        self._store = store
        self._catalog = store.catalog
        self._reads = self._with_lookups(model, reads)
        self._lookups = [
            (name, found.steps)
            for name, found in self._catalog.fields(model).items()
            if isinstance(found, LookupField) and any(path[0] == name for path in reads)
        ]
        self._model = model
        #: Most of a record is not read: only what the paths begin with.
        self._some = store.records.some(model, {*ALWAYS, *(path[0] for path in self._reads)})
        self._rows: dict[str, RowsFields] = {}

    def _with_lookups(self, model: str, reads: Paths) -> Paths:
        fields = self._catalog.fields(model)
        found = [fields.get(path[0]) for path in reads]
        return reads | {field.steps for field in found if isinstance(field, LookupField)}

    @property
    def only_present(self) -> frozenset[str]:
        """What the paths read that has no history of its own: it is as it is now. Links back, holds, what is proposed,
        and fields that are worked out from those."""
        now = {HOLDS, PROPOSED, *self._catalog.back_links(self._model), *self._catalog.live_fields(self._model)}
        return frozenset(path[0] for path in self._reads) & now

    def records(self, tx: Transaction, asked: Sequence[tuple[str, Moment]]) -> list[Record | None]:
        """The record of each id as of its moment; None for one that is gone for good or lies in the trash."""
        ids = list(dict.fromkeys(key for key, _ in asked))
        present = self._present(tx, ids)
        later = self._later(tx, _earliest((key, moment) for key, moment in asked if key in present))
        made: list[Record | None] = []
        held: list[tuple[Record, Moment]] = []
        for key, moment in asked:
            record = present.get(key)
            if record is None:
                made.append(None)
                continue
            copy = self._undone(self._model, record, later.get(key, ()), moment)
            if PROPOSED in self.only_present:
                copy[PROPOSED] = record[PROPOSED]
            made.append(copy)
            held.append((copy, moment))
        self._follow(tx, self._model, held, self._reads)
        for copy, _ in held:
            for name, steps in self._lookups:
                copy[name] = _walk(copy, steps)
        return made

    def _present(self, tx: Transaction, ids: Sequence[str]) -> dict[str, Record]:
        """The records as they are now; with their rows only where these are read, for most data lies in rows."""
        beyond = {HOLDS, PROPOSED, *self._rows_of(self._model)}
        if any(path[0] in beyond for path in self._reads):
            return {record["id"]: record for record in self._store.records.load(tx, self._model, ids)}
        return self._some.read(tx, ids)

    def _later(self, tx: Transaction, moments: Mapping[str, Moment]) -> dict[str, list[Any]]:
        """What the history of records tells of the time after their moments, by record, the newest first."""
        if not moments:
            return {}
        table = self._store.tables[HISTORY]
        at, key, record = table.c["at"], table.c["id"], table.c["record"]
        since = min(moment.at for moment in moments.values())
        # Most entries are of the time before; what they hold is long, and need not be read.
        # The index tells it all, but only of entries that are not in the trash; none ever is.
        there = table.c["deleted_at"].is_(None)
        query = select(record, at, key).where(record.in_(list(moments)), at >= since, there)
        wanted = [row["id"] for row in tx.core(query) if _after(row, moments[str(row["record"])])]
        found: dict[str, list[Any]] = {}
        for start in range(0, len(wanted), MOST_KEYS):
            part = select(record, at, key, table.c["changes"]).where(key.in_(wanted[start : start + MOST_KEYS]))
            for row in tx.core(part):
                found.setdefault(str(row["record"]), []).append(row)
        for rows in found.values():
            rows.sort(key=lambda row: (row["at"], str(row["id"])), reverse=True)
        return found

    def _rows_of(self, model: str) -> RowsFields:
        found = self._rows.get(model)
        if found is None:
            found = self._rows[model] = _rows_fields(self._catalog.fields(model))
        return found

    def _undone(self, model: str, record: Record, entries: Iterable[Any], moment: Moment) -> Record:
        """A copy of the record without what the entries after the moment have changed."""
        fields = self._catalog.fields(model)
        copy = _copied(record, self._rows_of(model))
        for entry in entries:
            if not _after(entry, moment):
                break
            for path, (before, _after_it) in (entry["changes"] or {}).items():
                _set(copy, fields, path.split("."), before)
        return copy

    def _follow(self, tx: Transaction, place: str, held: Sequence[tuple[Record, Moment]], reads: Paths) -> None:
        """Puts linked records as of the same moments behind the links that the paths follow."""
        if not held:
            return
        holders = [record for record, _ in held]
        self._store.records.expand(tx, place, holders, reads)
        model, *rows = place.split(".")
        fields = self._catalog.row_fields(model, rows)
        tails: dict[str, set[tuple[str, ...]]] = {}
        for path in reads:
            if len(path) > 1:
                tails.setdefault(path[0], set()).add(path[1:])
        for name, below in tails.items():
            field = fields.get(name)
            if isinstance(field, RowsField):
                inner = [(row, Moment(moment.at)) for record, moment in held for row in record[name]]
                self._follow(tx, f"{place}.{name}", inner, frozenset(below))
            elif isinstance(field, LinkField) and below != {("id",)}:
                self._link(tx, field.target, name, held, frozenset(below))

    def _link(
        self, tx: Transaction, target: str, name: str, held: Sequence[tuple[Record, Moment]], reads: Paths
    ) -> None:
        if "." in target:  # rows of another record: as they are now
            return
        linked = ((record[name]["id"], Moment(moment.at)) for record, moment in held if record[name] is not None)
        later = self._later(tx, _earliest(linked))
        copies: list[tuple[Record, Moment]] = []
        for record, moment in held:
            found = record[name]
            if found is not None:
                then = Moment(moment.at)
                record[name] = self._undone(target, found, later.get(found["id"], ()), then)
                copies.append((record[name], then))
        self._follow(tx, target, copies, reads)


def _after(entry: Mapping[str, Any], moment: Moment) -> bool:
    if entry["at"] != moment.at:
        return bool(entry["at"] > moment.at)
    return moment.entry is not None and str(entry["id"]) > moment.entry


def _earliest(asked: Iterable[tuple[str, Moment]]) -> dict[str, Moment]:
    """The earliest moment at which each record is asked for."""
    found: dict[str, Moment] = {}
    for key, moment in asked:
        known = found.get(key)
        if known is None or (moment.at, moment.entry or "") < (known.at, known.entry or ""):
            found[key] = moment
    return found


def _set(record: Record, fields: Mapping[str, Field], path: Sequence[str], wire: Any) -> None:
    """Puts the wire form of a value back where it was. Fields that are no more, or not read, are passed over."""
    name, *rest = path
    field = fields.get(name)
    if field is None or name not in record:
        return
    if not rest:
        record[name] = _value(field, wire)
        return
    if not isinstance(field, RowsField):
        return
    key, *inner = rest
    rows: list[Record] = record[name]
    row = next((each for each in rows if f"[{each['id']}]" == key), None)
    if inner:
        if row is not None:
            _set(row, field.of, inner, wire)
    elif wire is None:
        record[name] = [each for each in rows if each is not row]
    elif row is None:
        rows.append({"id": key.strip("[]"), **_row(field, wire)})
        by = field.key
        if by is not None:
            rows.sort(key=lambda each: (each[by] is None, each[by]))


def _rows_fields(fields: Mapping[str, Field]) -> RowsFields:
    return {name: _rows_fields(field.of) for name, field in fields.items() if isinstance(field, RowsField)}


def _copied(record: Record, rows: RowsFields) -> Record:
    """A copy with copies of the rows that have been read."""
    copy = dict(record)
    for name, inner in rows.items():
        if name in copy:
            copy[name] = [_copied(row, inner) for row in copy[name]]
    return copy


def _row(field: RowsField, wire: Mapping[str, Any]) -> Record:
    return {
        name: [{"id": None, **_row(inner, each)} for each in wire.get(name, ())]
        if isinstance(inner, RowsField)
        else _value(inner, wire.get(name))
        for name, inner in field.of.items()
    }


def _value(field: Field, wire: Any) -> Any:
    if wire is None:
        return None
    return {"id": wire["id"] if isinstance(wire, dict) else wire} if isinstance(field, LinkField) else field.parse(wire)


def _walk(record: Record | None, steps: Sequence[str]) -> Any:
    found: Any = record
    for step in steps:
        found = found.get(step) if found is not None else None
    return found
