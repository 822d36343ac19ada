"""The heat map of a risk: its findings in rows and columns, and for each cell the condition that finds them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.catalog.kinds.heatmap import FINDING, Heatmap
from engine.catalog.kinds.risk import Risk
from engine.errors import AccessDenied, BadRequest
from engine.expressions.types import BOOLEAN
from engine.policy.access import Actor
from engine.policy.reach import Reach
from engine.runtime.act import Act
from engine.runtime.reading import Reading
from engine.store.relations import digits
from engine.store.transaction import Transaction

#: A map with more cells than that tells nobody anything.
MOST_CELLS = 10_000

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """A row or a column: the value that its findings share, and what its cells come to together."""

    value: Any
    total: Number


@dataclass(frozen=True, slots=True)
class Cell:
    """What the findings of one row and one column come to. ``where`` holds for these findings, and no others."""

    row: Any
    column: Any
    value: Number
    where: str


@dataclass(frozen=True, slots=True)
class Map:
    """All cells with findings, the greatest first; rows and columns likewise, and equal ones by their value."""

    since: datetime
    until: datetime
    rows: tuple[Line, ...]
    columns: tuple[Line, ...]
    cells: tuple[Cell, ...]
    total: Number


def heatmap(
    reading: Reading, tx: Transaction, actor: Actor, risk: Risk, asked: Heatmap, *, shadow: bool = False
) -> Map:
    """The heat map of the risk as of now. ``shadow``: with what its shadows have found.

    AccessDenied for who may not read all findings, and all that the rows and columns are read from."""
    catalog, model = reading.catalog, risk.for_
    if not reading.rights.rows(actor, FINDING, "read").everything:
        raise AccessDenied(f"no role of {actor.login} grants reading all of {FINDING}")
    scope, every = catalog.scope(FINDING), catalog.measure_scope(FINDING)
    row, column = asked.row_path(model), asked.column_path(model, catalog.models[FINDING].fields)
    group = {"row": catalog.compile(row, scope), "column": catalog.compile(column, scope)}
    for expression in group.values():
        beyond = Reach(catalog, reading.rights, actor).beyond(FINDING, expression)
        if beyond is not None:
            raise AccessDenied(f"{beyond} is not yours to read")
    moment = reading.service.clock.now()
    since, until = asked.window.bounds(moment, ZoneInfo(catalog.app.timezone))
    where = f"risk == {literal(risk.name)} and at >= {literal(since)} and at <= {literal(until)}"
    if not shadow:
        where += " and not shadow"
    found = reading.store.query.find(
        tx,
        FINDING,
        where=catalog.compile(where, scope, BOOLEAN),
        names=Act(catalog, reading.store, tx, actor, moment).names(None, None, "read"),
        group=group,
        measure={"value": catalog.compile(asked.measure, every)},
        sort=("-value", "row", "column"),
        limit=MOST_CELLS + 1,
    )
    if len(found) > MOST_CELLS:
        message = f"the heat map of {risk.name} has more than {MOST_CELLS} cells: its rows or columns are too fine"
        raise BadRequest(message, code="TOO_MANY_CELLS")
    number = _number(digits(catalog.fields(FINDING)["score"])) if asked.cell != "count" else int
    cells = tuple(
        Cell(
            each["row"],
            each["column"],
            number(each["value"]),
            f"{where} and {row} == {literal(each['row'])} and {column} == {literal(each['column'])}",
        )
        for each in found
    )
    return Map(
        since,
        until,
        _lines(cells, lambda cell: cell.row),
        _lines(cells, lambda cell: cell.column),
        cells,
        sum((cell.value for cell in cells), number(0)),
    )


def _number(places: int) -> Callable[[Number], Number]:
    """What makes a sum as exact as what it sums: databases differ in the zeros at its end."""
    step = Decimal(1).scaleb(-places)
    return lambda value: Decimal(value).quantize(step)


def _lines(cells: Iterable[Cell], of: Callable[[Cell], Any]) -> tuple[Line, ...]:
    totals: dict[Any, Number] = {}
    for cell in cells:
        totals[of(cell)] = totals.get(of(cell), 0) + cell.value
    lines = (Line(value, total) for value, total in totals.items())
    return tuple(sorted(lines, key=lambda line: (-line.total, line.value is None, str(line.value))))


def literal(value: Any) -> str:
    """A value as expressions write it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case datetime():
            return json.dumps(value.astimezone(UTC).isoformat().replace("+00:00", "Z"))
        case date():
            return json.dumps(value.isoformat())
        case _:
            return json.dumps(value, ensure_ascii=False)
