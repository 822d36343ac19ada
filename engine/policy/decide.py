"""Asks a decision table about a record: what it gives, and why."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from engine.catalog.kinds.table import Table
from engine.errors import ExpressionError, Refused
from engine.ports import Reason, Record, Values
from engine.tables.rules import Decided, Undecided


def decide(table: Table, record: Record | None, names: Values, given: Values) -> tuple[Any, Reason]:
    """What the table gives for the record, or for what it is ``given`` by name; and the rows that did it.

    Refused where it does not decide: nothing goes on as if it had.
    """
    values = [
        found.value.expression(record, names) if found.value is not None else given[name]
        for name, found in table.inputs.items()
    ]
    rules = table.rules
    read = rules.named(values)
    try:
        decided = rules.decide(values)
    except (Undecided, ExpressionError) as error:
        code = error.code if isinstance(error, Undecided) else "NO_DECISION"
        places = error.rows if isinstance(error, Undecided) else ()
        parts = tuple(_row_reason(table, place, "held", None, read) for place in places)
        reason = Reason(table.name, "undecided", error.message, table.span_of("rows"), read, parts)
        raise Refused(f"{table.name}: {error.message}", code=code, reasons=[reason]) from error
    return decided.value, _reason(table, decided, read)


def _reason(table: Table, decided: Decided, read: Mapping[str, Any]) -> Reason:
    if not decided.rows:
        return Reason(f"{table.name}.default", "decided", decided.said, table.span_of("outputs"), read)
    parts = tuple(
        _row_reason(table, place, "decided", said, read)
        for place, said in zip(decided.rows, decided.said_by_row, strict=True)
    )
    if len(parts) == 1:
        return parts[0]
    return Reason(table.name, "decided", decided.said, table.span_of("rows"), read, parts)


def _row_reason(table: Table, place: int, outcome: str, message: str | None, read: Mapping[str, Any]) -> Reason:
    return Reason(f"{table.name}.{table.rules.rows[place].id}", outcome, message, table.row_spans[place], read)


def open_inputs(tables: Sequence[Table], hidden: Container[str], private: Container[tuple[str, ...]]) -> frozenset[str]:
    """The inputs of a table whose values may be told to those who see its records, but for the hidden and the private
    fields: the ones that read nothing but fields of the record itself, in all versions."""
    closed: set[str] = set()
    known: set[str] = set()
    for table in tables:
        own = ("record", table.for_)
        for name, found in table.inputs.items():
            known.add(name)
            expression = found.value.expression if found.value is not None else None
            if (
                expression is None
                or any(len(path) > 1 or path[0] in hidden or path in private for path in expression.reads)
                or any(path[0] in own for path in expression.scope_reads)
            ):
                closed.add(name)
    return frozenset(known - closed)
