"""Limits of numbers, dates and times: ``min max above below``, each an expression over the record."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from engine.expressions.types import Scope
from engine.fields.field import Bound, Field, Linker, ValueFault
from engine.source.shape import Formula, option

T = TypeVar("T")

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "min": operator.ge,
    "max": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}
_KEYWORDS = {"min": "minimum", "max": "maximum", "above": "exclusiveMinimum", "below": "exclusiveMaximum"}

#: Constant limits, ready to test: (test, bound, limit).
Limits = tuple[tuple[Callable[[Any, Any], bool], Bound, Any], ...]


@dataclass(frozen=True, kw_only=True)
class BoundedField(Field):
    """A field whose values have limits; not a type by itself."""

    min: Formula | None = option(None, help="An expression: the least value")
    max: Formula | None = option(None, help="An expression: the greatest value")
    above: Formula | None = option(None, help="An expression: every value is greater")
    below: Formula | None = option(None, help="An expression: every value is less")

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        type_ = self.expression_type(linker.shape)
        for formula in (self.min, self.max, self.above, self.below):
            linker.compile(formula, scope, type_)
        for stronger, weaker in (("above", "min"), ("below", "max")):
            if getattr(self, stronger) is not None and getattr(self, weaker) is not None:
                linker.report("E110", f"`{stronger}` and `{weaker}` are two words for one limit", self, stronger)

    def bounds(self) -> tuple[Bound, ...]:
        return self._bounds

    @cached_property
    def _bounds(self) -> tuple[Bound, ...]:
        given = (("min", self.min), ("max", self.max), ("above", self.above), ("below", self.below))
        return tuple(
            Bound(name, formula.expression)
            for name, formula in given
            if formula is not None and formula.expression is not None
        )

    @cached_property
    def limits(self) -> Limits:
        """The limits that read nothing, so that ``parse`` can test them."""
        return tuple(
            (_TESTS[bound.name], bound, limit)
            for bound in self._bounds
            if bound.expression.constant and not bound.expression.scope_reads
            if (limit := bound.expression({}, {})) is not None
        )

    def limit_keywords(self) -> dict[str, Any]:
        """The constant limits as keywords of JSON Schema (numbers only; it has none for dates)."""
        return {
            _KEYWORDS[bound.name]: int(limit) if limit == int(limit) else float(limit)
            for _, bound, limit in self.limits
            if isinstance(limit, Decimal | int)
        }


def check_limits(value: T, limits: Limits) -> T:
    """The value, if it keeps the constant limits; else ValueFault."""
    for test, bound, limit in limits:
        if not test(value, limit):
            shown = limit.isoformat() if isinstance(limit, date | time) else limit
            raise ValueFault("VALUE_RANGE", bound.message(shown), bound=bound.name, limit=shown)
    return value
