"""Python's syntax tree to the checked tree: every name found, every type known, all else refused with its place."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from engine.expressions import calls, operators
from engine.expressions.adapt import Misfit, article, common_type_of, fit
from engine.expressions.faults import Fault
from engine.expressions.functions.function import Functions
from engine.expressions.names import Names, Variable
from engine.expressions.parse import Parsed
from engine.expressions.refusals import COMPARISONS, OPERATORS, REFUSED, refused_operator
from engine.expressions.tree import (
    Comprehension,
    Conditional,
    Constant,
    Each,
    ListOf,
    Member,
    Node,
    Unary,
    holds_nulls,
)
from engine.expressions.types import (
    BOOLEAN,
    DECIMAL,
    DURATION,
    INTEGER,
    NUMBERS,
    TEXT,
    ChoiceType,
    ListType,
    RecordType,
    Type,
)
from engine.registry import did_you_mean

MOST_LOOPS = 2


@dataclass
class Checker:
    """Checks one expression. Each method gives the checked node, or None when it has noted a fault in it."""

    parsed: Parsed
    names: Names
    functions: Functions
    faults: list[Fault] = field(default_factory=list)
    loops: int = 0

    def check(self, node: ast.expr, expected: Type | None = None) -> Node | None:
        """The checked node. ``expected`` is the type of the place, which lets a bare word stand for an option."""
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name():
                return self.name(node, expected)
            case ast.Attribute():
                return self.attribute(node)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BinOp():
                return self.binary(node)
            case ast.BoolOp():
                return self.logic(node)
            case ast.Compare():
                return self.compare(node)
            case ast.IfExp():
                return self.conditional(node, expected)
            case ast.List():
                return self.list_of(node, expected)
            case ast.Call():
                return self.call(node, expected)
            case _:
                return self.refuse(node, *REFUSED[type(node)])

    def refuse(self, node: ast.expr, message: str, hint: str | None = None, code: str = "E202") -> Node | None:
        """Notes a fault in the node. None, for the caller to give back."""
        return self.fault(code, message, hint, *self.parsed.span(node))

    def fault(self, code: str, message: str, hint: str | None, start: int, end: int) -> Node | None:
        """Notes a fault at a place. None, for the caller to give back."""
        self.faults.append(Fault(code, message, hint, start, end))
        return None

    def misfit(self, node: ast.expr, misfit: Misfit) -> Node | None:
        """Notes that the node, or the part of it that the misfit names, is of the wrong type. None, as above."""
        return self.fault("E205", misfit.message, misfit.hint, *(misfit.at or self.parsed.span(node)))

    def boolean(self, node: ast.expr) -> Node | None:
        """The node where a yes or no must stand."""
        found = self.check(node)
        if found is None:
            return None
        fitted = fit(found, BOOLEAN)
        if isinstance(fitted, Misfit):
            hint = "compare it: '!= null', '== …', '> 0'"
            return self.refuse(node, f"expected a yes or no, this is {article(found.type)}", hint, "E205")
        return fitted

    def constant(self, node: ast.Constant) -> Node | None:
        """A literal. Decimals are read from the text, since Python's tree has them as floats."""
        start, end = self.parsed.span(node)
        value = node.value
        match value:
            case None | bool():
                spelled = "null" if value is None else str(value).lower()
                return self.refuse(node, f"'{value}' has no meaning here", f"write '{spelled}'")
            case int():
                return Constant(type=INTEGER, nullable=False, start=start, end=end, value=value)
            case float():
                exact = Decimal(self.parsed.source(node))
                return Constant(type=DECIMAL, nullable=False, start=start, end=end, value=exact)
            case str():
                return Constant(type=TEXT, nullable=False, start=start, end=end, value=value)
            case _:
                return self.refuse(node, f"'{self.parsed.source(node)}' has no meaning here")

    def name(self, node: ast.Name, expected: Type | None = None, beside: Type | None = None) -> Node | None:
        """What a bare word stands for. ``beside``: the type of the other side of a comparison."""
        name = node.id
        start, end = self.parsed.span(node)
        if name.startswith("_"):
            return self.refuse(node, f"'{name}' starts with an underscore")
        if isinstance(expected, ChoiceType) and name in expected.options:
            return Constant(type=expected, nullable=False, start=start, end=end, value=name)
        found = self.names.find(name, start, end)
        if found is None:
            hint = f"'{name}' is a function: {name}(…)" if name in self.functions else None
            return self.refuse(
                node, f"unknown name '{name}'", hint or self.names.hint(name, beside or expected), "E203"
            )
        return found

    def attribute(self, node: ast.Attribute) -> Node | None:
        """A member of a record, or of each record of a list."""
        base = self.check(node.value)
        start, end = self.parsed.span(node)
        at = end - len(node.attr)
        if node.attr.startswith("_"):
            return self.fault("E202", f"'{node.attr}' starts with an underscore", None, at, end)
        if base is None:
            return None
        holder = base.type.item if isinstance(base.type, ListType) else base.type
        if not isinstance(holder, RecordType):
            return self.fault("E204", f"{article(base.type)} has no fields, so no '{node.attr}'", None, at, end)
        member = holder.shape.member(node.attr)
        if member is None:
            hint = did_you_mean(node.attr, holder.shape.names())
            return self.fault("E204", f"{holder} has no field '{node.attr}'", hint, at, end)
        if holder is base.type:
            nullable = base.nullable or member.nullable
            return Member(type=member.type, nullable=nullable, start=start, end=end, base=base, name=node.attr)
        flat = isinstance(member.type, ListType)
        return Each(
            type=member.type if flat else ListType("list", member.type),
            nullable=base.nullable,
            start=start,
            end=end,
            base=base,
            name=node.attr,
            flat=flat,
            gaps=not flat and (member.nullable or holds_nulls(base)),
        )

    def unary(self, node: ast.UnaryOp) -> Node | None:
        """``not x``, ``-x``, ``+x``."""
        start, end = self.parsed.span(node)
        if isinstance(node.op, ast.Not):
            operand = self.boolean(node.operand)
            if operand is None:
                return None
            return Unary(type=BOOLEAN, nullable=operand.nullable, start=start, end=end, op="not", operand=operand)
        if isinstance(node.op, ast.Invert):
            return self.refuse(node, *refused_operator(node.op))
        operand = self.check(node.operand)
        if operand is None:
            return None
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        if operand.type not in (*NUMBERS, DURATION):
            return self.refuse(node, f"'{sign}' has no meaning before {article(operand.type)}", None, "E205")
        if isinstance(operand, Constant):
            value = -operand.value if sign == "-" else operand.value
            return Constant(type=operand.type, nullable=False, start=start, end=end, value=value)
        return Unary(type=operand.type, nullable=operand.nullable, start=start, end=end, op=sign, operand=operand)

    def binary(self, node: ast.BinOp) -> Node | None:
        """``+ - * / // %``."""
        left, right = self.check(node.left), self.check(node.right)
        sign = OPERATORS.get(type(node.op))
        if sign is None:
            return self.refuse(node, *refused_operator(node.op))
        if left is None or right is None:
            return None
        made = operators.binary(sign, left, right, *self.parsed.span(node))
        return self.misfit(node, made) if isinstance(made, Misfit) else made

    def logic(self, node: ast.BoolOp) -> Node | None:
        """``and``, ``or``."""
        parts = [part for value in node.values if (part := self.boolean(value)) is not None]
        if len(parts) < len(node.values):
            return None
        start, end = self.parsed.span(node)
        return operators.logic("and" if isinstance(node.op, ast.And) else "or", parts, start, end)

    def compare(self, node: ast.Compare) -> Node | None:
        """A comparison, or a chain of them as an ``and``."""
        start, end = self.parsed.span(node)
        terms = [node.left, *node.comparators]
        nodes = self._terms(terms)
        parts: list[Node] = []
        for op, at in zip(node.ops, range(len(node.ops)), strict=True):
            one, two = nodes[at], nodes[at + 1]
            begin, finish = self.parsed.span(terms[at])[0], self.parsed.span(terms[at + 1])[1]
            if len(node.ops) == 1:
                begin, finish = start, end
            sign = COMPARISONS.get(type(op))
            if sign is None:
                self.fault("E202", "'is' compares nothing here", "write '==' or '!='", begin, finish)
            elif one is not None and two is not None:
                made = operators.compare(sign, one, two, begin, finish)
                if isinstance(made, Misfit):
                    self.fault("E205", made.message, made.hint, *(made.at or (begin, finish)))
                else:
                    parts.append(made)
        if len(parts) < len(node.ops):
            return None
        return parts[0] if len(parts) == 1 else operators.logic("and", parts, start, end)

    def _terms(self, terms: Sequence[ast.expr]) -> list[Node | None]:
        """The sides of a comparison. A bare word that is no name may be an option of the other side: a hint says so."""
        unknown = [term for term in terms if isinstance(term, ast.Name) and not self.names.knows(term.id)]
        nodes = [None if term in unknown else self.check(term) for term in terms]
        beside = next((node.type for node in nodes if node is not None), None)
        for term in unknown:
            self.name(term, beside=beside)
        return nodes

    def conditional(self, node: ast.IfExp, expected: Type | None) -> Node | None:
        """``a if condition else b``: both branches as values of one type."""
        condition = self.boolean(node.test)
        then, otherwise = self.check(node.body, expected), self.check(node.orelse, expected)
        if condition is None or then is None or otherwise is None:
            return None
        alike = self._alike(node, [then, otherwise])
        if alike is None:
            return None
        start, end = self.parsed.span(node)
        type_, (one, two) = alike
        nullable = one.nullable or two.nullable
        return Conditional(
            type=type_, nullable=nullable, start=start, end=end, condition=condition, then=one, otherwise=two
        )

    def list_of(self, node: ast.List, expected: Type | None) -> Node | None:
        """``[a, b]``: items of one type."""
        place = expected.item if isinstance(expected, ListType) else None
        items = [item for element in node.elts if (item := self.check(element, place)) is not None]
        if len(items) < len(node.elts):
            return None
        alike = self._alike(node, items)
        if alike is None:
            return None
        start, end = self.parsed.span(node)
        type_, values = alike
        return ListOf(type=ListType("list", type_), nullable=False, start=start, end=end, items=tuple(values))

    def _alike(self, node: ast.expr, values: Sequence[Node]) -> tuple[Type, list[Node]] | None:
        """The type that the values have in common, and each as a value of it."""
        type_ = common_type_of(values)
        if type_ is None:
            kinds = " and ".join(dict.fromkeys(article(value.type) for value in values))
            self.refuse(node, f"{kinds} have no type in common", None, "E205")
            return None
        fitted: list[Node] = []
        for value in values:
            found = fit(value, type_)
            if isinstance(found, Misfit):
                self.misfit(node, found)
                return None
            fitted.append(found)
        return type_, fitted

    def call(self, node: ast.Call, expected: Type | None) -> Node | None:
        """A function on its arguments."""
        if not isinstance(node.func, ast.Name):
            return self._method(node)
        for keyword in node.keywords:
            start, end = self.parsed.span(keyword)
            self.fault(
                "E202",
                "arguments are given by position",
                f"leave out '{keyword.arg}='" if keyword.arg else None,
                start,
                end,
            )
        function = self.functions.get(node.func.id)
        if node.func.id.startswith("_"):
            self.refuse(node.func, f"'{node.func.id}' starts with an underscore")
        elif function is None:
            self.refuse(node.func, f"unknown function '{node.func.id}'", self.functions.suggest(node.func.id), "E206")
        count = len(node.args)
        args: list[Node] = []
        for position, arg in enumerate(node.args):
            if isinstance(arg, ast.GeneratorExp) and count == 1:
                found = self.comprehension(arg)
            else:
                place = calls.expected_argument(function, position, count, expected) if function else None
                found = self.check(arg, place)
            if found is not None:
                args.append(found)
        if function is None or node.keywords:
            return None
        if not any(form.accepts(count) for form in function.forms):
            message = f"{function.name} takes {calls.counts(function)} arguments, not {count}"
            return self.refuse(node, message, function.summary, "E206")
        if len(args) < count:
            return None
        made = calls.call(function, args, *self.parsed.span(node))
        if isinstance(made, calls.WrongArgument):
            misfit = made.misfit if made.misfit.hint else replace(made.misfit, hint=function.summary)
            return self.misfit(node.args[made.position], misfit)
        return made

    def _method(self, node: ast.Call) -> Node | None:
        start, end = self.parsed.span(node.func)
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            hint = f"write {name}(…)" if name in self.functions else None
            return self.fault("E202", f"values have no methods, so no '{name}(…)'", hint, end - len(name), end)
        return self.fault("E202", "only a function can be called", None, start, end)

    def comprehension(self, node: ast.GeneratorExp) -> Node | None:
        """``element for variable in source if condition``, the only argument of a function."""
        start, end = self.parsed.span(node)
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.is_async:
            hint = "any(any(p.open for p in b.parts) for b in boxes)"
            return self.fault("E202", "one 'for' is the most in a function", hint, start, end)
        if not isinstance(loop.target, ast.Name):
            return self.refuse(loop.target, "a loop names one thing", "for p in parts")
        self.loops += 1
        source = self.check(loop.iter)
        name = loop.target.id
        variable = self._variable(loop, source)
        if self.loops > MOST_LOOPS:
            self.fault("E207", f"loops nest more than {MOST_LOOPS} deep", None, start, end)
            variable = None
        if variable is None or source is None:
            self.loops -= 1
            return None
        self.names.variables[name] = variable
        condition = [self.boolean(test) for test in loop.ifs]
        element = self.check(node.elt)
        del self.names.variables[name]
        self.loops -= 1
        conditions = [part for part in condition if part is not None]
        if element is None or len(conditions) < len(condition):
            return None
        return Comprehension(
            type=ListType("list", element.type),
            nullable=source.nullable,
            start=start,
            end=end,
            element=element,
            variable=name,
            source=source,
            condition=operators.logic("and", conditions, conditions[0].start, conditions[-1].end)
            if conditions
            else None,
        )

    def _variable(self, loop: ast.comprehension, source: Node | None) -> Variable | None:
        assert isinstance(loop.target, ast.Name)
        name = loop.target.id
        if self.names.knows(name):
            self.refuse(loop.target, f"'{name}' already names something here", "take another name", "E304")
            return None
        if name.startswith("_"):
            self.refuse(loop.target, f"'{name}' starts with an underscore")
            return None
        if source is None:
            return None
        if not isinstance(source.type, ListType) or isinstance(source, ListOf):
            self.refuse(loop.iter, f"a loop runs over a collection, this is {article(source.type)}", None, "E205")
            return None
        return Variable(source.type.item, holds_nulls(source))
