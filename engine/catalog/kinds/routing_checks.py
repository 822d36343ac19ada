"""What is wrong with a routing beyond names and types: tiers that add nothing, ranks that say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker
from engine.errors import ExpressionError
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, DATE, DATETIME, DECIMAL, DURATION, INTEGER, TEXT, TIME

if TYPE_CHECKING:
    from engine.catalog.kinds.routing import Candidates, Routing

#: What can stand before or after another of its kind.
ORDERED = (INTEGER, DECIMAL, DATE, DATETIME, TIME, DURATION, BOOLEAN, TEXT)


def check_rank(linker: DefinitionLinker, routing: Routing, name: str, expression: Expression | None) -> None:
    """Reports a rank whose values cannot be told apart by size."""
    if expression is not None and expression.type not in ORDERED:
        message = f"'{name}' cannot tell a better place from a worse one: it is {expression.type}"
        linker.report("E205", message, routing, ("rank", name), "rank by a number, a date or a text")


def check_tiers(linker: DefinitionLinker, routing: Routing) -> None:
    """Reports tiers that never bring a place which those before them have not brought."""
    earlier: list[Candidates] = []
    for tier in routing.candidates.values():
        if tier.if_ is not None and _never(tier.if_.expression):
            linker.report("E405", f"the tier '{tier.name}' is never tried", tier, "if")
        for before in earlier:
            if before.if_ is not None and not (tier.if_ is not None and _same(before.if_.text, tier.if_.text)):
                continue
            if before.from_ == tier.from_ and (
                before.where is None or (tier.where is not None and _same(before.where.text, tier.where.text))
            ):
                message = f"every place of the tier '{tier.name}' stands in '{before.name}' already"
                linker.report_key("E405", message, tier, (), "remove it, or say in `where` how the two differ")
                break
        earlier.append(tier)


def _same(one: str, other: str) -> bool:
    return "".join(one.split()) == "".join(other.split())


def _never(expression: Expression | None) -> bool:
    """Whether a condition that depends on nothing is not true."""
    if expression is None or expression.reads or expression.scope_reads:
        return False
    try:
        return expression(None, {}) is not True
    except ExpressionError:
        return True
