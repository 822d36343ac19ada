"""A second opinion on expressions: simpleeval walks Python's syntax tree and works every part out as it comes to it.

It shares the functions with the compiled form but neither the checker nor the generator, so that tests can hold one
against the other. And it can tell what each part came to, which is how an expression is explained step by step.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

from simpleeval import InvalidExpression, SimpleEval  # type: ignore[import-untyped]  # it has no hints

from engine.errors import ExpressionError
from engine.expressions.faults import EvaluationError, Place
from engine.expressions.functions.function import NUMBER, Form, Functions
from engine.expressions.functions.texts import bounded
from engine.expressions.parse import Parsed, parse
from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    INTEGER,
    TEXT,
    TIME,
    ChoiceType,
    ListType,
    RecordType,
    Scope,
    Shape,
    Type,
)

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What a part of the text (from ``start`` to ``end``) came to. In a loop a part has a step for each round."""

    start: int
    end: int
    value: Any


def interpret(
    text: str,
    r: Values | None,
    s: Values,
    scope: Scope,
    functions: Functions,
    *,
    expects: Type | None = None,
    trace: list[Step] | None = None,
) -> Any:
    """The value of the expression; an integer may stand where the compiled form would give a decimal.

    ``trace`` is given the steps, inner parts first. Raises ExpressionProblems for what does not parse, and
    ExpressionError for what cannot be worked out. It checks no types: compile an expression before you trust it.
    """
    interpreter = _Interpreter(parse(text), r, s, scope, functions, expects, trace)
    try:
        return _plain(interpreter.eval(text, interpreter.parsed.root))
    except InvalidExpression as error:
        raise ExpressionError(str(error)) from None


class _Record(dict[str, Any]):
    """A record that knows its shape, so that its members do too."""

    def __init__(self, values: Values, shape: Shape) -> None:
        super().__init__(values)
        self.shape = shape

    def member(self, name: str) -> Any:
        found = self.shape.member(name)
        if found is None:
            raise ExpressionError(f"{self.shape.name} has no field '{name}'")
        return _shaped(self.get(name), found.type)

    @property
    def key(self) -> Any:
        return self.member(self.shape.key or "id")


def _shaped(value: Any, type_: Type) -> Any:
    if isinstance(type_, ListType) and value is not None:
        return [_shaped(item, type_.item) for item in value]
    return _Record(value, type_.shape) if isinstance(type_, RecordType) and value is not None else value


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list) else value


