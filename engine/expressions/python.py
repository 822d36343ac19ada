"""Checked trees to one function of Python, which runs at the speed of code written by hand.

The function takes the record ``r`` and the names of the scope ``s``. Generated text meets no built-in, no attribute of
a value from outside and no name but those that the generator hands it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.expressions.faults import EvaluationError, Place
from engine.expressions.functions.function import Functions
from engine.expressions.generator import Generator
from engine.expressions.tree import Node

Compiled = Callable[[Any, Mapping[str, Any]], Any]


def value_source(tree: Node, text: str, functions: Functions) -> tuple[str, dict[str, Any]]:
    """The source of a function that gives the tree's value, and the names that it uses."""
    generator = Generator(functions, text)
    return _finish(generator, _guarded(generator, f"return {generator.value(tree)}"))


def test_source(tree: Node, text: str, functions: Functions) -> tuple[str, dict[str, Any]]:
    """The source of a function that says whether the tree's value is true, and the names that it uses."""
    generator = Generator(functions, text)
    return _finish(generator, _guarded(generator, f"return {generator.test(tree)}"))


def fused_source(trees: Sequence[tuple[Node, str]], functions: Functions) -> tuple[str, dict[str, Any]]:
    """The source of a function that gives the values of all trees as a tuple, and the names that it uses."""
    generator = Generator(functions)
    lines: list[str] = []
    for number, (tree, text) in enumerate(trees):
        generator.begin(text)
        lines += _guarded(generator, f"e{number} = {generator.value(tree)}")
    return _finish(generator, [*lines, f"return ({''.join(f'e{number}, ' for number in range(len(trees)))})"])


def load(source: str, namespace: dict[str, Any], label: str) -> Compiled:
    """The function of the source. ``label`` is how tracebacks call it."""
    exec(compile(source, f"<{label}>", "exec"), namespace)
    function: Compiled = namespace["expression"]
    return function


def out_of_range(text: str) -> EvaluationError:
    """The error for numbers that outgrow what arithmetic keeps."""
    return EvaluationError("a number out of range", Place(text, 0, len(text)))


def _guarded(generator: Generator, statement: str) -> list[str]:
    """The statement; where it computes, with an answer to numbers that grow too large. Costs nothing when none does."""
    if not generator.computes:
        return [statement]
    error, make, text = (generator.constant(each) for each in (ArithmeticError, out_of_range, generator.text.strip()))
    return ["try:", f"    {statement}", f"except {error}:", f"    raise {make}({text}) from None"]


def _finish(generator: Generator, body: Sequence[str]) -> tuple[str, dict[str, Any]]:
    loads = [f"{local} = {source}" for local, source in generator.head.loads]
    lines = "".join(f"    {line}\n" for line in (*loads, *body))
    return f"def expression(r, s):\n{lines}", generator.namespace
