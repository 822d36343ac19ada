"""What has to be done so that the tables of a database become those of a catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.fields.field import Field
from engine.fields.sequence import SequenceField
from engine.store.migrate.operations import (
    AddColumn,
    ConvertColumn,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropIndex,
    DropTable,
    Operation,
    RebuildTable,
    RenameColumn,
    RenameTable,
    RenameValues,
)
from engine.store.migrate.schema import IndexSchema, Schema, TableSchema, table_schema
from engine.store.tables import Level, Tables
from engine.store.technical import SEQUENCE


class Unchangeable(EngineError):
    """A table differs in a way that no application of definitions brings about: it was changed by other hands."""


@dataclass(frozen=True)
class Renames:
    """Which tables and columns had another name, by what they are called from now on."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def table(self, name: str) -> str:
        """What the table is called in the database."""
        return self.tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """What the column is called in the database."""
        return self.columns.get(table, {}).get(name, name)


def wanted(tables: Tables, dialect: str) -> Schema:
    """The schemas of all tables of a catalogue, parents before their children."""
    with_rowid = dialect != "sqlite"
    return {name: table_schema(table, with_rowid=with_rowid) for name, table in tables.metadata.tables.items()}


# Renames --------------------------------------------------------------------------------------------------------------


def find_renames(catalog: Catalog, tables: Tables, have: Schema) -> Renames:
    """What ``was:`` in models and fields means for this database. One that has been followed has no effect any more."""
    renamed: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    for model, definition in catalog.models.items():
        _follow(catalog, tables.level(model), model, definition.was, have, renamed, columns)
    return Renames(renamed, columns)


def _follow(
    catalog: Catalog,
    level: Level,
    same: str,
    was: str | None,
    have: Schema,
    tables: dict[str, str],
    columns: dict[str, dict[str, str]],
) -> None:
    """Notes what has been renamed at a level and below; ``same`` and ``was`` are what the table may be called."""
    new = level.table.name
    old = next((name for name in (same, was) if name in have), None)
    if old is None:
        return  # it is new, and so are the rows below it
    if old != new:
        tables[new] = old
    there = have[old].columns
    for name, found in level.fields.items():
        if name not in there and found.was in there and found.was not in level.fields:
            columns.setdefault(new, {})[name] = str(found.was)
    fields: Mapping[str, Field] = catalog.row_fields(level.model, level.path)
    for name, below in level.rows.items():
        before = fields[name].was
        _follow(
            catalog, below, f"{old}__{name}", f"{old}__{before}" if before is not None else None, have, tables, columns
        )


def renamed_values(catalog: Catalog, tables: Tables, have: Schema, renames: Renames) -> Iterator[RenameValues]:
    """The steps by which renamed models and sequences keep what is kept under their names: in the ``model`` column of
    system models, and among the counters."""
    naming = [model for model in catalog.system_models if "model" in catalog.models[model].fields]
    for model in catalog.models:
        old = renames.table(model)
        for table in naming if old != model else ():
            if table in have and "model" in have[table].columns:
                yield RenameValues(table, "model", old, model)
        for name, found in tables.level(model).fields.items():
            before, after = f"{old}.{renames.column(model, name)}", f"{model}.{name}"
            if isinstance(found, SequenceField) and before != after and SEQUENCE in have:
                yield RenameValues(SEQUENCE, "name", before, after)


# Comparing ------------------------------------------------------------------------------------------------------------


def compare(
    have: Schema, want: Schema, renames: Renames, ours: Collection[str], renamed_values: Iterable[Operation] = ()
) -> tuple[Operation, ...]:
    """The steps in their order. What takes something away comes first and speaks of present names, so that it can be
    counted beforehand. Tables that are none of ``ours`` are left alone."""
    present = {renames.table(new) for new in want}
    gone = [name for name in have if name in ours and name not in present]
    changes = [_Change(new, have, want, renames) for new in want if renames.table(new) in have]
    return (
        *(step for change in changes for step in change.dropped_indexes()),
        *(DropIndex(name, index, schema) for name in gone for index, schema in have[name].indexes.items()),
        *(step for change in changes for step in change.dropped_columns()),
        *(DropTable(name, _bare(have[name])) for name in sorted(gone, key=lambda name: -_depth(name, have))),
        *(step for change in changes for step in change.conversions()),
        *(step for change in changes for step in change.renames()),
        *(step for change in changes for step in change.added_columns()),
        *(step for change in changes for step in change.rebuilt()),
        *renamed_values,
        *(CreateTable(new, _bare(want[new])) for new in want if renames.table(new) not in have),
        *(step for change in changes for step in change.created_indexes()),
        *(step for new in want if renames.table(new) not in have for step in _indexes(new, want[new].indexes)),
    )