class _Interpreter(SimpleEval):  # type: ignore[misc]  # of a class without hints
    """One evaluation. simpleeval keeps what it is at on the instance, so none is ever used twice."""

    def __init__(
        self,
        parsed: Parsed,
        r: Values | None,
        s: Values,
        scope: Scope,
        functions: Functions,
        expects: Type | None,
        trace: list[Step] | None,
    ) -> None:
        super().__init__(operators={}, functions={}, names={})
        self.parsed = parsed
        self._record = _Record(r, scope.record) if r is not None and scope.record is not None else None
        self._values = s
        self._scope = scope
        self._functions = functions
        self._options = expects.options if isinstance(expects, ChoiceType) else ()
        self._trace = trace
        self._variables: dict[str, Any] = {}
        # All that there is: what is not named here simpleeval refuses.
        self.nodes = {
            ast.Constant: self._literal,
            ast.Name: self._name,
            ast.Attribute: self._path,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._logic,
            ast.Compare: self._comparison,
            ast.IfExp: self._conditional,
            ast.List: lambda node: [self._eval(item) for item in node.elts],
            ast.Call: self._call,
            ast.GeneratorExp: self._loop,
        }

    def _eval(self, node: ast.expr) -> Any:
        value = super()._eval(node)
        if self._trace is not None and not isinstance(node, ast.Constant):
            self._trace.append(Step(*self.parsed.span(node), _plain(value)))
        return value

    def _check_disallowed_items(self, item: object) -> None:
        """Nothing: records are plain data, and a walk through them at every step would be long, or endless."""

    def _literal(self, node: ast.Constant) -> Any:
        return Decimal(self.parsed.source(node)) if isinstance(node.value, float) else node.value

    def _name(self, node: ast.Name) -> Any:
        name = node.id
        if name in _LITERALS:
            return _LITERALS[name]
        if name in self._options:
            return name
        if name in self._variables:
            return self._variables[name]
        record = self._scope.record
        if record is not None and self._record is not None:
            if record.member(name) is not None:
                return self._record.member(name)
            if name in ("record", record.name) and name not in self._scope.names:
                return self._record
        if name in self._scope.names:
            return _shaped(self._values.get(name), self._scope.names[name])
        raise ExpressionError(f"unknown name '{name}'")

    def _path(self, node: ast.Attribute) -> Any:
        base = self._eval(node.value)
        return _member(base, node.attr)

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self._eval(node.operand)
        if value is None:
            return None
        return self._operator(_UNARY, node.op)(value)

    def _operator(self, known: Mapping[Any, Callable[..., Any]], op: ast.AST) -> Callable[..., Any]:
        if type(op) not in known:
            raise ExpressionError(f"there is no operator {type(op).__name__}")
        return known[type(op)]

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = _alike(self._eval(node.left), self._eval(node.right))
        if left is None or right is None:
            return None
        try:
            return self._operator(_BINARY, node.op)(left, right)
        except ZeroDivisionError:
            raise EvaluationError("division by zero", Place(self.parsed.text, *self.parsed.span(node))) from None
        except OverflowError:
            raise EvaluationError("a time out of range", Place(self.parsed.text, *self.parsed.span(node))) from None

    def _logic(self, node: ast.BoolOp) -> bool | None:
        decisive = isinstance(node.op, ast.Or)
        unknown = False
        for part in node.values:
            value: bool | None = self._eval(part)
            if value is decisive:
                return decisive
            unknown = unknown or value is None
        return None if unknown else not decisive

    def _comparison(self, node: ast.Compare) -> bool | None:
        answer: bool | None = True
        found: bool | None
        left, left_node = self._eval(node.left), node.left
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._eval(right_node)
            if isinstance(op, ast.Eq | ast.NotEq) and (_is_null(left_node) or _is_null(right_node)):
                found = (left is right) is isinstance(op, ast.Eq)
            else:
                found = _compare(op, left, right)
            if found is False:
                return found
            answer = None if found is None else answer
            left, left_node = right, right_node
        return answer

    def _conditional(self, node: ast.IfExp) -> Any:
        return self._eval(node.body if self._eval(node.test) is True else node.orelse)

    def _loop(self, node: ast.GeneratorExp) -> list[Any] | None:
        loop = node.generators[0]
        assert isinstance(loop.target, ast.Name)
        name, source = loop.target.id, self._eval(loop.iter)
        if source is None:
            return None
        values = []
        for item in source:
            self._variables[name] = item
            if all(self._eval(test) is True for test in loop.ifs):
                values.append(self._eval(node.elt))
        self._variables.pop(name, None)
        return values

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name) or node.func.id not in self._functions:
            raise ExpressionError(f"unknown function '{self.parsed.source(node.func)}'")
        function = self._functions[node.func.id]
        args = [self._eval(arg) for arg in node.args]
        forms = [form for form in function.forms if form.accepts(len(args))]
        form = next((form for form in forms if _fits(form, args)), None)
        if form is None:
            if any(arg is None for arg in args):
                return None
            raise ExpressionError(f"'{function.name}' does not take these arguments")
        if form.nulls == "strict" and any(arg is None for arg in args):
            return None
        values = [_as(arg, type_) for arg, type_ in zip(args, form.parameters(len(args)), strict=True)]
        try:
            return form.run(*values, *(self._values.get(name) for name in form.hidden))
        except OverflowError:
            raise EvaluationError("a value out of range", Place(self.parsed.text, *self.parsed.span(node))) from None


