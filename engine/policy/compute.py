"""Working out what a record says by itself: defaults, computed fields in dependency order, amounts spread over rows,
and then everything that a saved record must meet: required fields, bounds, checks."""

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
from engine.fields.field import BOUND_SIGNS, Bound, Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.money import spread
from engine.policy.values import number_rows
from engine.policy.weaving import Weaver, Woven
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
        self._fill = self._woven_fill()
        self._compute = self._woven_compute()
        self._sound = self._woven_sound()

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
        for path, key in self.row_keys:
            for holder in at_level(record, path[:-1]):
                number_rows(holder[path[-1]], key)
        return bool(self._fill(record, names))

    def _woven_fill(self) -> Woven:
        weaver = Weaver()
        for default in self.defaults:
            slot = f"r[{default.name!r}]"
            if default.expression.constant and not default.expression.scope_reads:
                value = default.expression({}, {})
                if value is None:
                    continue
                lines = [f"{slot} = {weaver.name(default.field.settle(value))}"]
                if isinstance(default.field, LinkField):
                    lines.append("texts = True")
            else:
                work_out, settle = weaver.name(default.expression.function), weaver.name(default.field.settler())
                lines = [f"v = {work_out}(r, s)", "if v is not None:", f"    {slot} = {settle}(v)"]
                if isinstance(default.field, LinkField):
                    lines.append("    texts = texts or type(v) is str")
            weaver.at(default.path, [f"if {slot} is None and r['id'] is None:", *("    " + line for line in lines)])
        return weaver.function(before=["texts = False"], after=["return texts"])

    def compute(self, record: Record, names: Names, complaints: list[Complaint]) -> None:
        """Works out the computed fields in place, each after what it reads. One that cannot be worked out is complained
        about and left null."""
        try:
            self._compute(record, names)
        except (ExpressionError, ValueFault):
            self._compute_slowly(record, names, complaints)

    def _woven_compute(self) -> Woven:
        weaver = Weaver()
        for computation in self.computations:
            if computation.spread is not None:
                part = weaver.name(lambda record, computation=computation: self._spread(record, computation))
                weaver.holder((), [f"{part}(r)"])
            elif computation.expression is not None:
                work_out, settle = (
                    weaver.name(computation.expression.function),
                    weaver.name(computation.field.settler()),
                )
                slot = f"r[{computation.name!r}]"
                weaver.at(
                    computation.path, [f"v = {work_out}(r, s)", f"{slot} = {settle}(v) if v is not None else None"]
                )
        return weaver.function()

    def _compute_slowly(self, record: Record, names: Names, complaints: list[Complaint]) -> None:
        """The same, field by field, to find which cannot be worked out."""
        for computation in self.computations:
            try:
                if computation.spread is not None:
                    self._spread(record, computation)
                elif computation.expression is not None:
                    for row in at_level(record, computation.path):
                        row[computation.name] = None
                        value = computation.expression(row, names)
                        row[computation.name] = computation.field.settle(value) if value is not None else None
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
        found = [] if self._sound(record, names) else list(self._unmet(record, names))
        for check in self.checks.values():
            found.extend(_check(check, record, names))
        return found

    def _woven_sound(self) -> Woven:
        """Whether all required fields have values, and all values keep their bounds."""
        weaver = Weaver()
        for path, name in self.required:
            # A decimal that is compared with a text asks the abstract classes of numbers first, which takes long.
            lines = [f"v = r[{name!r}]", "if v is None or not v and (type(v) is str or type(v) is list):"]
            weaver.at(path, [*lines, "    return False"])
        for path, name, bounds in self.bounds:
            lines = [f"v = r[{name!r}]", "if v is not None:"]
            for bound in bounds:
                sign = BOUND_SIGNS[bound.name]
                if bound.expression.constant and not bound.expression.scope_reads:
                    limit = bound.expression({}, {})
                    if limit is not None:
                        lines += [f"    if not v {sign} {weaver.name(limit)}:", "        return False"]
                else:
                    lines.append(f"    limit = {weaver.name(bound.expression.function)}(r, s)")
                    lines += [f"    if limit is not None and not v {sign} limit:", "        return False"]
            weaver.at(path, [*lines, "    pass"])
        return weaver.function(after=["return True"])

    def _unmet(self, record: Record, names: Names) -> Iterator[Complaint]:
        """The required fields without a value and the bounds that are not kept, each with its place."""
        for path, name in self.required:
            for at, row in located(record, path):
                value = row[name]
                if value is None or value == [] or value == "":
                    yield Complaint(at + name, "VALUE_REQUIRED", "a value is required")
        for path, name, bounds in self.bounds:
            for at, row in located(record, path):
                if row[name] is not None:
                    for bound in bounds:
                        limit = bound.expression(row, names)
                        if limit is not None and not bound.holds(row[name], limit):
                            values = {"limit": limit, "bound": bound.name}
                            yield Complaint(at + name, "VALUE_RANGE", bound.message(limit), values)


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
