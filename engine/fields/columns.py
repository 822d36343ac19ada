"""The column types: the only codec between a field's value and what the database driver takes.

Each gives plain functions by ``bind_processor(dialect)`` and ``result_processor(dialect, None)`` (None where the driver
needs no help); null passes through them. SQLAlchemy uses them in Core statements, the write path calls them itself on
the driver's raw values.

On SQLite decimals are scaled integers, moments are text of a fixed width that sorts as they do; PostgreSQL has types of
its own. Both keep the same values: what one would round or refuse, the codec refuses for both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import orjson
from sqlalchemy import BLOB, BigInteger, Boolean, Date, DateTime, Dialect, Numeric, Text, Time
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID
from sqlalchemy.types import TypeDecorator, TypeEngine

Convert = Callable[[Any], Any]

#: The most digits that a scaled integer of 64 bits can hold, whatever they are.
MOST_DIGITS = 18


class _Declared:
    """A type of SQLite under a name that tells what the column holds, since all columns are integers or texts there.

    SQLite keeps the name, so the tables can be compared with what they should be. A name with INT in it makes an
    integer of the column, one with TEXT a text (sqlite.org/datatype3.html, 3.1).
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def get_col_spec(self, **options: Any) -> str:
        """The name, as it stands in CREATE TABLE."""
        return self.name


class DeclaredInteger(_Declared, BigInteger):
    """An integer of SQLite that stands for something else."""

    __visit_name__ = "user_defined"  # SQLAlchemy then asks for the name


class DeclaredText(_Declared, Text):
    """A text of SQLite that stands for something else."""

    __visit_name__ = "user_defined"