def _member(base: Any, name: str) -> Any:
    match base:
        case None:
            return None
        case _Record():
            return base.member(name)
        case list():
            # A member of each; lists in it are laid end to end, and a record that is missing adds nothing to them.
            found = [_member(item, name) for item in base]
            if any(isinstance(value, list) for value in found):
                return [item for value in found for item in value or []]
            return found
        case _:
            raise ExpressionError(f"a {type(base).__name__} has no field '{name}'")


def _is_null(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "null"


def _compare(op: ast.cmpop, left: Any, right: Any) -> bool | None:
    if isinstance(op, ast.In | ast.NotIn):
        answer = _contained(left, right)
        return answer if isinstance(op, ast.In) or answer is None else not answer
    left, right = _alike(left, right)
    if left is None or right is None:
        return None
    found: bool = _COMPARISONS[type(op)](left, right)
    return found


def _contained(value: Any, values: list[Any] | None) -> bool | None:
    if values is None:
        return None
    answers = [_compare(ast.Eq(), value, item) for item in values]
    return True if True in answers else None if None in answers else False


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Both values such that Python compares them as we do: records by id or key, text as the date beside it."""
    match left, right:
        case (_Record(), _Record()):
            return left["id"], right["id"]
        case (_Record(), str()):
            return left.key, right
        case (str(), _Record()):
            return left, right.key
        case (str(), date() | time()):
            return _as(left, _TYPES[type(right)]), right
        case (date() | time(), str()):
            return left, _as(right, _TYPES[type(left)])
        case _:
            return left, right


def _fits(form: Form, args: list[Any]) -> bool:
    pairs = zip(form.parameters(len(args)), args, strict=True)
    return all(_is(value, type_) for type_, value in pairs if value is not None)


def _is(value: Any, type_: Type) -> bool:
    if isinstance(type_, ListType):
        return isinstance(value, list) and all(_is(item, type_.item) for item in value if item is not None)
    if isinstance(value, list):
        return False
    known = _CLASSES.get(type_)
    if known is None or (isinstance(value, str) and type_ in _WRITTEN):
        return True  # generic, or a date written as text
    if isinstance(value, bool) or (isinstance(value, datetime) and type_ == DATE):
        return type_ == BOOLEAN
    return isinstance(value, known)


def _as(value: Any, type_: Type) -> Any:
    return _WRITTEN[type_](value) if isinstance(value, str) and type_ in _WRITTEN else value


def _divide(left: Any, right: Any) -> Decimal:
    if right == 0:
        raise ZeroDivisionError
    return Context(prec=28, rounding=ROUND_HALF_UP).divide(Decimal(left), Decimal(right))


def _floor_divide(left: Any, right: Any) -> Any:
    floor = math.floor(Fraction(left) / Fraction(right))
    return floor if isinstance(left, int) and isinstance(right, int) else Decimal(floor)


def _add(left: Any, right: Any) -> Any:
    return bounded(left + right) if isinstance(left, str) else left + right


def _subtract(left: Any, right: Any) -> Any:
    if isinstance(left, date) and not isinstance(left, datetime):
        return left + -right if isinstance(right, timedelta) else (left - right).days
    return left - right


_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_LITERALS = {"true": True, "false": False, "null": None}
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: _floor_divide,
    ast.Mod: lambda left, right: left - right * _floor_divide(left, right),
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CLASSES: Mapping[Type, tuple[type, ...]] = {
    TEXT: (str,),
    NUMBER: (int, Decimal),
    DECIMAL: (int, Decimal),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    DATE: (date,),
    DATETIME: (datetime,),
    TIME: (time,),
    DURATION: (timedelta,),
}
_TYPES: Mapping[type, Type] = {date: DATE, datetime: DATETIME, time: TIME}
_WRITTEN: Mapping[Type, Callable[[str], Any]] = {
    DATE: date.fromisoformat,
    DATETIME: lambda text: datetime.fromisoformat(text).astimezone(UTC),
    TIME: time.fromisoformat,
}
