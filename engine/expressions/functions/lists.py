"""Lists that people keep: whether a value stands on one. The scope has them as ``_lists``: an expression only asks."""

from __future__ import annotations

from engine.errors import ExpressionError
from engine.expressions.functions.function import Form, Function
from engine.expressions.types import BOOLEAN, TEXT
from engine.ports import Lists

IN_LIST = "in_list"
#: The name of the scope. No model can have it.
LISTS = "_lists"


def in_list(value: str, name: str, lists: Lists | None) -> bool:
    """Whether the list has the value now. ExpressionError where no lists are at hand."""
    if lists is None:
        raise ExpressionError(f"nobody says here what the list '{name}' holds")
    return lists.has(name, value)


LIST_FUNCTIONS = (
    Function(
        IN_LIST,
        (Form(takes=(TEXT, TEXT), gives=BOOLEAN, run=in_list, hidden=(LISTS,), fails=True),),
        'in_list(event.ip, "known_addresses"): by the entries that count now',
    ),
)
