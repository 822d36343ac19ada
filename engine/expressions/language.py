"""The expression language: a text and its scope in, a checked and callable expression out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from engine.expressions import python
from engine.expressions.adapt import Misfit, fit_slot
from engine.expressions.check import Checker
from engine.expressions.faults import ExpressionProblems
from engine.expressions.functions.function import Functions
from engine.expressions.names import Names
from engine.expressions.parse import parse
from engine.expressions.python import Compiled
from engine.expressions.reads import Path, Reads, reads
from engine.expressions.tree import Node
from engine.expressions.types import Scope, Type


class Expression:
    """A checked expression. Calling it with the record and the names of the scope works out its value.

    Code is made when first asked for: checking an application needs none.
    """

    def __init__(self, text: str, tree: Node, functions: Functions) -> None:
        self.text = text
        self.tree = tree
        self.functions = functions

    def __call__(self, r: Any, s: Mapping[str, Any]) -> Any:
        """The value. ExpressionError when it cannot be worked out. In a hot loop call :attr:`function` itself."""
        return self.function(r, s)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def holds(self, r: Any, s: Mapping[str, Any]) -> bool:
        """Whether the value is true; False when it is unknown."""
        return self.test(r, s) is True

    @property
    def type(self) -> Type:
        """The type of the value. A text where the place took a record by its key."""
        return self.tree.type

    @property
    def nullable(self) -> bool:
        """Whether the value may be null."""
        return self.tree.nullable

    @property
    def reads(self) -> frozenset[Path]:
        """The paths from the record that the value depends on."""
        return self._reads.record

    @property
    def scope_reads(self) -> frozenset[Path]:
        """The paths from names of the scope that the value depends on."""
        return self._reads.scope

    @property
    def constant(self) -> bool:
        """Whether the value depends on nothing of the record."""
        return not self.reads

    @property
    def source(self) -> str:
        """The Python that was made of it."""
        return self._value_source[0]

    @cached_property
    def function(self) -> Compiled:
        """The function made of it: what hot loops call."""
        source, namespace = self._value_source
        return python.load(source, namespace, self.text)

    @cached_property
    def test(self) -> Compiled:
        """A function that gives True when the value is true and False else: a little faster where only that counts."""
        source, namespace = python.test_source(self.tree, self.text, self.functions)
        return python.load(source, namespace, self.text)

    @cached_property
    def _reads(self) -> Reads:
        return reads(self.tree, self.functions)

    @cached_property
    def _value_source(self) -> tuple[str, dict[str, Any]]:
        return python.value_source(self.tree, self.text, self.functions)


def compile_expression(text: str, scope: Scope, *, expects: Type | None = None, functions: Functions) -> Expression:
    """The expression of the text, of the type that its place expects.

    ExpressionProblems with every fault that can be found at once.
    """
    parsed = parse(text)
    checker = Checker(parsed, Names(scope), functions)
    tree = checker.check(parsed.root, expects)
    if tree is not None and expects is not None:
        fitted = fit_slot(tree, expects)
        if isinstance(fitted, Misfit):
            checker.misfit(parsed.root, fitted)
        else:
            tree = fitted
    if checker.faults or tree is None:
        raise ExpressionProblems(text, checker.faults)
    return Expression(text, tree, functions)


def fuse(expressions: Sequence[Expression]) -> Compiled:
    """One function that gives the values of all the expressions, in their order. What several read is read once."""
    if not expressions:
        raise ValueError("nothing to fuse")
    functions = expressions[0].functions
    source, namespace = python.fused_source([(each.tree, each.text) for each in expressions], functions)
    return python.load(source, namespace, f"{len(expressions)} expressions")
