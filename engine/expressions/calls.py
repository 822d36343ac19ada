"""Which form of a function fits the arguments, and what the call gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.expressions.adapt import Misfit, article, common_type_of, fit
from engine.expressions.functions.function import ANY, COUNTABLE, NUMBER, ORDERED, Form, Function
from engine.expressions.operators import is_ordered
from engine.expressions.tree import Call, Constant, ListOf, Node, holds_nulls
from engine.expressions.types import BOOLEAN, INTEGER, NULL, NUMBERS, ListType, Type

_GENERIC = (NUMBER, ORDERED, COUNTABLE, ANY)


@dataclass(frozen=True, slots=True)
class WrongArgument:
    """The argument (by position) that fits no form, and why."""

    position: int
    misfit: Misfit


def call(function: Function, args: Sequence[Node], start: int, end: int) -> Call | WrongArgument:
    """The call of the form that fits. The number of arguments must be right for one form."""
    wrong: WrongArgument | None = None
    for index, form in enumerate(function.forms):
        if not form.accepts(len(args)):
            continue
        fitted = _arguments(form, args)
        if isinstance(fitted, WrongArgument):
            # Of several forms, the one that got furthest was most likely meant.
            wrong = fitted if wrong is None or fitted.position > wrong.position else wrong
            continue
        nodes, generic = fitted
        nullable = _nullable(form, nodes)
        type_ = _concrete(form.gives, generic)
        return Call(
            type=type_, nullable=nullable, start=start, end=end, function=function.name, args=tuple(nodes), form=index
        )
    assert wrong is not None
    return wrong


def counts(function: Function) -> str:
    """How many arguments the function takes, for people: ``1 or 2``, ``2 or more``."""
    most = {form.most for form in function.forms}
    numbers = sorted({count for form in function.forms for count in range(form.least, (form.most or form.least) + 1)})
    return " or ".join(map(str, numbers)) + (" or more" if None in most else "")


def expected_argument(function: Function, position: int, count: int, expected: Type | None) -> Type | None:
    """What is expected of an argument where something is expected of a result of the same type (``coalesce``)."""
    for form in function.forms:
        if form.accepts(count) and form.gives in _GENERIC and form.parameters(count)[position] == form.gives:
            return expected
    return None


def _arguments(form: Form, args: Sequence[Node]) -> tuple[list[Node], Type] | WrongArgument:
    parameters = form.parameters(len(args))
    generic = _bind(parameters, args)
    if isinstance(generic, WrongArgument):
        return generic
    nodes: list[Node] = []
    for position, (parameter, arg) in enumerate(zip(parameters, args, strict=True)):
        fitted = fit(arg, _concrete(parameter, generic))
        if isinstance(fitted, Misfit):
            return WrongArgument(position, fitted)
        nodes.append(fitted)
    return nodes, generic


def _bind(parameters: Sequence[Type], args: Sequence[Node]) -> Type | WrongArgument:
    """The type that the generic type of the parameters stands for here."""
    bound: list[Node] = []
    wanted: Type | None = None
    for position, (parameter, arg) in enumerate(zip(parameters, args, strict=True)):
        if parameter in _GENERIC:
            found: Sequence[Node] = (arg,)
        elif isinstance(parameter, ListType) and parameter.item in _GENERIC:
            if not isinstance(arg.type, ListType):
                return WrongArgument(position, Misfit(f"expected a list, this is {article(arg.type)}"))
            found = arg.items if isinstance(arg, ListOf) else (_item(arg, arg.type),)
            parameter = parameter.item
        else:
            continue
        for node in found:
            if not _allowed(parameter, node.type):
                return WrongArgument(position, Misfit(f"expected {article(parameter)}, this is {article(node.type)}"))
        if common_type_of([*bound, *found]) is None:
            other = next(node for node in bound if common_type_of([node, *found]) is None)
            return WrongArgument(position, Misfit(f"{article(found[0].type)} beside {article(other.type)}"))
        bound += found
        wanted = parameter
    type_ = common_type_of(bound)
    if wanted == NUMBER and type_ == NULL:
        return INTEGER
    return type_ or NULL


def _item(node: Node, type_: ListType) -> Node:
    """A stand-in for the items of a list that is not written out: only its type counts."""
    return Constant(type=type_.item, nullable=True, start=node.start, end=node.end, value=None)


def _allowed(generic: Type, type_: Type) -> bool:
    if type_ == NULL or generic == ANY:
        return True
    if generic == COUNTABLE:
        return type_ != BOOLEAN  # counting yes and no alike is hardly ever meant
    return type_ in NUMBERS if generic == NUMBER else is_ordered(type_)


def _concrete(type_: Type, generic: Type) -> Type:
    if type_ in _GENERIC:
        return generic
    if isinstance(type_, ListType) and type_.item in _GENERIC:
        return ListType("list", generic)
    return type_


def _nullable(form: Form, args: Sequence[Node]) -> bool:
    if form.gives_null == "always" or (form.gives_null == "gaps" and any(map(holds_nulls, args))):
        return True
    if form.nulls == "strict":
        return any(arg.nullable for arg in args)
    # Given the nulls, it knows what to do with them; it still has no value to give when all are null.
    return form.gives in _GENERIC and all(arg.nullable for arg in args)
