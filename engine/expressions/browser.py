"""Expressions for the browser: JavaScript over the functions of ``web/static/expressions.js``.

The text is a plain ES module, served from our own origin: nothing is evaluated from strings, so a strict content
security policy holds. Records are read as the API sends them, and results are JSON again, so that one result can be
another's input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.expressions.dialects import utc_text
from engine.expressions.faults import ExpressionProblems, Fault
from engine.expressions.language import Expression
from engine.expressions.tree import (
    Binary,
    Call,
    Compare,
    Comprehension,
    Conditional,
    Constant,
    Convert,
    Each,
    ListOf,
    Logic,
    Member,
    Node,
    OwnRecord,
    ScopeName,
    Unary,
)
from engine.expressions.types import DATE, DATETIME, DECIMAL, DURATION, INTEGER, NUMBERS, TEXT, TIME, ListType, Type

#: Where generated modules find their functions.
RUNTIME = "/static/expressions.js"

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "fdiv", "%": "mod"}
#: How a value of JSON becomes one of expressions; other types are the same in both.
_READERS = {INTEGER: "num", DECIMAL: "num", DATETIME: "instant", TIME: "clock"}
#: Functions of expressions by form: what each is called in the browser. A new function is one line here and one there.
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "abs": ("abs",), "round": ("round", "round"), "floor": ("floor",), "ceil": ("ceil",), "clamp": ("clamp",),
    "sum": ("sum", "sumDurations"), "count": ("count",), "min": ("least", "min"), "max": ("greatest", "max"),
    "mean": ("mean",), "any": ("any",), "all": ("all",), "distinct": ("distinct",), "first": ("first",),
    "last": ("last",),
    "len": ("len",), "upper": ("upper",), "lower": ("lower",), "trim": ("trim",), "starts_with": ("startsWith",),
    "ends_with": ("endsWith",), "contains": ("contains",), "replace": ("replace",), "concat": ("concat",),
    "left": ("left",), "right": ("right",), "time": ("time",), "days": ("days",), "hours": ("hours",),
    "minutes": ("minutes",), "days_between": ("daysBetween",), "next_day": ("nextDay",),
    "distance": ("distance",),
}  # fmt: skip
#: Functions of a date that also take the local date of a datetime.
_OF_DATES = frozenset({"year", "month", "day", "weekday", "week"})
_IN_ZONE = frozenset({"time", "next_day"})


def to_javascript(expression: Expression) -> str:
    """An arrow function ``(r, s) => …`` of the record and the scope's names. Raises ExpressionProblems (E208)."""
    source = _Writer(expression.text).write(expression.tree)
    return f"(r, s) => x.{'plainInteger' if expression.type == INTEGER else 'plain'}({source})"


