"""Which of several values: the first that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.expressions.functions.function import ANY, Form, Function, Writer
from engine.expressions.tree import Call


def coalesce(*values: Any) -> Any:
    """The first value that is not null, else None."""
    return next((value for value in values if value is not None), None)


def _inline_coalesce(write: Writer, call: Call, args: Sequence[str]) -> str:
    source = args[-1]
    for arg, node in reversed(list(zip(args[:-1], call.args[:-1], strict=True))):
        name = write.temporary()
        source = f"({name} if ({name} := {arg}) is not None else {source})" if node.nullable else arg
    return source


COALESCE = Function(
    "coalesce",
    (Form(takes=(ANY, ANY), gives=ANY, run=coalesce, repeats=True, nulls="given", inline=_inline_coalesce),),
    "coalesce(discount, 0): the first that is not null",
)

CHOICES = (COALESCE,)
