"""The rules that keep the engine an engine: floors, imports in plain sight, no business words, files of one idea."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "engine"
MODULES = sorted(ENGINE.rglob("*.py"))

#: Past this a file answers more than one question (the aim is 400; the rest is for the one that a split would hurt).
MAX_LINES = 450

#: What may be imported inside a function: packages of an extra, each in one place, which says so when it is missing.
OPTIONAL_IMPORTS: frozenset[tuple[str, str]] = frozenset()

#: Words of the reference application. An engine that knows one of them serves only that business.
BUSINESS = {
    "carrier", "coupon", "customer", "dealer", "freight", "invoice", "order", "payment", "product", "purchase",
    "refund", "retailer", "shipment", "sku", "stock", "supplier", "vendor", "warehouse", "waybill", "wholesale",
}  # fmt: skip

#: The same spellings in another sense: sequence, arithmetic, and third-party browser files.
OTHER_SENSES = re.compile(
    r"""
    \border_by\b | \border\ by\b | \border=(True|False)\b
    | \b(link|sort|load|read|rule|output|field|key|row|column|step|topological|dependency|insertion|definition)_order\b
    | \b(link|sort|load|read|reading|rule|output|field|key|row|topological|dependency|insertion|definition)\ order\b
    | \bin\ (this|that|the|their|its|any|no|some|which)?\s*(\w+\ )?order\b
    | \b(any|same|which|whose|reverse|total|partial)\ order\b
    | \border\ (of|in\ which|among|between|that\ they|is\ kept)\b | \bwith\ an\ order\b
    | \bitertools\.product\b | \bimport\ product\b | \bproduct\( | \bproducts?\ (of|and)\b | \band\ products?\b
    | \bbyte\ order\b | "permissions-policy"[^\n]*  # a mark in files, a header of HTTP
    | \bstatic/vendor\b | \bvendor/
    """,
    re.VERBOSE | re.IGNORECASE,
)

#: One word of a text or of a name: snake_case and camelCase both fall apart.
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def business_words(text: str) -> list[tuple[int, str]]:
    """The business words of a text, each with its line."""
    return [
        (number, word)
        for number, line in enumerate(text.splitlines(), 1)
        for word in WORD.findall(OTHER_SENSES.sub(" ", line))
        if word.lower() in BUSINESS or word.lower().removesuffix("s") in BUSINESS
    ]


def inner_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that is imported inside a function, with the line."""
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.lineno, "." * node.level + (node.module or "")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_each_floor_imports_only_from_lower_floors() -> None:
    # In a process of its own: the linter sets up logging anew, and would silence the loggers of this one.
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_import_hides_in_a_function() -> None:
    found = [
        f"{name(path)}:{line}: {module}"
        for path in MODULES
        for line, module in inner_imports(ast.parse(path.read_text("utf-8")))
        if (name(path), module) not in OPTIONAL_IMPORTS
    ]
    assert not found


def test_the_engine_knows_no_business() -> None:
    sources = [*MODULES, *sorted(ENGINE.rglob("*.html"))]
    found = [
        f"{name(path)}:{line}: {word}" for path in sources for line, word in business_words(path.read_text("utf-8"))
    ]
    assert not found, "say it in words of the engine (model, record, rows), or let the application bring it"


def test_files_stay_small() -> None:
    sizes = {name(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert not {path: lines for path, lines in sizes.items() if lines > MAX_LINES}


@pytest.mark.parametrize(
    "text",
    ["def ship_order(orders): ...", "# the order is shipped", "class CustomerRecord:", "order_no", "sku='A1'", "ORDER"],
)
def test_a_business_word_is_found(text: str) -> None:
    assert business_words(text)


@pytest.mark.parametrize(
    "text",
    ["order_by(x)", "ORDER BY id", "in order", "the order of the text", "in reading order", "@dataclass(order=True)",
     "from itertools import product", "reordered", "static/vendor/x.js", "in the order they stand"],
)  # fmt: skip
def test_an_ordering_is_no_business(text: str) -> None:
    assert not business_words(text)


@pytest.mark.parametrize("text", ["def f():\n    import os", "async def f():\n    if 1:\n        from . import x"])
def test_an_inner_import_is_found(text: str) -> None:
    assert list(inner_imports(ast.parse(text)))


def test_an_import_at_the_top_is_fine() -> None:
    assert not list(inner_imports(ast.parse("import os\nif True:\n    from . import x")))