def module(expressions: Mapping[str, Expression], *, runtime: str = RUNTIME) -> str:
    """An ES module that exports a function for each expression, under its name. That may be a path: ``lines.total``."""
    lines = [f"import * as x from {_quoted(runtime)};"]
    lines += [f"const f{number} = {to_javascript(each)};" for number, each in enumerate(expressions.values())]
    exports = ", ".join(f"f{number} as {_quoted(name)}" for number, name in enumerate(expressions))
    return "\n".join([*lines, f"export {{ {exports} }};", ""])


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass
class _Writer:
    text: str
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, node: Node) -> str:
        """JavaScript for the node."""
        match node:
            case Constant(value=value, type=type_):
                return _constant(value, type_)
            case OwnRecord():
                return "r"
            case ScopeName(name=name) if name in self.variables:
                return self.variables[name]
            case ScopeName(name=name, type=type_):
                return _read(f"x.get(s, {_quoted(name)})", type_)
            case Member(base=base, name=name, type=type_):
                return _read(f"x.get({self.write(base)}, {_quoted(name)})", type_)
            case Each(base=base, name=name, flat=flat, type=type_):
                item = type_ if flat or not isinstance(type_, ListType) else type_.item
                value = _read(f"x.get(v, {_quoted(name)})", item)
                return f"x.{'flat' if flat else 'each'}({self.write(base)}, (v) => {value})"
            case Convert(operand=operand):
                return self.write(operand)
            case Unary(op=op, operand=operand):
                source = self.write(operand)
                return source if op == "+" else f"x.{'not' if op == 'not' else 'neg'}({source})"
            case Binary():
                return self._binary(node)
            case Logic(op=op, parts=parts):
                return f"x.{op}({', '.join(f'() => {self.write(part)}' for part in parts)})"
            case Compare():
                return self._compare(node)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return f"({self.write(condition)} === true ? {self.write(then)} : {self.write(otherwise)})"
            case ListOf(items=items):
                return f"[{', '.join(map(self.write, items))}]"
            case Comprehension():
                return self._comprehension(node)
            case Call():
                return self._call(node)
            case _:
                raise self._refuse(node, "this has no translation for the browser")

    def _refuse(self, node: Node, message: str) -> Exception:
        hint = "leave it to the server"
        return ExpressionProblems(self.text, [Fault("E208", message, hint, node.start, node.end)])

    def _binary(self, node: Binary) -> str:
        left, right = self.write(node.left), self.write(node.right)
        one, two = node.left.type, node.right.type
        if one in NUMBERS and two in NUMBERS:
            return f"x.{_ARITHMETIC[node.op]}({left}, {right})"
        if node.type == TEXT:
            return f"x.join({left}, {right})"
        if node.type == INTEGER:
            return f"x.daysBetween({right}, {left})"
        if node.op == "*":
            return f"x.times({left}, {right})" if one == DURATION else f"x.times({right}, {left})"
        if one == two == DATETIME:
            return f"x.span({left}, {right})"
        if one == DURATION and two != DURATION:
            left, right, one = right, left, two
        function = {DURATION: "longer", DATETIME: "shift", DATE: "shiftDate"}[one]
        return f"x.{function}({left}, {right if node.op == '+' else f'x.neg({right})'})"

    def _compare(self, node: Compare) -> str:
        op, left, right = node.op, node.left, node.right
        if op in ("in", "not in"):
            source = f"x.isIn({self.write(left)}, {self.write(right)})"
            return source if op == "in" else f"x.not({source})"
        for tested, other in ((left, right), (right, left)):
            if isinstance(other, Constant) and other.value is None:
                return f"({self.write(tested)} {'===' if op == '==' else '!=='} null)"
        return f"x.{_COMPARISONS[op]}({self.write(left)}, {self.write(right)})"

    def _comprehension(self, node: Comprehension) -> str:
        source = self.write(node.source)
        # A name of ours: the author's may be a word of JavaScript.
        local = f"v{len(self.variables)}"
        self.variables[node.variable] = local
        parts = [source, f"({local}) => {self.write(node.element)}"]
        if node.condition is not None:
            parts.append(f"({local}) => {self.write(node.condition)}")
        del self.variables[node.variable]
        return f"x.each({', '.join(parts)})"

    def _call(self, node: Call) -> str:
        args = [self.write(arg) for arg in node.args]
        name, first = node.function, node.args[0].type
        if name == "coalesce":
            return f"({' ?? '.join(args)})"
        if name in _OF_DATES or name == "date":
            day = f"x.date({args[0]}, {_ZONE})" if first == DATETIME else args[0]
            return day if name == "date" else f"x.{name}({day})"
        if name not in FUNCTIONS:
            raise self._refuse(node, f"the function '{name}' has no translation for the browser")
        if name in _IN_ZONE:
            args.append(_ZONE)
        return f"x.{FUNCTIONS[name][node.form]}({', '.join(args)})"


_ZONE = 'x.get(s, "timezone")'


def _read(source: str, type_: Type) -> str:
    if isinstance(type_, ListType):
        reader = _READERS.get(type_.item)
        return f"x.each({source}, x.{reader})" if reader else source
    reader = _READERS.get(type_)
    return f"x.{reader}({source})" if reader else source


def _constant(value: Any, type_: Type) -> str:
    if value is None or isinstance(value, bool | str):
        return _quoted(value)
    if type_ in NUMBERS:
        return f'x.num("{value}")'
    return _quoted(utc_text(value) if type_ == DATETIME else value.isoformat())
