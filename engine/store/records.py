"""Records with their rows: read, written and locked as whole things.

In one transaction a record is one dict, however it is reached: read again, it is the same object. Whoever changes it
keeps a ``snapshot`` of what the database holds, and gives both to ``update``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.engine import Dialect

from engine.catalog.catalog import Catalog
from engine.catalog.shapes import HOLDS, PROPOSED
from engine.errors import StaleVersion
from engine.fields.field import ValueFault
from engine.ports import Record
from engine.store.arrays import VALUES, among, array
from engine.store.codec import Bind, Row, bind_function
from engine.store.expanding import Expander, Reads
from engine.store.faults import UniqueViolation
from engine.store.identity import Identity, StoredRecord
from engine.store.inserting import Insert
from engine.store.keys import is_key, new_key
from engine.store.loading import Loader, Some
from engine.store.sequences import Sequences
from engine.store.statement import Statement
from engine.store.tables import PARENT, POSITION, Level, Tables
from engine.store.transaction import Transaction

#: The parameters of an UPDATE that say which row, and in which version.
WHICH, SEEN = "which_id", "seen_version"
#: Which columns an update sets depends on what has changed; so many of these texts stay compiled for each model.
MOST_UPDATES = 256

#: The id of what holds rows, the rows as they are stored, and as they shall be.
Owner = tuple[str, list[Record], list[Record]]


class Writer:
    """The statements that write one level, and the functions that bind to them."""

    def __init__(self, level: Level, dialect: Dialect) -> None:
        self.level = level
        self.names = tuple(level.fields)
        self._dialect = dialect
        first = ("id", PARENT, POSITION) if level.path else ()
        columns = (*first, *self.names)
        self.bind: Bind = bind_function(level, self.names, dialect)
        self.insert = Insert(level.table, columns, dialect)
        table = level.table
        self.delete = Statement(table.delete().where(among(table.c["id"], dialect)), dialect, (VALUES,), raw=True)
        self.below = {name: Writer(below, dialect) for name, below in level.rows.items()}
        self._updates: dict[tuple[str, ...], Statement] = {}

    def update(self, names: tuple[str, ...]) -> Statement:
        """The UPDATE that sets the named columns of one row by its id; of a record in the version that was seen."""
        found = self._updates.get(names)
        if found is None:
            table, which = self.level.table, [WHICH]
            clause = table.update().where(table.c["id"] == bindparam(WHICH))
            if not self.level.path:
                clause = clause.where(table.c["version"] == bindparam(SEEN))
                which.append(SEEN)
            if len(self._updates) >= MOST_UPDATES:
                self._updates.clear()
            found = self._updates[names] = Statement(clause, self._dialect, (*names, *which), columns=names, raw=True)
        return found


class Records:
    """Reads and writes the records of a catalogue."""

    def __init__(
        self, catalog: Catalog, tables: Tables, loader: Loader, expander: Expander, sequences: Sequences
    ) -> None:
        self._catalog = catalog
        self._tables = tables
        self._loader = loader
        self._expander = expander
        self._sequences = sequences
        self._writers: dict[str, Writer] = {}
        self._lookups: dict[str, Statement] = {}

    # Reading --------------------------------------------------------------------------------------------------------

    def load(
        self,
        tx: Transaction,
        model: str,
        ids: Collection[str],
        reads: Reads = frozenset(),
        *,
        lock: bool = False,
        trashed: bool = False,
    ) -> list[Record]:
        """The records that exist, in the order of ``ids``, with their rows and open holds and what ``reads`` leads to.

        ``lock`` keeps other transactions from writing them; ``trashed`` looks in the trash instead.
        """
        wanted = [key for key in ids if is_key(key)]
        rows = self._loader.by_column(tx, model, "id", wanted, trashed=trashed, lock=lock)
        found = {record["id"]: record for record in self._loader.records(tx, model, rows)}
        records = [found[key] for key in dict.fromkeys(wanted) if key in found]
        self._loader.complete(tx, model, records)
        if reads:
            self.expand(tx, model, records, reads)
        return records

    def expand(self, tx: Transaction, model: str, records: Iterable[Record], reads: Reads) -> None:
        """Fills linked records, rows and back links so that everything that ``reads`` names is in memory."""
        self._expander.expand(tx, model, records, reads)

    def adopt(self, tx: Transaction, model: str, record: Record) -> Record:
        """A new record as one that stands for what is stored: from when it is written, what of it is not in memory is
        read when it is asked for."""
        return self._loader.identity(tx).adopt(model, record)

    def some(self, model: str, names: Collection[str]) -> Some:
        """What reads these fields of many records, and no others."""
        return self._loader.some(model, names)

    def lookup(self, tx: Transaction, place: str, texts: Collection[str]) -> dict[str, Record]:
        """The records that the texts mean, ids or keys, by text; texts that mean none are absent. ``place`` is a model,
        or rows of one (``parcel.lines``, by id only)."""
        level = self._tables.level(place)
        by_text: dict[str, Record] = {}
        ids = [text for text in texts if is_key(text)]
        if ids:
            rows = self._loader.by_column(tx, place, "id", ids, trashed=None if level.path else False)
            by_text |= {record["id"]: record for record in self._loader.records(tx, place, rows)}
        key = None if level.path else self._catalog.models[level.model].key
        rest = [text for text in texts if text not in by_text]
        if key is not None and rest:
            by_text |= self._by_key(tx, level, key, rest)
        return by_text

    def resolve(self, tx: Transaction, model: str, texts: Collection[str]) -> dict[str, str]:
        """The ids that the texts mean, ids or keys, by text; texts that mean none are absent."""
        return {text: record["id"] for text, record in self.lookup(tx, model, texts).items()}

    def _by_key(self, tx: Transaction, level: Level, key: str, texts: Collection[str]) -> dict[str, Record]:
        field = level.fields[key]
        values: dict[Any, str] = {}
        for text in texts:
            try:
                values[field.parse_text(text)] = text
            except ValueFault:
                continue  # what the key cannot be is the key of nothing
        rows = self._loader.by_column(tx, level.model, key, values, trashed=False)
        return {values[record[key]]: record for record in self._loader.records(tx, level.model, rows)}

    def snapshot(self, model: str, record: Record) -> Record:
        """A copy of the record as it is now, with copies of its rows; linked records are the same objects."""
        return _copy(record, self._tables.level(model))

    def twin(self, tx: Transaction, model: str, record: Record) -> Record:
        """A copy that may be changed as the record may, and that nobody writes; what has not been read of it yet comes
        when it is asked for."""
        twin = StoredRecord(self.snapshot(model, record))
        twin.identity, twin.place = self._loader.identity(tx), model
        twin.pop(PROPOSED, None)
        return twin

    def also(self, member: str, read: Callable[[Transaction, str, Record], Any]) -> None:
        """Says how a member of records is read that no table holds: from the model and the record. Who says so first
        is asked: the same acts by another clock are not those that read."""
        self._loader.others.setdefault(member, read)

    # Writing --------------------------------------------------------------------------------------------------------

    def insert(self, tx: Transaction, model: str, record: Record) -> None:
        """Writes a new record. Its system columns are given; its rows get their ids here, its sequences their numbers.

        Refused (VALUE_TAKEN) when another record has its unique values."""
        writer = self.writer(model)
        self._sequences.fill(tx, model, record)
        key, moment = record["id"], record["created_at"]
        identity = self._loader.identity(tx)
        identity[model][key] = record
        try:
            tx.insert(writer.insert, [writer.bind(record)])
            self._insert_rows(tx, writer, [record], moment, identity)
            tx.settle()
        except UniqueViolation as violation:
            raise self._tables.taken(violation) from violation

    def _insert_rows(
        self, tx: Transaction, writer: Writer, owners: Sequence[Record], moment: datetime, identity: Identity
    ) -> None:
        for name, below in writer.below.items():
            bind, known = below.bind, identity[below.level.place]
            bound: list[Row] = []
            rows: list[Record] = []
            for owner in owners:
                parent = owner["id"]
                for position, row in enumerate(owner[name]):
                    if row.get("id") is None:
                        row["id"] = new_key(moment)
                    known[row["id"]] = row
                    bound.append(bind(row, parent, position))
                    rows.append(row)
            if bound:
                tx.insert(below.insert, bound)
                self._insert_rows(tx, below, rows, moment, identity)

    def update(self, tx: Transaction, model: str, before: Record, record: Record) -> None:
        """Writes what differs between the two. StaleVersion when the database holds another version than ``before``.

        The caller raises the version; an update that leaves it belongs to the same change as the one before.
        """
        writer = self.writer(model)
        old, new = writer.bind(before), writer.bind(record)
        names = tuple(name for name, a, b in zip(writer.names, old, new, strict=True) if a != b)
        # Rows alone may have changed: the version is tested all the same.
        names = names or ("version",)
        changed = dict(zip(writer.names, new, strict=True))
        values = (*(changed[name] for name in names), record["id"], before["version"])
        try:
            if tx.run(writer.update(names), values) != 1:
                raise StaleVersion(f"{model} {record['id']} is not in version {before['version']} any more")
            for name, below in writer.below.items():
                moment = record["updated_at"]
                self._update_rows(tx, below, [(record["id"], before[name], record[name])], moment)
            tx.settle()
        except UniqueViolation as violation:
            raise self._tables.taken(violation) from violation

    def _update_rows(self, tx: Transaction, writer: Writer, owners: Sequence[Owner], moment: datetime) -> None:
        """Makes the rows of the owners (id, rows before, rows now) equal to what they are now, matched by id."""
        added, changed, gone = [], [], []
        deeper: dict[str, list[Owner]] = {name: [] for name in writer.below}
        known = self._loader.identity(tx)[writer.level.place]
        for parent, before, now in owners:
            past = {row["id"]: (position, row) for position, row in enumerate(before)}
            for position, row in enumerate(now):
                was = past.pop(row.get("id"), None)
                if row.get("id") is None:
                    row["id"] = new_key(moment)
                known[row["id"]] = row
                bound = writer.bind(row, parent, position)
                if was is None:
                    added.append(bound)
                elif bound != writer.bind(was[1], parent, was[0]):
                    changed.append((*bound[2:], bound[0]))
                for name, below in deeper.items():
                    below.append((row["id"], was[1][name] if was is not None else [], row[name]))
            gone += list(past)
            for name, below in deeper.items():
                below += [(key, row[name], []) for key, (_, row) in past.items()]
        # The innermost go first, since theirs is the foreign key; new ones come after what holds them.
        if added:
            tx.insert(writer.insert, added)
        if changed:
            tx.many(writer.update((POSITION, *writer.names)), changed)
        for name, below_owners in deeper.items():
            if below_owners:
                self._update_rows(tx, writer.below[name], below_owners, moment)
        if gone:
            tx.put(writer.delete, (array(gone, writer.level.table.c["id"], self._loader.dialect),))

    def append(self, tx: Transaction, model: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """Writes new records that nobody has in hand: no rows, and fields that are not given are null."""
        writer = self.writer(model)
        blank = {**dict.fromkeys(writer.names), "version": 1}
        if entries:
            tx.insert(writer.insert, [writer.bind({**blank, **entry}) for entry in entries])

    def writer(self, model: str) -> Writer:
        """The statements that write a model."""
        found = self._writers.get(model)
        if found is None:
            found = self._writers[model] = Writer(self._tables.level(model), self._loader.dialect)
        return found


def _copy(record: Record, level: Level) -> Record:
    copy = dict(record)
    for name, below in level.rows.items():
        copy[name] = [_copy(row, below) for row in record[name]]
    if HOLDS in copy:
        copy[HOLDS] = list(copy[HOLDS])
    return copy
