"""Working out what a record says by itself: defaults, computed fields in dependency order, amounts spread over rows, and
then everything that a saved record must meet: required fields, bounds, checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.computations import Computation
from engine.catalog.kinds.model import Check
from engine.errors import Complaint, ExpressionError
from engine.expressions.language import Expression
from engine.fields.field import Bound, Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.money import spread
from engine.policy.values import number_rows
from engine.ports import Record

Names = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Defaulted:
    """A field with a default: at the header (``path`` empty) or in rows."""

    path: tuple[str, ...]
    name: str
    expression: Expression
    field: Field


class Computer:
    """Everything that working out a record of one model needs, prepared once per catalogue."""

    def __init__(self, catalog: Catalog, model: str) -> None:
        self.model = model
        self.computations: tuple[Computation, ...] = catalog.computations(model)
        self.checks: Mapping[str, Check] = catalog.models[model].checks
        levels = list(_levels(catalog.fields(model)))
        self.defaults = [
            Defaulted(path, name, field.default.expression, field)
            for path, fields, _ in levels
            for name, field in fields.items()
            if field.default is not None and field.default.expression is not None
        ]
        self.required = [(path, name) for path, fields, _ in levels for name, field in fields.items() if field.required]
        self.bounds: list[tuple[tuple[str, ...], str, tuple[Bound, ...]]] = [
            (path, name, bounds)
            for path, fields, _ in levels
            for name, field in fields.items()
            if (bounds := field.bounds())
        ]
        self.row_keys = [(path, rows.key) for path, _, rows in levels if rows is not None and rows.key is not None]
        self.reads = frozenset((*path, *read) for path, expression in self._expressions() for read in expression.reads)

    def _expressions(self) -> Iterator[tuple[tuple[str, ...], Expression]]:
        for default in self.defaults:
            yield default.path, default.expression
        for computation in self.computations:
            if computation.expression is not None:
                yield computation.path, computation.expression
        for path, _, bounds in self.bounds:
            for bound in bounds:
                yield path, bound.expression
        for check in self.checks.values():
            yield (), check.require.expression
            if check.when is not None:
                yield (), check.when.expression

    def fill(self, record: Record, names: Names) -> bool:
        """Numbers the rows and gives every field that is null its default. For new records, and new rows of old ones
        (those without ``id``). True when a link got a text (a key), which is still to be found."""
        texts = False
        for path, key in self.row_keys:
            for holder in at_level(record, path[:-1]):
                number_rows(holder[path[-1]], key)
        is_new = record.get("id") is None
        for default in self.defaults:
            for row in at_level(record, default.path):
                if row[default.name] is None and (row.get("id") is None if default.path else is_new):
                    value = default.expression(row, names)
                    if value is not None:
                        row[default.name] = default.field.settle(value)
                        texts = texts or (isinstance(value, str) and isinstance(default.field, LinkField))
        return texts

    def compute(self, record: Record, names: Names, complaints: list[Complaint]) -> None:
        """Works out the computed fields in place, each after what it reads. One that cannot be worked out is complained
        about and left null."""
        for computation in self.computations:
            try:
                if computation.spread is not None:
                    self._spread(record, computation)
                elif computation.expression is not None:
                    function, name, settle = computation.expression.function, computation.name, computation.settle
                    for row in at_level(record, computation.path):
                        value = function(row, names)
                        row[name] = settle(value) if value is not None else None
            except (ExpressionError, ValueFault) as fault:
                at = ".".join((*computation.path, computation.name))
                complaints.append(Complaint(at, "CANNOT_COMPUTE", f"cannot be worked out: {fault.message}"))

    @staticmethod
    def _spread(record: Record, computation: Computation) -> None:
        """Divides an amount of the level above over its rows."""
        if computation.spread is None:
            return
        amount, weight, digits = computation.spread
        for holder in at_level(record, computation.path[:-1]):
            rows = holder[computation.path[-1]]
            parts = spread(holder[amount] or Decimal(0), [abs(row[weight] or Decimal(0)) for row in rows], digits)
            for row, part in zip(rows, parts, strict=True):
                row[computation.name] = part

    def complaints(self, record: Record, names: Names) -> list[Complaint]:
        """What the record does not meet, each with its place; empty when it may be saved."""
        found: list[Complaint] = []
        for path, name in self.required:
            for at, row in located(record, path):
                value = row[name]
                if value is None or value == [] or value == "":
                    found.append(Complaint(at + name, "VALUE_REQUIRED", "a value is required"))
        for path, name, bounds in self.bounds:
            for at, row in located(record, path):
                if row[name] is not None:
                    found.extend(
                        Complaint(at + name, "VALUE_RANGE", bound.message(limit), {"limit": limit, "bound": bound.name})
                        for bound in bounds
                        if (limit := bound.expression(row, names)) is not None and not bound.holds(row[name], limit)
                    )
        for check in self.checks.values():
            found.extend(_check(check, record, names))
        return found


def _check(check: Check, record: Record, names: Names) -> Iterator[Complaint]:
    """The complaint of a model's check, if it is false. Unknown passes."""
    try:
        if check.when is not None and check.when.expression(record, names) is not True:
            return
        if check.require.expression(record, names) is not False:
            return
        message = check.message or f"not so: {check.require.text}"
    except ExpressionError as error:
        message = str(error.message)
    yield Complaint(check.at or "", check.code or "CHECK_FAILED", message, {"check": check.name})


def at_level(record: Record, path: tuple[str, ...]) -> list[Record]:
    """The record itself for the empty path, else all rows that the path of rows fields leads to."""
    rows = [record]
    for name in path:
        rows = [row for holder in rows for row in holder[name]]
    return rows


def located(record: Record, path: tuple[str, ...], at: str = "") -> Iterator[tuple[str, Record]]:
    """The same rows, each with the prefix of its place: ``lines[2].``."""
    if not path:
        yield at, record
        return
    for index, row in enumerate(record[path[0]]):
        yield from located(row, path[1:], f"{at}{path[0]}[{index}].")


def _levels(
    fields: Mapping[str, Field], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Field], RowsField | None]]:
    """The levels of a model: its own fields, then each rows field's, depth first; the last part is that rows field."""
    yield path, fields, None
    for name, field in fields.items():
        if isinstance(field, RowsField):
            for inner_path, inner, rows in _levels(field.of, (*path, name)):
                yield inner_path, inner, rows or (field if len(inner_path) == len(path) + 1 else None)
