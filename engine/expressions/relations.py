"""Stored shapes as the SQL backend sees them: which column, link or rows a member is, and the joins that paths need.

The store describes each of its tables once as a :class:`Relation`; :class:`Joins` does the rest. A statement has one
Joins: what is translated for it (a filter, a sort key, a measure) asks it for columns, and afterwards ``source`` is the
FROM clause.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, Select, select

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A member that is a column. ``digits``: the places after the point of a decimal."""

    name: str
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A member that is a link: the column with the id of a record of ``target``."""

    name: str
    target: Relation


@dataclass(frozen=True, slots=True)
class Rows:
    """A member that is many records: rows, or the other side of a link. ``on`` joins an owner's table with theirs."""

    target: Relation
    on: Callable[[FromClause, FromClause], ColumnElement[bool]]


class Relation(Protocol):
    """A stored shape. Its table has a column ``id``."""

    @property
    def table(self) -> FromClause:
        """The table, or whatever stands for it: a subquery that hides rows, for example."""
        ...

    @property
    def entries(self) -> FromClause:
        """The table of the entries of lists: ``list value until created_at deleted_at``."""
        ...

    def find(self, member: str) -> Column | Link | Rows | None:
        """What the member is in the database; None when it is not stored."""
        ...


@dataclass(frozen=True, slots=True)
class _Items:
    """The items of a list: values, that lead nowhere."""

    table: FromClause

    @property
    def entries(self) -> FromClause:
        raise NotStored("values have no lists")

    def find(self, member: str) -> None:
        return None


class NotStored(LookupError):
    """A path that leads to no column or no table."""


class Joins:
    """The FROM clause of one statement. It starts with one table and grows with the paths that are asked for.

    Links are joined LEFT, so that a path through an empty link is null, and each only once.
    """

    def __init__(
        self,
        relation: Relation,
        table: FromClause | None = None,
        condition: ColumnElement[bool] | None = None,
        key: str = "id",
    ) -> None:
        self.table = relation.table if table is None else table
        self.source: FromClause = self.table
        self._relation = relation
        self._condition = condition
        self._key = key
        self._reached: dict[Path, tuple[Relation, FromClause]] = {(): (relation, self.table)}

    def column(self, path: Path) -> tuple[ColumnElement[Any], int]:
        """The column at the path (the id's, where the path ends at a link or a record) and its digits."""
        if not path:
            return self.table.c[self._key], 0
        if len(path) > 1 and path[-1] == "id" and isinstance(self._find(path[:-1])[0], Link):
            return self.column(path[:-1])
        found, table = self._find(path)
        if isinstance(found, Rows):
            if path in self._reached:
                return self._reached[path][1].c["id"], 0
            raise NotStored(f"'{'.'.join(path)}' are many records, not a value")
        return table.c[found.name], found.digits if isinstance(found, Column) else 0

    def rows(self, path: Path) -> Joins:
        """The records at the path, for a subquery correlated with this statement."""
        found, table = self._find(path)
        if not isinstance(found, Rows):
            raise NotStored(f"'{'.'.join(path)}' are not records of their own")
        alias = found.target.table.alias()
        return Joins(found.target, alias, found.on(table, alias))

    def items(self, path: Path, unpack: Callable[[ColumnElement[Any]], FromClause]) -> Joins:
        """The items of a list in a column, for a subquery; ``unpack`` makes a table of it whose column is ``value``."""
        column, _ = self.column(path)
        return Joins(_Items(unpack(column)), key="value")

    def unfold(self, path: Path) -> None:
        """Makes this statement have one line for each of the records at the path; paths may then go on from there."""
        if path in self._reached:
            return
        found, table = self._find(path)
        if not isinstance(found, Rows):
            raise NotStored(f"'{'.'.join(path)}' are not records of their own")
        alias = found.target.table.alias()
        self.source = self.source.join(alias, found.on(table, alias))
        self._reached[path] = (found.target, alias)

    @property
    def entries(self) -> FromClause:
        """The table of the entries of lists."""
        return self._relation.entries

    def select(self, *columns: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> Select[Any]:
        """A query over the joined tables, correlated with the statement around it."""
        query = select(*columns).select_from(self.source)
        for condition in (self._condition, where):
            if condition is not None:
                query = query.where(condition)
        return query.correlate_except(*(table for _, table in self._reached.values()))

    def _find(self, path: Path) -> tuple[Column | Link | Rows, FromClause]:
        relation, table = self._reach(path[:-1])
        found = relation.find(path[-1])
        if found is None:
            raise NotStored(f"'{'.'.join(path)}' is not stored")
        return found, table

    def _reach(self, path: Path) -> tuple[Relation, FromClause]:
        if path not in self._reached:
            found, table = self._find(path)
            if not isinstance(found, Link):
                raise NotStored(f"'{'.'.join(path)}' is not a link")
            alias = found.target.table.alias()
            self.source = self.source.outerjoin(alias, alias.c["id"] == table.c[found.name])
            self._reached[path] = (found.target, alias)
        return self._reached[path]
