"""What can be told of a pricing before it has priced anything: bounds upside down, lists without a turn, circles."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker
from engine.errors import ExpressionError
from engine.fields.field import Field
from engine.source.shape import Formula, Located

if TYPE_CHECKING:
    from engine.catalog.kinds.pricing import Adjustment, Pricing

Path = tuple[str, ...]

#: Less than nothing cannot be asked for.
LEAST_PERCENT = Decimal(-100)


def constant(linker: DefinitionLinker, formula: Formula | None, at: Located, key: str) -> Decimal | None:
    """The number that an expression is whatever the record; None for one that depends on something. A problem when it
    cannot be worked out."""
    expression = formula.expression if formula is not None else None
    if expression is None or expression.reads or expression.scope_reads:
        return None
    try:
        value = expression(None, {})
    except ExpressionError as error:
        linker.report("E405", f"this can never be worked out: {error.message}", at, key)
        return None
    return Decimal(value) if value is not None else None


def check_percent(linker: DefinitionLinker, rule: Adjustment) -> None:
    """A rule that always makes a price negative is a mistake."""
    percent = constant(linker, rule.percent, rule, "percent")
    if percent is not None and percent < LEAST_PERCENT:
        linker.report("E107", "a price less more than 100 percent is below nothing", rule, "percent")
    to = constant(linker, rule.to, rule, "to")
    if to is not None and to < 0:
        linker.report("E107", "a price is not below nothing", rule, "to")


def check_bounds(linker: DefinitionLinker, pricing: Pricing) -> None:
    """A cap below the floor leaves no price."""
    cap = constant(linker, pricing.cap, pricing, "cap")
    floor = constant(linker, pricing.floor.at, pricing.floor, "at") if pricing.floor is not None else None
    if cap is not None and floor is not None and cap < floor:
        linker.report("E405", f"the cap {cap} is below the floor {floor}", pricing, "cap")


def check_turns(linker: DefinitionLinker, pricing: Pricing) -> None:
    """Lists that stand behind one that always has a price never have their turn."""
    always: str | None = None
    for each in pricing.lists.values():
        if always is not None:
            message = f"'{each.name}' never has its turn: '{always}' before it always has a price"
            linker.report_key("E405", message, each, (), f"put it before '{always}'")
            return
        expression = each.price.expression
        if not each.has_entries and each.if_ is None and expression is not None and not expression.nullable:
            always = each.name


def check_circle(
    linker: DefinitionLinker, pricing: Pricing, known: Mapping[str, Field], around: Mapping[str, Field]
) -> None:
    """A price that depends on what it sets would be another each time it is asked for."""
    rows = (pricing.of,) if pricing.of is not None else ()
    seen: set[Path] = set()
    front = [_field_at(path, rows) for path in pricing.found_by]
    while front:
        path = front.pop()
        if path in seen:
            continue
        seen.add(path)
        field = known.get(path[-1]) if len(path) == len(rows) + 1 else around.get(path[0])
        expression = field.value.expression if field is not None and field.value is not None else None
        if expression is not None:
            inside = path[:-1]
            front += [_field_at((*inside, *read), rows) for read in expression.reads]
            front += [
                _field_at(read[1:], rows)
                for read in expression.scope_reads
                if inside and len(read) > 1 and read[0] in ("record", pricing.for_)
            ]
    for name in pricing.set:
        if (*rows, name) in seen:
            message = f"the price depends on '{name}', which it sets: it would be another each time"
            linker.report_key("E401", message, pricing, ("set", name))


def _field_at(path: Path, rows: Path) -> Path:
    """The field of the record, or of its priced rows, with which a path begins."""
    return path[: len(rows) + 1] if path[: len(rows)] == rows else path[:1]
