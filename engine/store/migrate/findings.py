"""What a change of definitions means for what is there already: rows that do not meet a new rule, addresses
that programs call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from engine.catalog.catalog import Catalog
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.store.migrate.compare import Renames
from engine.store.migrate.fills import constant_default
from engine.store.migrate.operations import CreateIndex, Operation
from engine.store.migrate.schema import Schema, kind_of
from engine.store.migrate.selecting import columns_of
from engine.store.tables import Level, Tables


@dataclass(frozen=True, slots=True)
class Failing:
    """Rows that are there and do not meet a rule. ``blocks``: the database itself would refuse it."""

    place: str
    rule: str
    rows: int
    example: str | None = None
    blocks: bool = False

    def as_data(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{self.place}: {rows}, {self.rule}" + (f" (such as {self.example})" if self.example else "")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of the API that come and go."""

    added: tuple[str, ...]
    removed: tuple[str, ...]

    def lines(self) -> list[str]:
        """Each with what becomes of it."""
        return [*(f"+ {path}" for path in self.added), *(f"- {path}" for path in self.removed)]


# Endpoints ------------------------------------------------------------------------------------------------------------


def changed_endpoints(before: Catalog | None, after: Catalog) -> Endpoints:
    """How the addresses differ."""
    old, new = _endpoints(before) if before is not None else set(), _endpoints(after)
    return Endpoints(tuple(sorted(new - old)), tuple(sorted(old - new)))


def _endpoints(catalog: Catalog) -> set[str]:
    events = {
        f"/api/{flow.for_}/{{id}}/events/{event}" for flow in catalog.workflows.values() for event in flow.every_event()
    }
    return {f"/api/{model}" for model in catalog.models} | events | {f"/intake/{name}" for name in catalog.channels}


# Rules ----------------------------------------------------------------------------------------------------------------


def failing_rows(
    connection: Connection,
    before: Catalog | None,
    tables: Tables,
    have: Schema,
    renames: Renames,
    steps: Sequence[Operation],
) -> Iterator[Failing]:
    """The rows outside the trash that do not meet a rule which is new, or stricter than it was."""
    for level in tables.levels():
        if renames.table(level.table.name) in have:
            finder = _Finder(connection, level, have, renames)
            old = _fields_before(before, level, renames)
            for name, field in level.fields.items():
                yield from finder.required(name, field, old.get(renames.column(level.table.name, name)))
                yield from finder.values(name, field, old.get(renames.column(level.table.name, name)))
            yield from finder.duplicates(steps)


def _fields_before(before: Catalog | None, level: Level, renames: Renames) -> dict[str, Field]:
    """The fields of the level as they were, by the names that they had."""
    if before is None:
        return {}
    model, *path = renames.table(level.table.name).split("__")
    if model not in before.models:
        return {}
    fields = before.fields(model)
    for name in path:
        rows = fields.get(name)
        if not isinstance(rows, RowsField):
            return {}
        fields = rows.of
    return dict(fields)


class _Finder:
    """Looks through the rows of one level."""

    def __init__(self, connection: Connection, level: Level, have: Schema, renames: Renames) -> None:
        self._connection = connection
        self._level = level
        self._renames = renames
        self._columns = have[renames.table(level.table.name)].columns
        self._there = columns_of(renames.table(level.table.name), self._columns)
        self._kept = [self._there.c["deleted_at"].is_(None)] if "deleted_at" in self._columns else []

    def _before(self, name: str) -> str:
        return self._renames.column(self._level.table.name, name)

    def required(self, name: str, field: Field, before: Field | None) -> Iterator[Failing]:
        """The rows without a value that is required from now on."""
        if not field.required or (before is not None and before.required) or field.computed or field.generated:
            return
        clause = select(func.count()).select_from(self._there).where(*self._kept)
        if self._before(name) in self._columns:
            clause = clause.where(self._there.c[self._before(name)].is_(None))
        elif constant_default(field) is not None:
            return
        if count := self._connection.execute(clause).scalar_one():
            yield Failing(f"{self._level.place}.{name}", "without the value that is required", int(count))

    def values(self, name: str, field: Field, before: Field | None) -> Iterator[Failing]:
        """The values that the field would refuse if they were put in now."""
        column = self._there.c.get(self._before(name))
        if column is None or (before is not None and _rules(field) == _rules(before)):
            return
        if kind_of(self._level.table.c[name].type) != self._columns[self._before(name)].kind:
            return  # they are converted, and what does not fit is counted as lost
        if isinstance(field, LinkField):
            yield from self._foreign(name, field, before)
            return
        clause = select(column, func.count()).where(column.is_not(None), *self._kept).group_by(column)
        refused, example, why = 0, None, ""
        for value, count in self._connection.execute(clause):
            try:
                field.parse(field.wire(value))
            except ValueFault as fault:
                refused += count
                example, why = example or str(value)[:100], why or fault.message
        if refused:
            yield Failing(f"{self._level.place}.{name}", why, refused, example)

    def _foreign(self, name: str, field: LinkField, before: Field | None) -> Iterator[Failing]:
        """The links that lead to records of another model than they did."""
        if not isinstance(before, LinkField) or self._renames.table(field.target) == before.target:
            return
        column = self._there.c[self._before(name)]
        clause = select(func.count()).select_from(self._there).where(column.is_not(None), *self._kept)
        if count := self._connection.execute(clause).scalar_one():
            rule = f"linked to {before.target}, not to {field.target}"
            yield Failing(f"{self._level.place}.{name}", rule, int(count))

    def duplicates(self, steps: Sequence[Operation]) -> Iterator[Failing]:
        """The rows whose values another row has too, where they must be unique from now on."""
        for step in steps:
            if not isinstance(step, CreateIndex) or not step.schema.unique or step.table != self._level.table.name:
                continue
            names = [self._before(name) for name in step.schema.columns]
            if not all(name in self._columns for name in names):
                continue
            columns = [self._there.c[name] for name in names]
            present = [column.is_not(None) for column in columns]
            counts = select(func.count().label("n")).where(*self._kept, *present).group_by(*columns)
            several = counts.having(func.count() > 1).subquery()
            count = self._connection.execute(select(func.sum(several.c.n))).scalar_one()
            if count:
                place = f"{self._level.place} ({', '.join(step.schema.columns)})"
                yield Failing(place, "not unique", int(count), blocks=True)


def _rules(field: Field) -> tuple[Any, ...]:
    """What decides which values the field takes, as far as it is the same for all records."""
    bounds = [(bound.name, bound.expression.text) for bound in field.bounds() if bound.expression.constant]
    target = field.target if isinstance(field, LinkField) else None
    return field.type_name, field.schema(), bounds, target
