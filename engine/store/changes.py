"""What differs between two states of a record, in wire form, by functions generated once for each model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.fields.wiring import Namespace, form_source, wire_source
from engine.ports import Record

#: Columns that tell of a change without being one.
BOOKKEEPING = frozenset({"id", "version", "created_at", "created_by", "updated_at"})
#: By the path of what changed (``amount``, ``lines.[ROW ID].amount``): the wire forms before and after.
Differences = dict[str, list[Any]]


class Changes:
    """Compares records, or rows, with these fields. Fields without a column are left out: they follow from others."""

    def __init__(self, fields: Mapping[str, Field], *, own: bool = True) -> None:
        stored = {name: field for name, field in fields.items() if field.stored and not (own and name in BOOKKEEPING)}
        self._names = tuple(stored)
        self._wire = _wire_function(stored)
        self._given = _given_function(stored)
        self._state = _state_function(stored)
        self._rows = {
            name: Changes(field.of, own=False) for name, field in fields.items() if isinstance(field, RowsField)
        }

    def between(self, before: Record | None, after: Record) -> Differences:
        """What differs. ``before`` is None for a new record; a row that is new or gone is one entry: its values
        or null."""
        found: Differences = {}
        self._compare(found, "", before, after)
        return found

    def _compare(self, found: Differences, at: str, before: Record | None, after: Record) -> None:
        if before is None:
            found.update({at + name: [None, value] for name, value in self._given(after).items()})
        elif (past := self._state(before)) != (present := self._state(after)):
            wires = zip(self._wire(before), self._wire(after), strict=True)
            for name, was, now, wire in zip(self._names, past, present, wires, strict=True):
                if was != now:
                    found[at + name] = list(wire)
        for name, rows in self._rows.items():
            rows._compare_rows(found, f"{at}{name}.", before[name] if before is not None else (), after[name])

    def _compare_rows(self, found: Differences, at: str, before: Any, after: list[Record]) -> None:
        past = {row["id"]: row for row in before}
        for row in after:
            key = row.get("id")
            old = past.pop(key, None)
            if old is None:
                found[f"{at}[{key}]"] = [None, self._whole(row)]
            else:
                self._compare(found, f"{at}[{key}].", old, row)
        for key, row in past.items():
            found[f"{at}[{key}]"] = [self._whole(row), None]

    def _whole(self, row: Record) -> dict[str, Any]:
        """The row with what it has; nulls are left out."""
        whole = self._given(row)
        for name, rows in self._rows.items():
            whole[name] = [rows._whole(inner) for inner in row[name]]
        return whole


def _wire_function(fields: Mapping[str, Field]) -> Callable[[Record], tuple[Any, ...]]:
    """The function that gives the wire forms of the fields of a record, null being None."""
    namespace: Namespace = {"__builtins__": {}}
    display = "".join(f"{wire_source(name, field, namespace)}, " for name, field in fields.items())
    made: Callable[[Record], tuple[Any, ...]] = eval(f"lambda r: ({display})", namespace)
    return made


def _given_function(fields: Mapping[str, Field]) -> Callable[[Record], dict[str, Any]]:
    """The function that gives the wire forms of the fields of a record that are not null, by name."""
    namespace: Namespace = {"__builtins__": {}}
    lines = ["def given(r):", "    w = {}"]
    for name, field in fields.items():
        form = form_source(name, field, namespace)
        lines += [f"    x = r[{name!r}]", "    if x is not None:", f"        w[{name!r}] = {form}"]
    exec("\n".join([*lines, "    return w"]), namespace)
    made: Callable[[Record], dict[str, Any]] = namespace["given"]
    return made


def _state_function(fields: Mapping[str, Field]) -> Callable[[Record], tuple[Any, ...]]:
    """The function that gives what two states of a record are compared by: values, and the ids of links."""
    parts = [
        f"(x['id'] if (x := r[{name!r}]) is not None else None), " if isinstance(field, LinkField) else f"r[{name!r}], "
        for name, field in fields.items()
    ]
    made: Callable[[Record], tuple[Any, ...]] = eval(f"lambda r: ({''.join(parts)})", {"__builtins__": {}})
    return made
