"""Dates, moments, times of day. A moment is always aware and in UTC; a date and a time of day have no zone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.expressions.types import DATE, DATETIME, TIME, Shape, Type
from engine.fields.bounds import BoundedField, check_limits
from engine.fields.columns import IsoDate, IsoTime, UtcDateTime
from engine.fields.field import Field, Parser, ValueFault

#: Four digits of a year everywhere, and a day of room at both ends for the offset of a zone.
FIRST_YEAR, LAST_YEAR = 1000, 9998

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WIRE_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WIRE_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_WIRE_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
#: What people and spreadsheets write: 2026-1-5, 2026/01/05, 2026.1.5, 2026年1月5日; then perhaps a time.
_TYPED = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[T ]*([0-9]{1,2}:.*))?")


def _as_wire(text: str) -> str:
    """The typed date, with or without a time, in the form of ISO 8601; other text as it is."""
    text = unicodedata.normalize("NFKC", text).strip()
    found = _TYPED.fullmatch(text)
    if not found:
        return text
    year, month, day, clock = found.groups()
    written = f"{year}-{int(month):02}-{int(day):02}"
    return f"{written}T{_padded(clock)}" if clock else written


def _padded(clock: str) -> str:
    return f"0{clock}" if clock[1] == ":" else clock


def _show_date(value: date, language: str) -> str:
    return value.isoformat() if language == "zh" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _not_a(what: str) -> ValueFault:
    return ValueFault("VALUE_FORMAT", f"is no {what}", expected=what)


def _wrong_type(what: str) -> ValueFault:
    return ValueFault("VALUE_TYPE", f"expected the text of a {what}", expected=what)


def _refuse_far_years(value: date) -> None:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueFault(
            "VALUE_RANGE", f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}", min=FIRST_YEAR, max=LAST_YEAR
        )


@dataclass(frozen=True, kw_only=True)
class DateField(BoundedField):
    """A day, such as ``2026-11-22``."""

    type_name: ClassVar[str] = "date"
    widget: ClassVar[str] = "date"

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return DATE

    def column_type(self) -> TypeEngine[Any]:
        return IsoDate()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        limits = self.limits

        def parse(raw: Any) -> date:
            if isinstance(raw, date):  # a value, or the cell of a spreadsheet, which has moments only
                if isinstance(raw, datetime) and raw.time() != time():
                    raise ValueFault("VALUE_FORMAT", "has a time of day, and this is a date", expected="date")
                value = date(raw.year, raw.month, raw.day)
            elif not isinstance(raw, str):
                raise _wrong_type("date")
            else:
                if not _WIRE_DATE.fullmatch(raw):
                    raise _not_a("date")
                try:
                    value = date.fromisoformat(raw)
                except ValueError:
                    raise _not_a("date") from None
            _refuse_far_years(value)
            return check_limits(value, limits)

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        return self.parse(_as_wire(text).removesuffix("T00:00:00"))

    def wire(self, value: Any) -> Any:
        return value.isoformat()

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return _show_date(value, language)


@dataclass(frozen=True, kw_only=True)
class TimeField(BoundedField):
    """A time of day in whole seconds, such as ``09:30:00``."""

    type_name: ClassVar[str] = "time"
    widget: ClassVar[str] = "time"

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return TIME

    def column_type(self) -> TypeEngine[Any]:
        return IsoTime()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?$"}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        limits = self.limits

        def parse(raw: Any) -> time:
            if isinstance(raw, time):
                value = raw
            elif not isinstance(raw, str):
                raise _wrong_type("time")
            else:
                if not _WIRE_TIME.fullmatch(raw):
                    raise _not_a("time")
                try:
                    value = time.fromisoformat(raw)
                except ValueError:
                    raise _not_a("time") from None
            if value.microsecond or value.tzinfo is not None:
                raise ValueFault("VALUE_FORMAT", "has fractions of a second or a zone", expected="time")
            return check_limits(value, limits)

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        text = unicodedata.normalize("NFKC", text).strip()
        return self.parse(_padded(text) if text[1:2] == ":" else text)

    def settle(self, value: Any) -> Any:
        return value.replace(microsecond=0, tzinfo=None)

    def wire(self, value: Any) -> Any:
        return value.isoformat()

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"


@dataclass(frozen=True, kw_only=True)
class DateTimeField(BoundedField):
    """A moment, kept in UTC. On the wire with its offset: ``2026-11-22T09:59:41+08:00``."""

    type_name: ClassVar[str] = "datetime"
    widget: ClassVar[str] = "datetime"

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return DATETIME

    def column_type(self) -> TypeEngine[Any]:
        return UtcDateTime()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        limits = self.limits

        def parse(raw: Any) -> datetime:
            if isinstance(raw, datetime):
                value = raw
            elif not isinstance(raw, str):
                raise _wrong_type("date and time")
            else:
                if not _WIRE_MOMENT.fullmatch(raw):
                    raise _not_a("date and time")
                try:
                    value = datetime.fromisoformat(raw)
                except ValueError:
                    raise _not_a("date and time") from None
            _refuse_far_years(value)
            value = value.astimezone(UTC) if value.tzinfo is not None else _local(value, zone)
            return check_limits(value, limits)

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        """The moment; a day alone is its first moment in the zone."""
        written = _as_wire(text)
        if zone is not None and _WIRE_DATE.fullmatch(written):
            written += "T00:00"
        return self.parse(written, zone)

    def wire(self, value: Any) -> Any:
        return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        shown = value.astimezone(zone or UTC)
        return f"{_show_date(shown.date(), language)} {shown:%H:%M}" + ("" if zone is not None else " UTC")

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        shown: datetime = value.astimezone(zone or UTC)
        # In the hour that a zone's clocks show twice, only the offset tells which moment it is.
        plain = zone is not None and shown.fold == 0
        return (shown.replace(tzinfo=None) if plain else shown).isoformat()


def _local(value: datetime, zone: tzinfo | None) -> datetime:
    """The moment when the clocks of the zone show this; the earlier one when they show it twice."""
    if zone is None:
        raise ValueFault("VALUE_ZONE", "needs its offset from UTC, such as +08:00 or Z", expected="offset")
    moment = value.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != value.replace(fold=0):
        raise ValueFault("VALUE_ZONE", f"the clocks of {zone} never showed this", zone=str(zone))
    return moment


FIELD_TYPES: tuple[type[Field], ...] = (DateField, DateTimeField, TimeField)
