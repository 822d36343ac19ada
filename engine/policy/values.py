"""From raw values to typed ones: what a caller sent becomes fields of a record, or located complaints; never both.

Everything that depends on the model alone is worked out once, in the reader's constructor; a request only calls
closures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import Complaint
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.registry import did_you_mean

Parser = Callable[[Any], Any]
Row = dict[str, Any]

#: Rows of one record; a form or a channel that sends more is sent back (413 would hide which field it was).
MOST_ROWS = 5_000


class Reader:
    """Reads the wire form of one level of fields: a record's, its rows', an input's.

    Link values stay texts (an id or a key): who holds the database resolves them. ``links`` says where they stand.
    """

    def __init__(self, fields: Mapping[str, Field], zone: str, *, refused: frozenset[str] = frozenset()) -> None:
        self.fields = fields
        self.zone = ZoneInfo(zone)
        self._refused = refused
        self._writable = {name: field for name, field in fields.items() if not field.read_only and name not in refused}
        self._parsers: dict[str, Parser] = {
            name: self._parser(field) for name, field in self._writable.items() if not isinstance(field, RowsField)
        }
        self._rows = {
            name: (field, Reader(field.of, zone))
            for name, field in self._writable.items()
            if isinstance(field, RowsField)
        }
        self._blank = {
            name: None for name, field in fields.items() if field.stored and not isinstance(field, RowsField)
        }
        self._rows_fields = tuple(name for name, field in fields.items() if isinstance(field, RowsField))
        self.links: dict[str, str] = {
            name: field.target for name, field in self._writable.items() if isinstance(field, LinkField)
        }
        self.rows: dict[str, Reader] = {name: reader for name, (_, reader) in self._rows.items()}

    def _parser(self, field: Field) -> Parser:
        return field.parser(self.zone)

    def blank(self) -> Row:
        """A record with every stored field null and every rows field empty."""
        record: Row = dict(self._blank)
        for name in self._rows_fields:
            record[name] = []
        return record

    def read(self, values: Any, complaints: list[Complaint], at: str = "") -> Row:
        """The fields that ``values`` names, typed. What is wrong is added to ``complaints`` and left out.

        A null stays a null; rows fields come as lists of such dicts, each with ``id`` where the caller gave one.
        """
        if type(values) is not dict and not isinstance(values, Mapping):
            complaints.append(
                Complaint(at, "VALUE_TYPE", "expected an object with a value for each field", {"expected": "object"})
            )
            return {}
        result: Row = {}
        parsers = self._parsers
        for name, raw in values.items():
            parser = parsers.get(name)
            if parser is None:
                self._read_other(name, raw, result, complaints, at)
            elif raw is None:
                result[name] = None
            else:
                try:
                    result[name] = parser(raw)
                except ValueFault as fault:
                    complaints.append(Complaint(_join(at, name), fault.code, fault.message, fault.values))
        return result

    def _read_other(self, name: Any, raw: Any, result: Row, complaints: list[Complaint], at: str) -> None:
        if name in self._rows:
            result[name] = self._read_rows(name, raw, complaints, _join(at, name))
        elif name == "id" and at:
            if isinstance(raw, str):
                result["id"] = raw
            else:
                complaints.append(
                    Complaint(_join(at, "id"), "VALUE_TYPE", "expected the text of an id", {"expected": "text"})
                )
        elif name in self.fields or name in self._refused:
            complaints.append(Complaint(_join(at, str(name)), "READ_ONLY", "this field is worked out by the system"))
        else:
            hint = did_you_mean(str(name), self._writable)
            complaints.append(
                Complaint(_join(at, str(name)[:100]), "UNKNOWN_FIELD", "unknown field" + (f"; {hint}" if hint else ""))
            )

    def _read_rows(self, name: str, raw: Any, complaints: list[Complaint], at: str) -> list[Row]:
        if raw is None:
            return []
        if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
            complaints.append(Complaint(at, "VALUE_TYPE", "expected a list of rows", {"expected": "list"}))
            return []
        if len(raw) > MOST_ROWS:
            complaints.append(
                Complaint(at, "TOO_MANY_ROWS", f"{len(raw)} rows, and {MOST_ROWS} are the most", {"most": MOST_ROWS})
            )
            return []
        field, reader = self._rows[name]
        rows = [reader.read(row, complaints, f"{at}[{index}]") for index, row in enumerate(raw)]
        if field.key:
            _refuse_equal_keys(rows, field.key, complaints, at)
        return rows


def number_rows(rows: list[Row], key: str) -> None:
    """Gives every row that has no key the next whole number after the largest one."""
    last = max((row[key] for row in rows if isinstance(row.get(key), int)), default=0)
    for row in rows:
        if row.get(key) is None:
            last += 1
            row[key] = last


def whole_rows(reader: Reader, rows: Sequence[Row]) -> list[Row]:
    """New rows, each with every field of its level; ids of the caller mean nothing on a new record."""
    whole = []
    for given in rows:
        row = reader.blank()
        row.update(given)
        row["id"] = None
        for name, inner in reader.rows.items():
            row[name] = whole_rows(inner, row[name])
        whole.append(row)
    return whole


def identity(value: Any) -> Hashable:
    """What makes two values the same: of a record its id."""
    key: Hashable = value["id"] if isinstance(value, dict) else value
    return key


def merge_rows(
    field: Field,
    reader: Reader,
    present: list[Row],
    given: list[Row],
    at: str,
    complaints: list[Complaint],
    new: Collection[str] = (),
) -> list[Row]:
    """The rows after an update: a given row changes the one of its id, else the one of its key, else it is new. One
    whose id is among the ``new`` ones is new in any case: another of its key goes."""
    key = field.key if isinstance(field, RowsField) else None
    by_id = {row["id"]: row for row in present}
    by_key = {identity(row[key]): row for row in present} if key else {}
    merged: list[Row] = []
    taken: dict[int, int] = {}
    for index, values in enumerate(given):
        place = f"{at}[{index}]"
        if values.get("id") in new:
            merged.extend(whole_rows(reader, [values]))
            continue
        old = by_id.get(values["id"]) if values.get("id") else by_key.get(identity(values.get(key))) if key else None
        if values.get("id") and old is None:
            complaints.append(Complaint(f"{place}.id", "UNKNOWN_ROW", "this record has no row of that id"))
            continue
        if old is None:
            merged.extend(whole_rows(reader, [values]))
            continue
        other = taken.setdefault(id(old), index)
        if other != index:  # once by its id and once by its key, or twice by its id
            name = "id" if values.get("id") else str(key)
            text = f"row {index + 1} is the same row as row {other + 1}"
            complaints.append(Complaint(f"{place}.{name}", "DUPLICATE_KEY", text, {"key": name, "other": other + 1}))
            continue
        for name, value in values.items():
            inner = reader.rows.get(name)
            old[name] = (
                value
                if inner is None
                else merge_rows(reader.fields[name], inner, old[name], value, f"{place}.{name}", complaints, new)
            )
        merged.append(old)
    if key:
        number_rows(merged, key)
    return merged


def _refuse_equal_keys(rows: Sequence[Row], key: str, complaints: list[Complaint], at: str) -> None:
    seen: dict[Any, int] = {}
    for index, row in enumerate(rows):
        value = identity(row.get(key))
        if value is None:
            continue
        if value in seen:
            text = f"row {index + 1} has the same {key} as row {seen[value] + 1}"
            complaints.append(
                Complaint(f"{at}[{index}].{key}", "DUPLICATE_KEY", text, {"key": key, "other": seen[value] + 1})
            )
        seen.setdefault(value, index)


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
