"""The versions of a table: documents of one name, each for other days, that take and give the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.table import Table

Versions: TypeAlias = Mapping[str, Sequence[Table]]


def versions(tables: Sequence[Table]) -> dict[str, tuple[Table, ...]]:
    """The tables by name, each with its versions from the oldest to the newest."""
    found: dict[str, list[Table]] = {}
    for table in sorted(tables, key=lambda each: (each.name, each.first_day)):
        found.setdefault(table.name, []).append(table)
    return {name: tuple(each) for name, each in found.items()}


def check_versions(linker: DefinitionLinker, tables: Versions) -> None:
    """Reports versions that hold on the same day, and those that take or give something else than the first."""
    for named in tables.values():
        first = named[0]
        for before, table in pairwise(named):
            if table.first_day <= before.last_day:
                message = f"the version at {before.span} holds on the same days"
                hint = (
                    f"say there `valid: {{to: …}}`, the day before {table.first_day}" if table.valid else "say `valid:`"
                )
                linker.report("E301", message, table, table.kind, hint)
        for table in named[1:]:
            if table.for_ != first.for_:
                linker.report("E405", f"the version at {first.span} is for {first.for_}", table, "for")
            if table.result_type != first.result_type or _given(table) != _given(first):
                linker.report("E405", f"the version at {first.span} gives other outputs", table, "outputs")
            if _needed(table) != _needed(first):
                linker.report("E405", f"the version at {first.span} is given other inputs", table, "inputs")


def _given(table: Table) -> list[tuple[str, object]]:
    return [(name, found.column.expression_type) for name, found in table.outputs.items()]


def _needed(table: Table) -> list[tuple[str, object, object]]:
    return [(name, found.type, found.of) for name, found in table.inputs.items() if found.value is None]
