"""The tables of an application: one for each model, one for each of its rows fields.

They carry what a definition says and nothing of how it looks. There are foreign keys from rows to their record only: a
link is resolved in the transaction that writes it, and records are moved to the trash, never deleted under a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, text

from engine.catalog.catalog import Catalog
from engine.catalog.feature_indexes import features_indexes
from engine.errors import Complaint, Refused
from engine.fields.columns import Key
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.store.faults import UniqueViolation
from engine.store.technical import add_technical_tables

Path = tuple[str, ...]

#: The columns of rows tables that are no fields. Names of fields start with a letter.
PARENT, POSITION = "_parent", "_position"
#: PostgreSQL cuts longer names off.
LONGEST_NAME = 63
#: Records in the trash are out of the way: they take no index space, and their unique values are free again.
KEPT = text("deleted_at IS NULL")


@dataclass(frozen=True)
class Level:
    """One table: a model's own (``path`` empty), or that of the rows at the path.

    ``fields`` are the columns in the order of the definition, ``rows`` the levels below, ``live`` the fields without a
    column: they are worked out when a record is read.
    """

    model: str
    path: Path
    table: Table
    fields: Mapping[str, Field]
    rows: Mapping[str, Level]
    rows_fields: Mapping[str, Field]
    live: Mapping[str, Field]

    @property
    def all_fields(self) -> Mapping[str, Field]:
        """The fields that are kept in this table or in one below."""
        return {**self.fields, **self.rows_fields}

    @property
    def place(self) -> str:
        """How links name it: ``parcel``, ``parcel.lines``."""
        return ".".join((self.model, *self.path))


class Tables:
    """All tables of a catalogue, and the engine's own beside them."""

    def __init__(self, catalog: Catalog) -> None:
        self.metadata = MetaData()
        #: Which columns of which model a unique index is over, by its name.
        self.unique: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._catalog = catalog
        self._levels: dict[str, Level] = {}
        for model in catalog.models:
            for level in _all(self._level(model, (), catalog.fields(model), None)):
                self._levels[level.place] = level
            self._add_indexes(model)
        add_technical_tables(self.metadata)

    def level(self, place: str) -> Level:
        """The level of a model (``parcel``) or of rows (``parcel.lines``). KeyError when there is none."""
        return self._levels[place]

    def levels(self) -> Iterator[Level]:
        """All levels of all models, a model's own before those of its rows."""
        yield from self._levels.values()

    def __getitem__(self, model: str) -> Table:
        """The table of a model."""
        return self._levels[model].table

    def rows(self, model: str, path: Path) -> Table:
        """The table of the rows at the path."""
        return self._levels[".".join((model, *path))].table

    def taken(self, violation: UniqueViolation) -> Refused:
        """The refusal that tells a caller which fields must be unique."""
        place = violation.table.replace("__", ".")
        model, columns = self.unique.get(violation.index or "", (place, violation.columns))
        message = f"there is a {model} with the same {' and '.join(columns)}"
        complaints = [Complaint(column, "VALUE_TAKEN", message, {"model": model}) for column in columns]
        return Refused(message, code="VALUE_TAKEN", complaints=complaints)

    def _level(self, model: str, path: Path, fields: Mapping[str, Field], parent: Table | None) -> Level:
        live = self._catalog.live_fields(model) if not path else frozenset()
        stored = {name: field for name, field in fields.items() if field.stored and name not in live}
        columns: list[Column[object]] = []
        if parent is not None:
            # A row's id is no field of its own, as a record's is.
            columns.append(Column("id", Key(), primary_key=True))
            owner = ForeignKey(parent.c["id"], ondelete="CASCADE")
            columns.append(Column(PARENT, Key(), owner, nullable=False))
            columns.append(Column(POSITION, Integer(), nullable=False))
        columns += [_column(name, field, own=parent is None) for name, field in stored.items()]
        # Rows are narrow and many: in SQLite they lie in the tree of their primary key (sqlite.org/withoutrowid.html).
        table = Table("__".join((model, *path)), self.metadata, *columns, sqlite_with_rowid=parent is None)
        if parent is not None:
            Index(index_name("ix", table, (PARENT, POSITION)), table.c[PARENT], table.c[POSITION])
            for name, field in stored.items():
                if field.unique:
                    index = Index(index_name("uq", table, (name,)), table.c[name], unique=True)
                    self.unique[str(index.name)] = (".".join((model, *path)), (name,))
        below = {
            name: self._level(model, (*path, name), dict(field.of), table)
            for name, field in fields.items()
            if isinstance(field, RowsField)
        }
        holding = {name: fields[name] for name in below}
        unstored = {name: field for name, field in fields.items() if name not in stored and name not in below}
        return Level(model, path, table, stored, below, holding, unstored)

    def _add_indexes(self, model: str) -> None:
        definition, level = self._catalog.models[model], self._levels[model]
        single = [name for name, field in level.fields.items() if field.unique or name == definition.key]
        for names in dict.fromkeys([*((name,) for name in single), *definition.unique]):
            index = _kept_index("uq", level.table, names, unique=True)
            self.unique[str(index.name)] = (model, names)
        # A link with a name on the other side is followed backwards.
        back = [(name,) for name, field in level.fields.items() if isinstance(field, LinkField) and field.back]
        for names in dict.fromkeys([*back, *definition.index, *features_indexes(self._catalog).get(model, ())]):
            # With the id behind them they also give the order of pages.
            _kept_index("ix", level.table, (*names, "id") if names[-1] != "id" else names, unique=False)


def _column(name: str, field: Field, *, own: bool) -> Column[object]:
    """The field's column. Nullable though the field be required: a field that becomes so later meets old records."""
    if own and name == "id":
        return Column(name, Key(), primary_key=True)
    return Column(name, field.column_type(), nullable=not (own and name == "version"))


def _kept_index(prefix: str, table: Table, names: Path, *, unique: bool) -> Index:
    return Index(
        index_name(prefix, table, names),
        *(table.c[name] for name in names),
        unique=unique,
        sqlite_where=KEPT,
        postgresql_where=KEPT,
    )


def index_name(prefix: str, table: Table, columns: Path) -> str:
    """A name that says what the index is over; where that is too long, its beginning and a hash."""
    name = "_".join((prefix, table.name, *columns))
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}_{sha256(name.encode()).hexdigest()[:8]}"


def _all(level: Level) -> Iterator[Level]:
    yield level
    for below in level.rows.values():
        yield from _all(below)