def _depth(name: str, schema: Schema) -> int:
    parent = schema[name].parent
    return 0 if parent is None or parent not in schema else 1 + _depth(parent, schema)


def _bare(table: TableSchema) -> TableSchema:
    """The table without its indexes, which are created when the rows are there."""
    return TableSchema(table.columns, table.primary, {}, table.parent, table.unique, table.rowid)


def _indexes(table: str, indexes: Mapping[str, IndexSchema]) -> Iterator[CreateIndex]:
    for name, index in indexes.items():
        yield CreateIndex(table, name, index)


class _Change:
    """How a table that stays differs."""

    def __init__(self, new: str, have: Schema, want: Schema, renames: Renames) -> None:
        self._new = new
        self._old = renames.table(new)
        self._have, self._want = have[self._old], want[new]
        self._renamed = renames.columns.get(new, {})
        self._parent = renames.table(self._want.parent) if self._want.parent is not None else None
        self._is_parent = any(table.parent == self._old for table in have.values())
        self._rebuilds = self._differs()
        converts = any(
            self._have.columns[name].kind != column.kind
            for name, column in self._want.columns.items()
            if name in self._have.columns
        )
        if self._rebuilds and (self._is_parent or self._old != new or converts):
            raise Unchangeable(
                f"the table {self._old} has not the constraints that it should have, and cannot be brought to them"
            )

    def _before(self, name: str) -> str:
        return self._renamed.get(name, name)

    def _differs(self) -> bool:
        """Whether constraints differ, for which there are no steps but to write the table anew."""
        have, want = self._have, self._want
        if (have.primary, have.parent, have.unique) != (want.primary, self._parent, want.unique):
            return True
        if have.rowid != want.rowid:
            return True
        return any(
            not column.nullable if (there := have.columns.get(self._before(name))) is None else
            there.nullable != column.nullable
            for name, column in want.columns.items()
        )  # fmt: skip

    def _kept_index(self, name: str) -> bool:
        """Whether the index of that name stays as it is."""
        have, want = self._have.indexes.get(name), self._want.indexes.get(name)
        if have is None or want is None or self._rebuilds:
            return False
        before = IndexSchema(tuple(self._before(column) for column in want.columns), want.unique, want.kept)
        converted = {step.column for step in self.conversions()}
        return have == before and not converted & set(have.columns)

    def dropped_indexes(self) -> Iterator[Operation]:
        for name, index in self._have.indexes.items():
            if not self._kept_index(name):
                yield DropIndex(self._old, name, index)

    def created_indexes(self) -> Iterator[Operation]:
        for name, index in self._want.indexes.items():
            if not self._kept_index(name):
                yield CreateIndex(self._new, name, index)

    def dropped_columns(self) -> Iterator[Operation]:
        stay = {self._before(name) for name in self._want.columns}
        for name, column in self._have.columns.items():
            if name not in stay and not self._rebuilds:
                yield DropColumn(self._old, name, column)

    def conversions(self) -> Iterator[ConvertColumn]:
        for name, column in self._want.columns.items():
            before = self._have.columns.get(self._before(name))
            if before is not None and before.kind != column.kind and not self._rebuilds:
                yield ConvertColumn(self._old, self._before(name), before.kind, column.kind, self._have.primary)

    def renames(self) -> Iterator[Operation]:
        if self._old != self._new:
            yield RenameTable(self._old, self._new)
        for name, before in self._renamed.items():
            yield RenameColumn(self._new, before, name)

    def added_columns(self) -> Iterator[Operation]:
        for name, column in self._want.columns.items():
            if self._before(name) not in self._have.columns and not self._rebuilds:
                yield AddColumn(self._new, name, column)

    def rebuilt(self) -> Iterator[Operation]:
        if self._rebuilds:
            yield RebuildTable(self._new, _bare(self._have), _bare(self._want))
