"""Values of a column that holds something else from now on.

Numbers become numbers, everything else goes through its text: a date becomes the text of it, and a text becomes a date
where it is one. Digits that have no place are rounded half up, values that cannot be kept become null; the plan counts
both beforehand, and ``apply`` wants leave for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, column, table, update

from engine.fields.columns import dump_json
from engine.fields.json import plain_json
from engine.store.keys import is_key
from engine.store.migrate.schema import ColumnSchema, decimal_digits
from engine.store.migrate.selecting import chunks, columns_of

#: From a value to the new one, and whether that one says the same.
Convert = Callable[[Any], tuple[Any, bool]]

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
#: Integers of 64 bits.
_LARGEST = 2**63 - 1


def always_fits(before: str, after: str) -> bool:
    """Whether every decimal of the one kind is one of the other."""
    old, new = decimal_digits(before), decimal_digits(after)
    return old is not None and new is not None and new[1] >= old[1] and new[0] - new[1] >= old[0] - old[1]


def converter(before: str, after: str) -> Convert:
    """The function that converts values, which are never null."""
    read = _READ.get(after) or _decimal_reader(after)

    def convert(value: Any) -> tuple[Any, bool]:
        try:
            found = read(value if _numeric(before) and _numeric(after) else text_of(value, before))
        except (ValueError, DecimalException):
            return None, False
        return found, not _numeric(after) or _numeric_value(value) == found

    return convert


def unfit(connection: Connection, name: str, primary: Sequence[str], which: str, before: str, after: str) -> int:
    """How many values of the column would be rounded or emptied."""
    if always_fits(before, after):
        return 0
    convert = converter(before, after)
    kinds = {**dict.fromkeys(primary, ColumnSchema("key")), which: ColumnSchema(before)}
    source = columns_of(name, kinds)
    found = chunks(connection, source, primary, source.c[which].is_not(None))
    return sum(not convert(getattr(row, which))[1] for rows in found for row in rows)


def convert_column(
    connection: Connection,
    name: str,
    primary: Sequence[str],
    source: tuple[str, str],
    target: tuple[str, str],
    progress: Callable[[int], None],
) -> None:
    """Fills the target column (its name and kind) with what the source column holds, for all rows."""
    (old, before), (new, after) = source, target
    if always_fits(before, after):
        _copy(connection, name, source, target)
        return
    convert = converter(before, after)
    kinds = {**dict.fromkeys(primary, ColumnSchema("key")), old: ColumnSchema(before), new: ColumnSchema(after)}
    there = columns_of(name, kinds)
    matches = [there.c[key] == bindparam(f"key_{key}") for key in primary]
    change = update(there).where(*matches).values({new: bindparam("new")})
    done = 0
    for rows in chunks(connection, there, primary, there.c[old].is_not(None)):
        changes = [
            {"new": convert(getattr(row, old))[0], **{f"key_{key}": getattr(row, key) for key in primary}}
            for row in rows
        ]
        connection.execute(change, changes)
        done += len(rows)
        progress(done)


def _copy(connection: Connection, name: str, source: tuple[str, str], target: tuple[str, str]) -> None:
    """Copies decimals to a column with more digits, all at once."""
    (old, before), (new, after) = source, target
    factor = 1
    if connection.dialect.name == "sqlite":  # there they are scaled integers
        factor = 10 ** ((decimal_digits(after) or (0, 0))[1] - (decimal_digits(before) or (0, 0))[1])
    # Columns without types: what is multiplied is what is stored.
    there = table(name, column(old), column(new))
    connection.execute(update(there).values({new: there.c[old] * factor if factor > 1 else there.c[old]}))


def _numeric(kind: str) -> bool:
    return kind in ("integer", "small_integer") or decimal_digits(kind) is not None


def _numeric_value(value: Any) -> Decimal | None:
    """The number that a value or a text is, None where it is none."""
    try:
        return Decimal(value.strip() if isinstance(value, str) else value)
    except (DecimalException, TypeError, ValueError):
        return None


def text_of(value: Any, kind: str) -> str:
    """The value as a text that says everything."""
    if kind == "json":
        return dump_json(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _decimal_reader(kind: str) -> Callable[[Any], Decimal]:
    precision, digits = decimal_digits(kind) or (0, 0)

    def read(value: Any) -> Decimal:
        number = _number(value)
        kept = _WIDE.quantize(number, Decimal(1).scaleb(-digits))
        if kept and kept.adjusted() >= precision - digits:
            raise ValueError(f"{value} has too many digits")
        return kept

    return read


def _number(value: Any) -> Decimal:
    number = Decimal(value.strip() if isinstance(value, str) else value)
    if not number.is_finite():
        raise ValueError(f"{value} is no number")
    return number


def _integer(value: Any) -> int:
    number = int(_WIDE.quantize(_number(value), Decimal(1)))
    if abs(number) > _LARGEST:
        raise ValueError(f"{value} is too large")
    return number


def _moment(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return found


def _time(value: str) -> time:
    found = time.fromisoformat(value)
    if found.microsecond or found.tzinfo is not None:
        raise ValueError(f"{value} is no plain time of whole seconds")
    return found


def _key(value: str) -> str:
    if not is_key(value):
        raise ValueError(f"{value} is no key")
    return value


def _json(value: str) -> Any:
    found = plain_json(orjson.loads(value))
    if found is None:
        raise ValueError("null is no value")
    return found


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(f"{value} is neither true nor false")
    return value == "true"


_READ: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "small_integer": _integer,
    "datetime": _moment,
    "date": date.fromisoformat,
    "time": _time,
    "key": _key,
    "json": _json,
    "text": str,
    "boolean": _boolean,
}
