"""The tables as the SQL backend of expressions sees them: what each member of a shape is in the database."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, FromClause

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.listed import LIST_ENTRY
from engine.catalog.shapes import HOLDS, BackLink
from engine.expressions.relations import Column, Link, Rows
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.store.tables import PARENT, Level, Tables


class Relations:
    """A relation for each table, made when first asked for."""

    def __init__(self, catalog: Catalog, tables: Tables) -> None:
        self._catalog = catalog
        self._tables = tables
        self._made: dict[str, TableRelation] = {}

    @property
    def entries(self) -> FromClause:
        """The table of the entries of lists."""
        return self._tables[LIST_ENTRY]

    def of(self, place: str) -> TableRelation:
        """The relation of a model (``parcel``) or of rows (``parcel.lines``)."""
        found = self._made.get(place)
        if found is None:
            level = self._tables.level(place)
            back = self._catalog.back_links(level.model) if not level.path else {}
            found = self._made[place] = TableRelation(self, level, back)
        return found


class TableRelation:
    """One table. Records in the trash are no members of others, but what links to them still reads them."""

    def __init__(self, relations: Relations, level: Level, back_links: Mapping[str, BackLink]) -> None:
        self._relations = relations
        self._level = level
        self._back_links = back_links

    @property
    def table(self) -> FromClause:
        return self._level.table

    @property
    def entries(self) -> FromClause:
        return self._relations.entries

    def find(self, member: str) -> Column | Link | Rows | None:
        level = self._level
        if member in level.fields:
            field = level.fields[member]
            if isinstance(field, LinkField):
                return Link(member, self._relations.of(field.target))
            return Column(member, digits(field))
        if member in level.rows:
            return Rows(self._relations.of(level.rows[member].place), _by_parent)
        if member in self._back_links:
            link = self._back_links[member]
            return Rows(self._relations.of(link.model), _ByLink(link.field))
        if member == HOLDS and not level.path:
            return Rows(self._relations.of("hold"), _open_holds)
        return Column("id") if member == "id" else None


def digits(field: Field) -> int:
    """The digits behind the point that the field's column keeps."""
    return int(getattr(field.column_type(), "digits", 0))


def _by_parent(owner: FromClause, row: FromClause) -> ColumnElement[bool]:
    return row.c[PARENT] == owner.c["id"]


def _open_holds(owner: FromClause, hold: FromClause) -> ColumnElement[bool]:
    return (hold.c["record"] == owner.c["id"]) & hold.c["released_at"].is_(None) & hold.c["deleted_at"].is_(None)


class _ByLink:
    """The condition that a record links to the owner by the field, and is not in the trash."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __call__(self, owner: FromClause, many: FromClause) -> ColumnElement[bool]:
        return (many.c[self._field] == owner.c["id"]) & many.c["deleted_at"].is_(None)