class Codec(TypeDecorator[Any]):
    """A column type of ours: what it is in each database, and the two functions in between, for what is not null."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # SQLAlchemy looks for it in each class itself: the arguments of the constructor tell two types apart.
        cls.cache_ok = True

    def postgresql(self) -> TypeEngine[Any]:
        """Its type there."""
        raise NotImplementedError

    def sqlite(self) -> TypeEngine[Any]:
        """Its type there: text unless said otherwise."""
        return Text()

    def encoder(self, dialect: str) -> Convert | None:
        """From a value to what the driver takes; raises ValueError for a value that the column cannot keep."""
        return None

    def decoder(self, dialect: str) -> Convert | None:
        """From what the driver gives to the value."""
        return None

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(self.postgresql() if dialect.name == "postgresql" else self.sqlite())

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _null_safe(self.encoder(dialect.name))

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _null_safe(self.decoder(dialect.name))

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        encode = self.encoder(dialect.name)
        inner = self.load_dialect_impl(dialect).literal_processor(dialect)
        if inner is None:
            raise NotImplementedError(f"{self!r} has no literals in {dialect.name}")
        return lambda value: inner(encode(value) if encode else value)


def _null_safe(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda value: None if value is None else convert(value)


class ScaledDecimal(Codec):
    """Exact decimals of at most ``precision`` digits, ``digits`` of them behind the point: never rounded, no float."""

    impl = Numeric

    def __init__(self, precision: int, digits: int) -> None:
        if not 0 <= digits <= precision <= MOST_DIGITS:
            raise ValueError(f"decimals have 0 to {MOST_DIGITS} digits, and no more behind the point than at all")
        super().__init__(precision, digits)
        self.precision = precision
        self.digits = digits

    def postgresql(self) -> TypeEngine[Any]:
        return Numeric(self.precision, self.digits)

    def sqlite(self) -> TypeEngine[Any]:
        return DeclaredInteger(f"SCALED INTEGER({self.precision}, {self.digits})")

    def encoder(self, dialect: str) -> Convert:
        precision, digits = self.precision, self.digits
        # Traps what would otherwise be rounded in silence, in front of the point and behind it.
        context = Context(prec=precision, traps=[Inexact, InvalidOperation])
        fit, unit, factor = context.quantize, Decimal(1).scaleb(-digits), Decimal(10**digits)

        def scaled(value: Decimal | int) -> int:
            try:
                return int(fit(value, unit) * factor)
            except (Inexact, InvalidOperation, TypeError, ValueError):
                raise ValueError(f"{value!r} does not fit decimal({precision}, {digits})") from None

        def fitting(value: Decimal | int) -> Decimal:
            try:
                found = fit(value, unit)
            except (Inexact, InvalidOperation, TypeError):
                found = None
            if found is None or found != found:  # only NaN differs from itself
                raise ValueError(f"{value!r} does not fit decimal({precision}, {digits})")
            return found

        return fitting if dialect == "postgresql" else scaled

    def decoder(self, dialect: str) -> Convert | None:
        if dialect == "postgresql":
            return None
        scaled, places = Context(prec=MOST_DIGITS + 2).scaleb, -self.digits
        return lambda units: scaled(units, places)


class WholeNumber(Codec):
    """Integers of 64 bits, signed."""

    impl = BigInteger

    def postgresql(self) -> TypeEngine[Any]:
        return BigInteger()

    def sqlite(self) -> TypeEngine[Any]:
        return BigInteger()


class UtcDateTime(Codec):
    """Moments to the microsecond, always aware and in UTC. SQLite: text of a fixed width."""

    impl = DateTime

    def postgresql(self) -> TypeEngine[Any]:
        return DateTime(timezone=True)

    def sqlite(self) -> TypeEngine[Any]:
        return DeclaredText("DATETIME TEXT")

    def encoder(self, dialect: str) -> Convert:
        def aware(value: datetime) -> datetime:
            if value.tzinfo is UTC:
                return value
            if value.tzinfo is None:
                raise ValueError(f"{value!r} has no time zone")
            return value.astimezone(UTC)

        if dialect == "postgresql":
            return aware
        return lambda value: aware(value).isoformat("T", "microseconds")[:26] + "Z"

    def decoder(self, dialect: str) -> Convert:
        # psycopg gives the session's zone
        return _to_utc if dialect == "postgresql" else datetime.fromisoformat


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


class IsoDate(Codec):
    """Days. SQLite: ``2026-11-22``."""

    impl = Date

    def postgresql(self) -> TypeEngine[Any]:
        return Date()

    def sqlite(self) -> TypeEngine[Any]:
        return DeclaredText("DATE TEXT")

    def encoder(self, dialect: str) -> Convert | None:
        return None if dialect == "postgresql" else date.isoformat

    def decoder(self, dialect: str) -> Convert | None:
        return None if dialect == "postgresql" else date.fromisoformat


class IsoTime(Codec):
    """Times of day in whole seconds. SQLite: ``09:30:00``, which sorts as it should since no fraction ever follows."""

    impl = Time

    def postgresql(self) -> TypeEngine[Any]:
        return Time()

    def sqlite(self) -> TypeEngine[Any]:
        return DeclaredText("TIME TEXT")

    def encoder(self, dialect: str) -> Convert:
        def whole(value: time) -> time:
            if value.microsecond or value.tzinfo is not None:
                raise ValueError(f"{value!r} is no plain time of whole seconds")
            return value

        return whole if dialect == "postgresql" else lambda value: whole(value).isoformat()

    def decoder(self, dialect: str) -> Convert | None:
        return None if dialect == "postgresql" else time.fromisoformat


class Key(Codec):
    """Ids of records: canonical UUID text, whatever the driver likes better. PostgreSQL: ``uuid``."""

    def postgresql(self) -> TypeEngine[Any]:
        return UUID(as_uuid=False)

    def sqlite(self) -> TypeEngine[Any]:
        return DeclaredText("UUID TEXT")

    def decoder(self, dialect: str) -> Convert | None:
        return str if dialect == "postgresql" else None


class JsonText(Codec):
    """JSON with sorted keys, Decimals as text. PostgreSQL: ``jsonb``; SQLite: text. Equal values are equal texts."""

    def postgresql(self) -> TypeEngine[Any]:
        return JSONB()

    def sqlite(self) -> TypeEngine[Any]:
        return DeclaredText("JSON TEXT")

    def encoder(self, dialect: str) -> Convert:
        return dump_json

    def decoder(self, dialect: str) -> Convert | None:
        # psycopg has parsed it already
        return None if dialect == "postgresql" else orjson.loads


class PlainText(Codec):
    """Texts of any length (their field says which) that both databases compare and sort by code point."""

    def postgresql(self) -> TypeEngine[Any]:
        return Text(collation="C")


class Bytes(Codec):
    """The content of files, as it is. PostgreSQL: ``bytea``; SQLite: ``BLOB``."""

    def postgresql(self) -> TypeEngine[Any]:
        return BYTEA()

    def sqlite(self) -> TypeEngine[Any]:
        return BLOB()


class Flag(Codec):
    """True or false. SQLite: 1 or 0."""

    impl = Boolean

    def postgresql(self) -> TypeEngine[Any]:
        return Boolean()

    def sqlite(self) -> TypeEngine[Any]:
        return Boolean()

    def decoder(self, dialect: str) -> Convert | None:
        return None if dialect == "postgresql" else bool


def dump_json(value: Any) -> str:
    """The JSON text of a value: sorted keys, Decimals as text, so that the same value gives the same text."""
    return orjson.dumps(value, default=_json_of, option=orjson.OPT_SORT_KEYS).decode()


def _json_of(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{value!r} is no JSON")
