"""Checked trees to one function of Python, which runs at the speed of code written by hand.

The function takes the record ``r`` and the names of the scope ``s``. Generated text meets no built-in, no attribute of
a value from outside and no name but those that the generator hands it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.expressions.functions.function import Functions
from engine.expressions.generator import Generator
from engine.expressions.tree import Node

Compiled = Callable[[Any, Mapping[str, Any]], Any]


def value_source(tree: Node, text: str, functions: Functions) -> tuple[str, dict[str, Any]]:
    """The source of a function that gives the tree's value, and the names that it uses."""
    generator = Generator(functions)
    generator.text = text
    return _finish(generator, generator.value(tree))


def test_source(tree: Node, text: str, functions: Functions) -> tuple[str, dict[str, Any]]:
    """The source of a function that says whether the tree's value is true, and the names that it uses."""
    generator = Generator(functions)
    generator.text = text
    return _finish(generator, generator.test(tree))


def fused_source(trees: Sequence[tuple[Node, str]], functions: Functions) -> tuple[str, dict[str, Any]]:
    """The source of a function that gives the values of all trees as a tuple, and the names that it uses."""
    generator = Generator(functions)
    values: list[str] = []
    for tree, text in trees:
        generator.text = text
        values.append(generator.value(tree))
    return _finish(generator, "(" + "".join(f"{value}, " for value in values) + ")")


def load(source: str, namespace: dict[str, Any], label: str) -> Compiled:
    """The function of the source. ``label`` is how tracebacks call it."""
    exec(compile(source, f"<{label}>", "exec"), namespace)
    function: Compiled = namespace["expression"]
    return function


def _finish(generator: Generator, body: str) -> tuple[str, dict[str, Any]]:
    loads = "".join(f"    {local} = {source}\n" for local, source in generator.head.loads)
    return f"def expression(r, s):\n{loads}    return {body}\n", generator.namespace
