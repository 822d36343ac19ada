"""Between records and the driver's tuples: functions generated once for each table.

A generated tuple display, or dict display, is the fastest way in Python, and the write path does this for every row.
The generated text holds field names, which are plain words, and names of local functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy.engine import Dialect

from engine.fields.columns import Codec, ScaledDecimal
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.ports import Record
from engine.store.identity import Identity, StoredRecord
from engine.store.statement import Processor, binder, reader
from engine.store.tables import Level

Row = tuple[Any, ...]
#: How many decimals of a column are remembered beside what stands for them: most columns hold few, zero above all.
KEPT = 1_024
#: From a record (and, for a row, its parent's id and its position) to the driver's values.
Bind = Callable[..., Row]
#: From the driver's row to a record, links being those of the transaction.
Read = Callable[[Row, Identity], Record]


def bind_function(level: Level, names: Sequence[str], dialect: Dialect) -> Bind:
    """The function that gives the driver's values for the named columns. For rows it takes (row, parent, position), and
    these two come after the id. A value that a column cannot keep raises ValueError."""
    functions: dict[str, Processor] = {}
    parts = [_bound(level.fields.get(name), name, dialect, functions) for name in names]
    display = "".join(f"{part}, " for part in parts)
    arguments, first = ("r, parent, position", "r['id'], parent, position, ") if level.path else ("r", "")
    made: Bind = _made(f"lambda {arguments}: ({first}{display})", functions)
    return made


def _bound(field: Field | None, name: str, dialect: Dialect, functions: dict[str, Processor]) -> str:
    value = f"r[{name!r}]"
    if field is None:
        return value
    if isinstance(field, LinkField):
        return f"(x['id'] if (x := {value}) is not None else None)"
    column_type = field.column_type()
    # Null is tested here, so the conversion itself need not.
    process = column_type.encoder(dialect.name) if isinstance(column_type, Codec) else binder(column_type, dialect)
    if process is None:
        return value
    if isinstance(column_type, ScaledDecimal):
        process = lru_cache(KEPT)(process)
    functions[f"to_{name}"] = process
    return f"(to_{name}(x) if (x := {value}) is not None else None)"


def read_function(place: str, names: Sequence[str], columns: Sequence[Reading], start: int = 0) -> Read:
    """The function that makes a record of the driver's row, whose values begin at ``start``."""
    functions: dict[str, Any] = {}
    parts = [
        f"{name!r}: {column.source(f't[{start + index}]', f'from_{name}', functions)}"
        for index, (name, column) in enumerate(zip(names, columns, strict=True))
    ]
    lines = (
        "def read(t, identity):",
        f"    record = Stored({{{', '.join(parts)}}})",
        "    record.identity = identity",
        f"    record.place = {place!r}",
        "    return record",
    )
    namespace = {"__builtins__": {}, "Stored": StoredRecord, **functions}
    exec("\n".join(lines), namespace)
    made: Read = namespace["read"]
    return made


class Reading:
    """How one selected value becomes one of ours: ``link`` is the place that a link leads to, ``process`` what converts
    other values."""

    def __init__(self, link: str | None = None, process: Processor | None = None) -> None:
        self.link = link
        self.process = process

    @classmethod
    def of(cls, field: Field, dialect: Dialect) -> Reading:
        """The column of a stored field."""
        column_type = field.column_type()
        process = column_type.decoder(dialect.name) if isinstance(column_type, Codec) else reader(column_type, dialect)
        return cls(field.target if isinstance(field, LinkField) else None, process)

    def source(self, value: str, name: str, functions: dict[str, Processor]) -> str:
        """The expression that converts ``value``."""
        if self.process is not None:
            functions[name] = self.process
            value = f"({name}(x) if (x := {value}) is not None else None)"
        if self.link is not None:
            return f"(identity.link({self.link!r}, y) if (y := {value}) is not None else None)"
        return value


def _made(source: str, functions: Mapping[str, Processor]) -> Any:
    return eval(source, {"__builtins__": {}, **functions})
