"""Plain values of a map: what stands at a path, or a constant, typed as its field is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.catalog.kinds.mapping import Mapped
from engine.catalog.paths import getter
from engine.fields.field import Field, Parser, ValueFault
from engine.fields.link import LinkField
from engine.fields.moment import DateField, DateTimeField


def plain(entry: Mapped, known: Field, zone: str) -> Callable[[Any], Any]:
    """A function from raw data to the typed value of an entry with ``from`` or ``const``. Raises ValueFault."""
    parse = _parser(known, entry, zone)
    if entry.const is not None:
        constant = known.parse(entry.const, ZoneInfo(zone)) if not isinstance(known, LinkField) else str(entry.const)
        return lambda _: constant
    get = getter(entry.from_ or "$")
    default = entry.default
    scale, choices = entry.scale, entry.choices
    if default is None and choices is None and scale is None:
        return _simply(get, parse)

    def take(raw: Any) -> Any:
        found = get(raw)
        if isinstance(found, str):
            found = found.strip()
        if found is None or found == "":
            if default is None:
                return None
            found = default
        elif choices is not None:
            if str(found) not in choices:
                raise ValueFault(
                    "VALUE_CHOICE", f"{str(found)[:60]!r} is none of {', '.join(choices)}", value=str(found)[:60]
                )
            found = choices[str(found)]
        if scale is not None:
            found = _scaled(found, scale)
        return parse(found)

    return take


def _simply(get: Callable[[Any], Any], parse: Parser) -> Callable[[Any], Any]:
    """The function for an entry that says no more than where to look: most are like this."""

    def take(raw: Any) -> Any:
        found = get(raw)
        if isinstance(found, str):
            found = found.strip()
        return None if found is None or found == "" else parse(found)

    return take


def _scaled(found: Any, scale: Decimal) -> Decimal:
    try:
        return Decimal(str(found)) * scale
    except ArithmeticError:
        raise ValueFault("VALUE_TYPE", f"{str(found)[:60]!r} is no number", expected="number") from None


def _parser(known: Field, entry: Mapped, zone: str) -> Parser:
    """The function from a found value to the field's: texts as a cell has them, anything else as JSON has it."""
    tz = ZoneInfo(zone)
    parse = known.parser(tz)
    if entry.format is not None and isinstance(known, DateField | DateTimeField):
        return _written(known, entry.format, tz, parse)

    parse_text = known.text_parser(tz)
    return lambda found: parse_text(found) if isinstance(found, str) else parse(found)


def _written(known: Field, pattern: str, zone: ZoneInfo, parse: Parser) -> Parser:
    def read(found: Any) -> Any:
        try:
            moment = datetime.strptime(str(found), pattern)  # noqa: DTZ007 - the channel's zone is added below
        except ValueError:
            raise ValueFault(
                "VALUE_FORMAT", f"{str(found)[:60]!r} is not written as {pattern}", format=pattern
            ) from None
        if isinstance(known, DateField):
            return parse(moment.date().isoformat())
        return parse((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).isoformat())

    return read
