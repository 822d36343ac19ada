"""Pending versions of records: what would change, from what to what, and the change itself once it is time.

A proposal is kept as its differences, in the form that the history has (``lines.[ROW ID].quantity``: before, after), of
the fields that people put in. So what else has happened to the record meanwhile stays; what has changed in one of these
very fields is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Complaint
from engine.fields.field import Field, ValueFault, say
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.ports import Record

#: By the path of what changes: the wire forms before and after. A whole row that comes or goes has null at one side.
Changes = Mapping[str, Sequence[Any]]
#: One difference below some place: the rest of its path, before, after.
Difference = tuple[list[str], Any, Any]

CHANGED = {"zh": "{field}：提出修改后已被改动", "en": "{field} has been changed since this was proposed"}
ROW_GONE = {"zh": "{field}：要修改的行已被删除", "en": "{field}: a row that would change has been taken away since"}
ROW_THERE = {"zh": "{field}：同一编号的行已被添加", "en": "{field}: another row of the same key has been added since"}
GONE = {"zh": "{field}：已没有这个字段", "en": "there is no field {field} any more"}


def put_in(changes: Changes, fields: Mapping[str, Field], names: Mapping[str, Field]) -> dict[str, list[Any]]:
    """The differences that people have put in, of those of a whole record: in the fields of these ``names``, and
    nothing that is worked out. New rows come with all that was put into them."""
    kept: dict[str, list[Any]] = {}
    for path, (before, after) in changes.items():
        parts = path.split(".")
        if parts[0] not in names:
            continue
        found = _field_at(fields, parts)
        if len(parts) % 2 == 0 and isinstance(found, RowsField):
            kept[path] = [_open(found, before), _open(found, after)]
        elif found is not None and not found.read_only:
            kept[path] = [before, after]
    return kept


@dataclass(slots=True)
class Patch:
    """A proposal as values to put in. ``promised`` are the ids that new rows have been promised, by the path of the
    rows, in the order of ``values``; ``conflicts`` what has changed meanwhile."""

    values: dict[str, Any] = field(default_factory=dict)
    promised: dict[str, list[str]] = field(default_factory=dict)
    conflicts: list[Complaint] = field(default_factory=list)

    @property
    def new(self) -> frozenset[str]:
        """The ids of the new rows."""
        return frozenset(key for keys in self.promised.values() for key in keys)


def patch(changes: Changes, fields: Mapping[str, Field], record: Record) -> Patch:
    """What makes the record what was proposed of it, as far as nothing stands against that."""
    made = Patch()
    differences = [(path.split("."), before, after) for path, (before, after) in changes.items()]
    made.values = _holder(made, fields, record, differences, "", "")
    return made


def _holder(
    made: Patch, fields: Mapping[str, Field], holder: Record, differences: Sequence[Difference], at: str, path: str
) -> dict[str, Any]:
    """The values of one record or row. ``at`` is how complaints name its place, ``path`` how differences do."""
    values: dict[str, Any] = {}
    rows: dict[str, dict[str, list[Difference]]] = {}
    for parts, before, after in differences:
        found = fields.get(parts[0])
        if found is None or isinstance(found, RowsField) is (len(parts) == 1):  # the definitions have changed
            made.conflicts.append(_conflict(at + parts[0], found, GONE))
        elif len(parts) > 1:
            rows.setdefault(parts[0], {}).setdefault(parts[1].strip("[]"), []).append((parts[2:], before, after))
        else:
            if not (_same(found, holder[parts[0]], before) or _same(found, holder[parts[0]], after)):
                made.conflicts.append(_conflict(at + parts[0], found, CHANGED))
            values[parts[0]] = after
    for name, by_row in rows.items():
        found = fields[name]
        assert isinstance(found, RowsField)  # only rows have differences below them
        values[name] = _rows(made, found, holder[name], by_row, at + name, path + name)
    return values


def _rows(
    made: Patch, found: RowsField, present: Sequence[Record], by_row: dict[str, list[Difference]], at: str, path: str
) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    staying: list[Record] = []
    for index, row in enumerate(present):
        differences = by_row.pop(row["id"], [])
        place = f"{at}[{index}]"
        if len(differences) == 1 and not differences[0][0]:
            _, before, after = differences[0]
            if after is None:
                if not _row_same(found, row, before):
                    made.conflicts.append(_conflict(place, found, CHANGED))
                continue
            differences = []
        staying.append(row)
        below = f"{path}.[{row['id']}]."
        result.append({"id": row["id"], **_holder(made, found.of, row, differences, f"{place}.", below)})
    for key, differences in by_row.items():
        parts, _, after = differences[0]
        if parts:
            made.conflicts.append(_conflict(at, found, ROW_GONE))
        elif after is not None:
            if found.key is not None and _taken(found.of[found.key], [row[found.key] for row in staying], after):
                made.conflicts.append(_conflict(at, found, ROW_THERE))
            result.append({**after, "id": key})
            made.promised.setdefault(path, []).append(key)
    return result


def _taken(key: Field, present: Sequence[Any], row: Mapping[str, Any]) -> bool:
    """Whether one of the rows that stay has the key of a new one."""
    wire = row.get(key.name)
    return wire is not None and any(_same(key, value, wire) for value in present)


def number_rows(made: Patch, fields: Mapping[str, Field], record: Record) -> None:
    """Gives the new rows of a record, which the patch was put into, the ids that they have been promised."""
    for name, holder, path in _new_rows(fields, record, ""):
        for row, key in zip(
            (row for row in holder[name] if row["id"] is None), made.promised.get(path, ()), strict=False
        ):
            row["id"] = key


def _new_rows(fields: Mapping[str, Field], holder: Record, path: str) -> Iterator[tuple[str, Record, str]]:
    for name, found in fields.items():
        if isinstance(found, RowsField):
            yield name, holder, path + name
            for row in holder[name]:
                if row["id"] is not None:
                    yield from _new_rows(found.of, row, f"{path}{name}.[{row['id']}].")


def _conflict(at: str, found: Field | None, what: Mapping[str, str]) -> Complaint:
    name = at.rpartition(".")[2].partition("[")[0]
    message = {lang: text.format(field=say(found.label if found else None, lang, name)) for lang, text in what.items()}
    return Complaint(at, "CHANGED_MEANWHILE", message)


def _open(found: RowsField, row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What of a whole row people put in."""
    if row is None:
        return None
    kept: dict[str, Any] = {}
    for name, value in row.items():
        inner = found.of.get(name)
        if isinstance(inner, RowsField):
            kept[name] = [_open(inner, each) for each in value]
        elif inner is not None and not inner.read_only:
            kept[name] = value
    return kept


def _row_same(found: RowsField, row: Record, wire: Mapping[str, Any]) -> bool:
    """Whether a row is what it was, in all that people put in."""
    for name, inner in found.of.items():
        if isinstance(inner, RowsField):
            before = wire.get(name) or []
            if len(before) != len(row[name]):
                return False
            if not all(_row_same(inner, each, was) for each, was in zip(row[name], before, strict=True)):
                return False
        elif not inner.read_only and not _same(inner, row[name], wire.get(name)):
            return False
    return True


def _same(found: Field, value: Any, wire: Any) -> bool:
    """Whether a value is what its wire form says."""
    if value is None or wire is None:
        return value is wire
    if isinstance(found, LinkField):
        return bool(value["id"] == wire)
    try:
        return bool(found.parse(wire) == value)
    except ValueFault:
        return False  # the definitions have changed: what was proposed does not fit the field any more


def _field_at(fields: Mapping[str, Field], parts: Sequence[str]) -> Field | None:
    """The field that a path is about; of a whole row the field of its rows."""
    found: Field | None = None
    for name in parts[::2]:
        found = fields.get(name)
        fields = found.of if isinstance(found, RowsField) else {}
    return found
