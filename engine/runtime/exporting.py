"""Writes the records of a view to a file, page by page, as the actor may see them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
from openpyxl import Workbook

from engine.errors import BadRequest, NotFound
from engine.fields.field import Field, say
from engine.fields.link import LinkField, LookupField
from engine.policy.access import Actor
from engine.policy.sight import Sight
from engine.ports import Record
from engine.runtime.cells import harmless
from engine.runtime.reading import Reading
from engine.runtime.service import denied
from engine.store.database import Database
from engine.store.transaction import Transaction

#: Records read at a time.
CHUNK = 500

T = TypeVar("T")
WriteRow = Callable[[Sequence[Any]], None]


class Exporter:
    """Exports views of one catalogue."""

    def __init__(self, reading: Reading, database: Database) -> None:
        self.reading = reading
        self.catalog = reading.catalog
        self.database = database

    def run(self, actor: Actor, name: str, path: Path, language: str = "en") -> int:
        """How many records were written. ``name`` is a view, or a model with all its fields (rows only in ``.jsonl``).

        Exporting is a right of its own; without the right to private data they are masked in the file, too."""
        view = self.catalog.views.get(name)
        model = view.for_ if view is not None else name
        if model not in self.catalog.models:
            raise NotFound(f"there is no view or model {name}")
        verdict = self.reading.rights.may_export(actor, model)
        if not verdict:
            raise denied(verdict)
        if path.suffix == ".jsonl":
            return self._lines(actor, model, name, path)
        columns = list(view.columns) if view is not None else self._columns(actor, model)
        with _writer(path) as write:
            write([self._label(model, column, language) for column in columns])
            count = 0
            for cells in self._records(
                actor,
                name,
                model,
                columns,
                lambda record: [self._cell(actor, model, record, column, language) for column in columns],
            ):
                write(cells)
                count += 1
        return count

    def _lines(self, actor: Actor, model: str, name: str, path: Path) -> int:
        count, wire = 0, self.reading.wiring(actor, model)
        with path.open("wb") as file:
            for line in self._records(actor, name, model, (), lambda record: orjson.dumps(wire(record))):
                file.write(line + b"\n")
                count += 1
        return count

    def _records(
        self, actor: Actor, name: str, model: str, columns: Sequence[str], shape: Callable[[Record], T]
    ) -> Iterator[T]:
        """What ``shape`` makes of each record, in the transaction that has read it: rows come when asked for."""
        view = self.catalog.views.get(name)
        where = view.where.expression if view is not None and view.where is not None else None
        sort = view.sort if view is not None else ()
        expand = tuple(dict.fromkeys(prefix for column in columns for prefix in _prefixes(column)))
        links = tuple(column for column in columns if isinstance(self._field(model, column), LinkField))

        def read(tx: Transaction, after: str | None) -> tuple[list[T], str | None]:
            page = self.reading.page(
                tx, actor, model, where=where, sort=sort, limit=CHUNK, after=after, expand=(*expand, *links)
            )
            records = page.records
            if not columns:  # whole records, and a page brings them without their rows
                records = self.reading.store.records.load(tx, model, [record["id"] for record in records])
            return [shape(record) for record in records], page.next

        after: str | None = None
        while True:
            shaped, after = self.database.read(partial(read, after=after))
            yield from shaped
            if after is None:
                return

    def _columns(self, actor: Actor, model: str) -> list[str]:
        hidden = self.reading.rights.hidden(actor, model)
        return [name for name, field in self.catalog.fields(model).items() if field.stored and name not in hidden]

    def _field(self, model: str, path: str) -> Field:
        fields = self.catalog.fields(model)
        found: Field | None = None
        for part in path.split("."):
            found = fields.get(part)
            if found is None:
                raise BadRequest(f"{model} has no {path}", code="UNKNOWN_FIELD")
            fields = self.catalog.fields(found.target) if isinstance(found, LinkField) else {}
        assert found is not None  # a path has a part
        return found

    def _label(self, model: str, path: str, language: str) -> str:
        return say(self._field(model, path).label, language, path)

    def _cell(self, actor: Actor, model: str, record: Record, path: str, language: str) -> Any:
        """The text of what stands at the end of the path; nothing where the actor may not see it."""
        sight = self.reading.sight(actor)
        name, *rest = path.split(".")
        if name in self.reading.rights.hidden(actor, model):
            return ""
        place, holder = model, record
        while rest:
            link = self.catalog.fields(place)[name]
            assert isinstance(link, LinkField)  # the path of a column goes over links
            holder = holder[name]
            if holder is None or not sight.beyond(link.target, holder, rest):
                return ""
            place, (name, *rest) = link.target, rest
        field = self.catalog.fields(place)[name]
        return self._shown(sight, place, holder, field, language)

    def _shown(self, sight: Sight, place: str, holder: Record, field: Field, language: str) -> Any:
        """The text of one value, masked where the actor may not see it."""
        value = holder.get(field.name)
        if value is None or not sight.shows(place, holder, field):
            return ""
        if sight.masks(place, field):
            return str(field.mask(value))
        source = field.source if isinstance(field, LookupField) else field
        if isinstance(source, LinkField):
            key = self.catalog.models[source.target].key if "." not in source.target else None
            shown = value.get(key) if key is not None and sight.beyond(source.target, value, (key,)) else None
            return str(shown if shown is not None else value["id"])
        return field.edit_text(value, ZoneInfo(self.catalog.app.timezone))


def _prefixes(path: str) -> list[str]:
    """The links that a path goes over: ``a`` and ``a.b`` of ``a.b.c``."""
    steps = path.split(".")
    return [".".join(steps[:at]) for at in range(1, len(steps))]


@contextmanager
def _writer(path: Path) -> Iterator[WriteRow]:
    """A function that writes one row of a CSV or XLSX file; the ending says which."""
    if path.suffix == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        yield lambda row: sheet.append([_harmless(cell) for cell in row])
        book.save(path)
    elif path.suffix == ".csv":
        # The mark of UTF-8, without which spreadsheet programs guess another encoding.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            yield lambda row: writer.writerow([_harmless(cell) for cell in row])
    else:
        raise BadRequest(f"{path.name}: write to .csv, .xlsx or .jsonl", code="WRONG_FORMAT")


def _harmless(cell: Any) -> Any:
    return harmless(cell) if isinstance(cell, str) and not _is_number(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
