"""Numbers: integers, exact decimals, money, percentages. Never a float, never rounded on the way in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.expressions.types import DECIMAL, INTEGER, NUMBERS, Scope, Shape, Type
from engine.fields.bounds import BoundedField, Limits, check_limits
from engine.fields.columns import MOST_DIGITS, ScaledDecimal, WholeNumber
from engine.fields.field import Field, Linker, Parser, ValueFault
from engine.registry import did_you_mean
from engine.source.shape import Name, option

#: The largest integer that every JSON reader keeps exactly, browsers too.
LARGEST_INTEGER = 2**53 - 1
LONGEST_INTEGER = len(str(LARGEST_INTEGER))

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
#: Rounds what was computed; wide enough for every result of an expression.
_ROUNDING = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def read_number(raw: Any) -> Decimal | int:
    """The number in a JSON number or text. Raises ValueFault for floats, booleans and texts that are no number."""
    kind = type(raw)
    if kind is Decimal or kind is int:
        number: Decimal | int = raw
        return number
    if kind is str:
        text = raw.strip()
        if _NUMBER.fullmatch(text):
            return Decimal(text)
        raise ValueFault("VALUE_FORMAT", "is no number", expected="number")
    if kind is float:
        raise ValueFault("VALUE_TYPE", "a binary float is not exact: send a text or a decimal", expected="number")
    raise ValueFault("VALUE_TYPE", "expected a number", expected="number")


def plain_number(text: str) -> str:
    """The text of a cell or an input without what people add: blanks, thousands separators, full-width digits."""
    text = unicodedata.normalize("NFKC", text).strip()
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def _text_parser(parse: Parser, parse_text: Parser) -> Parser:
    """The function from texts to numbers: most are digits with at most one point, which need no clearing up."""

    def read(text: str) -> Any:
        plain = text.isascii() and text.replace(".", "", 1).isdigit()
        return parse(text) if plain else parse_text(text)

    return read


@dataclass(frozen=True, kw_only=True)
class IntegerField(BoundedField):
    """A whole number."""

    type_name: ClassVar[str] = "integer"
    widget: ClassVar[str] = "number"

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return INTEGER

    def column_type(self) -> TypeEngine[Any]:
        return WholeNumber()

    def schema(self) -> dict[str, Any]:
        # As text too, because cells and forms have nothing else.
        schema: dict[str, Any] = {"type": ["integer", "string"], "pattern": r"^[+-]?[0-9]{1,16}$"}
        return schema | {"minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER} | self.limit_keywords()

    def parser(self, zone: tzinfo | None = None) -> Parser:
        limits = self.limits

        def parse(raw: Any) -> int:
            plain = type(raw) is str and raw.isdigit() and raw.isascii() and len(raw) <= LONGEST_INTEGER
            number = int(raw) if plain else read_number(raw)
            if type(number) is not int:
                number = _whole(Decimal(number))
            if not -LARGEST_INTEGER <= number <= LARGEST_INTEGER:
                raise ValueFault("VALUE_RANGE", "is too large for a whole number", max=LARGEST_INTEGER)
            return check_limits(number, limits) if limits else number

        return parse

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        return self.parse(plain_number(text))

    def text_parser(self, zone: tzinfo | None = None) -> Parser:
        return _text_parser(self.parser(zone), self.parse_text)

    def settle(self, value: Any) -> Any:
        if type(value) is not int:
            value = int(_ROUNDING.quantize(value, Decimal(1)))
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise ValueFault("VALUE_RANGE", "is too large for a whole number", max=LARGEST_INTEGER)
        return value

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return f"{value:,}"


def _whole(number: Decimal) -> int:
    """The integer that the decimal is. The magnitude is tested first: int() of 1E+999999 would fill the memory."""
    if not number.is_finite() or number.adjusted() > MOST_DIGITS:
        raise ValueFault("VALUE_RANGE", "is too large for a whole number", max=LARGEST_INTEGER)
    if number != number.to_integral_value():
        raise ValueFault("VALUE_DIGITS", "expected a whole number", digits=0)
    return int(number)


@dataclass(frozen=True, kw_only=True)
class DecimalField(BoundedField):
    """An exact decimal number."""

    type_name: ClassVar[str] = "decimal"
    widget: ClassVar[str] = "number"

    digits: int = option(6, help="How many digits behind the point are kept; more are refused, not rounded")
    precision: int = option(MOST_DIGITS, help="How many digits in all")
    spread: Name | None = option(None, help="In rows: the amount of the record that is divided over this field")
    by: Name | None = option(None, help="In rows: the field whose values are the weights of `spread`")

    @property
    def computed(self) -> bool:
        return self.value is not None or self.spread is not None

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if not 1 <= self.precision <= MOST_DIGITS:
            linker.report("E107", f"a decimal has 1 to {MOST_DIGITS} digits", self, "precision")
        if not 0 <= self.digits <= self.precision:
            linker.report("E107", "`digits` lies between 0 and `precision`", self, "digits")
        if (self.spread is None) != (self.by is None):
            there = "by" if self.spread is None else "spread"
            linker.report("E110", "`spread` and `by` belong together: what is divided, and its weights", self, there)
        elif self.spread is not None and self.value is not None:
            linker.report("E110", "a field has `value` or `spread`, not both", self, "spread")
        elif self.spread is not None and self.path[-2] != "of":
            linker.report("E405", "`spread` divides an amount over rows, and this field stands in none", self, "spread")

    def link_spread(self, linker: Linker, around: Shape, row: Shape) -> None:
        """Checks what is divided (a number of what holds the rows) and by which weights (numbers of the rows)."""
        for key, holder, name in (("spread", around, self.spread), ("by", row, self.by)):
            if name is None:
                continue
            member = holder.member(name)
            if member is None:
                hint = did_you_mean(name, holder.names())
                linker.report("E303", f"{holder.name} has no field '{name}'", self, key, hint)
            elif member.type not in NUMBERS:
                linker.report("E404", f"'{name}' holds no numbers but {member.type}", self, key)

    def expression_type(self, shape_of: Callable[[str], Shape | None]) -> Type:
        return DECIMAL

    def column_type(self) -> TypeEngine[Any]:
        return ScaledDecimal(self.precision, self.digits)

    def schema(self) -> dict[str, Any]:
        whole, digits = max(self.precision - self.digits, 1), self.digits
        pattern = rf"^[+-]?[0-9]{{1,{whole}}}(?:\.[0-9]{{1,{digits}}}0*)?$" if digits else rf"^[+-]?[0-9]{{1,{whole}}}$"
        return {"type": ["string", "number"], "pattern": pattern, **self.limit_keywords()}

    def parser(self, zone: tzinfo | None = None) -> Parser:
        return _decimal_parser(self.precision, self.digits, self.limits)

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        return self.parse(plain_number(text))

    def text_parser(self, zone: tzinfo | None = None) -> Parser:
        return _text_parser(self.parser(zone), self.parse_text)

    def settle(self, value: Any) -> Any:
        return self._settle(value)

    def settler(self) -> Parser:
        return self._settle

    @cached_property
    def _settle(self) -> Parser:
        # The result is rounded once, and must not have more digits than the field keeps.
        context = Context(prec=self.precision, rounding=ROUND_HALF_UP, traps=[InvalidOperation])
        quantize, unit = context.quantize, Decimal(1).scaleb(-self.digits)

        def settle(value: Decimal) -> Decimal:
            try:
                return quantize(value, unit)
            except InvalidOperation:
                raise _too_large(self.precision, self.digits) from None

        return settle

    def wire(self, value: Any) -> Any:
        return format(value, "f")

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        text = f"{value:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


def _too_large(precision: int, digits: int) -> ValueFault:
    whole = precision - digits
    return ValueFault("VALUE_RANGE", f"has more than {whole} digits before the point", whole=whole)


def _decimal_parser(precision: int, digits: int, limits: Limits) -> Callable[[Any], Decimal]:
    # With these traps a result that would be rounded, or is too long, is an exception instead.
    quantize = Context(prec=precision, traps=[Inexact, InvalidOperation]).quantize
    unit = Decimal(1).scaleb(-digits)
    zero = Decimal(0).quantize(unit)

    def parse(raw: Any) -> Decimal:
        # Most are digits with at most one point, which takes no regular expression to see.
        if type(raw) is str and raw.replace(".", "", 1).isdigit() and raw.isascii() and len(raw) <= precision:
            number: Decimal | int = Decimal(raw)
        else:
            number = read_number(raw)
        try:
            value = quantize(number, unit)
        except Inexact:
            raise ValueFault("VALUE_DIGITS", f"has more than {digits} digits behind the point", digits=digits) from None
        except InvalidOperation:
            raise _too_large(precision, digits) from None
        if not value:
            value = zero  # never -0.00
        elif not value.is_finite():
            raise ValueFault("VALUE_TYPE", "is no finite number", expected="number")
        for test, _, limit in limits:
            if not test(value, limit):
                check_limits(value, limits)
        return value

    return parse


@dataclass(frozen=True, kw_only=True)
class MoneyField(DecimalField):
    """An amount of money in the application's currency."""

    type_name: ClassVar[str] = "money"
    widget: ClassVar[str] = "money"

    digits: int = option(2, help="How many digits behind the point are kept; more are refused, not rounded")

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        return f"{self.settle(value):,f}"


@dataclass(frozen=True, kw_only=True)
class PercentField(DecimalField):
    """A rate: the value is the fraction (0.13), people read and write percent (13%)."""

    type_name: ClassVar[str] = "percent"
    widget: ClassVar[str] = "percent"

    digits: int = option(4, help="How many digits of the fraction are kept: 4 of them are hundredths of a percent")

    def parse_text(self, text: str, zone: tzinfo | None = None) -> Any:
        """The fraction: ``13%`` and ``0.13`` are the same; without its sign a number is a fraction."""
        plain = plain_number(text)
        if plain.endswith("%"):
            return self.parse(_exactly(read_number(plain_number(plain[:-1]))))
        return self.parse(plain)

    def display(self, value: Any, language: str, zone: tzinfo | None = None) -> str:
        text = format(value.scaleb(2), ",f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"

    def edit_text(self, value: Any, zone: tzinfo | None = None) -> str:
        return self.display(value, "en").replace(",", "")


def _exactly(percent: Decimal | int) -> Decimal:
    """The fraction of so many percent, with every digit."""
    return Decimal(percent).scaleb(-2, Context(prec=80))


FIELD_TYPES: tuple[type[Field], ...] = (IntegerField, DecimalField, MoneyField, PercentField)
