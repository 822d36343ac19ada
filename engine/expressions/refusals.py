"""What expressions leave out of Python's grammar, each with its reason; and the operators that they keep."""

from __future__ import annotations

import ast
from collections.abc import Mapping

OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}

COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}

_LOOP = "a loop stands inside a function: sum(p.weight for p in parts)"

#: The message and the hint for each sort of Python expression that is not one here.
REFUSED: Mapping[type[ast.expr], tuple[str, str | None]] = {
    ast.NamedExpr: ("':=' has no meaning here", "an expression assigns nothing"),
    ast.Lambda: ("'lambda' has no meaning here", None),
    ast.Dict: ("there are no maps here", None),
    ast.Set: ("there are no sets here", "a list is written [a, b]"),
    ast.Tuple: ("a list needs brackets", "write [a, b]"),
    ast.ListComp: ("a list made by a loop", _LOOP),
    ast.SetComp: ("a set made by a loop", _LOOP),
    ast.DictComp: ("a map made by a loop", _LOOP),
    ast.GeneratorExp: ("a loop that is not the only argument of a function", _LOOP),
    ast.Await: ("'await' has no meaning here", None),
    ast.Yield: ("'yield' has no meaning here", None),
    ast.YieldFrom: ("'yield' has no meaning here", None),
    ast.JoinedStr: ("a text with values in it", "join texts with '+' or concat(…)"),
    ast.FormattedValue: ("a text with values in it", "join texts with '+' or concat(…)"),
    ast.Subscript: ("'[…]' after a value has no meaning here", "first(…) and last(…) give the ends of a list"),
    ast.Slice: ("':' has no meaning here", None),
    ast.Starred: ("'*' before a value has no meaning here", None),
}

_REFUSED_OPERATORS: Mapping[type[ast.operator | ast.unaryop], tuple[str, str | None]] = {
    ast.Pow: ("'**' has no meaning here", "multiply instead"),
    ast.BitAnd: ("'&' has no meaning here", "write 'and'"),
    ast.BitOr: ("'|' has no meaning here", "write 'or'"),
    ast.BitXor: ("'^' has no meaning here", None),
    ast.Invert: ("'~' has no meaning here", "write 'not'"),
    ast.LShift: ("'<<' has no meaning here", None),
    ast.RShift: ("'>>' has no meaning here", None),
    ast.MatMult: ("'@' has no meaning here", None),
}


def refused_operator(op: ast.operator | ast.unaryop) -> tuple[str, str | None]:
    """The message and the hint for an operator that is not one here."""
    return _REFUSED_OPERATORS[type(op)]
