"""Text to Python's own syntax tree, in the characters of the text, within bounds."""

from __future__ import annotations

import ast
from functools import lru_cache

from engine.expressions.faults import ExpressionProblems, Fault
from engine.expressions.scan import scan, tokens

#: Trees that stay at hand: when one file of an application changes, the expressions of all others are checked again.
MOST_KEPT = 4_096
MOST_NODES = 500
DEEPEST = 50

#: What Python's reasons, which are words for programmers, come down to.
_HINTS = {
    "comma": "a comma or an operator may be missing",
    "expected 'else'": "a condition is written: a if condition else b",
}


class Parsed:
    """The syntax tree of a text (``root``), and which characters of the text a node stands for."""

    def __init__(self, text: str, root: ast.expr, lead: int) -> None:
        self.text = text
        self.root = root
        self._lead = lead
        self._bytes = None if text.isascii() else text[lead:].encode()

    def span(self, node: ast.expr | ast.keyword | ast.comprehension) -> tuple[int, int]:
        """The first character of the node and the one after its last."""
        if isinstance(node, ast.comprehension):
            return self.span(node.target)[0], self.span(node.iter)[1]
        return self._character(node.col_offset), self._character(node.end_col_offset or node.col_offset)

    def source(self, node: ast.expr) -> str:
        """The text of the node as written."""
        start, end = self.span(node)
        return self.text[start:end]

    def _character(self, column: int) -> int:
        # Python counts the bytes of UTF-8.
        return self._lead + (column if self._bytes is None else len(self._bytes[:column].decode()))


@lru_cache(maxsize=MOST_KEPT)
def parse(text: str) -> Parsed:
    """The syntax tree of the text, which nobody changes. Raises ExpressionProblems."""
    words = scan(text)
    # One line, since an expression may run over several without brackets. No text holds a line break: scan saw to it.
    line = text.replace("\n", " ")
    lead = len(line) - len(line.lstrip())
    try:
        root = ast.parse(line.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExpressionProblems(text, [_syntax(text, lead, error)]) from None
    except (RecursionError, MemoryError):
        raise ExpressionProblems(text, [_too_much(text, "nests too deep")]) from None
    if words <= min(MOST_NODES, DEEPEST):  # every node has a word of its own, so there is nothing to count
        return Parsed(text, root, lead)
    nodes, depth = _size(root)
    if nodes > MOST_NODES:
        raise ExpressionProblems(text, [_too_much(text, f"has {nodes} parts; {MOST_NODES} are the most")])
    if depth > DEEPEST:
        raise ExpressionProblems(text, [_too_much(text, f"nests {depth} deep; {DEEPEST} is the most")])
    return Parsed(text, root, lead)


def _size(root: ast.expr) -> tuple[int, int]:
    # A loop, not recursion: a tree that is too deep must not exhaust the stack that finds it out.
    nodes = deepest = 0
    waiting: list[tuple[ast.AST, int]] = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        inside = isinstance(node, ast.expr)
        nodes += inside
        deepest = max(deepest, depth)
        waiting.extend((child, depth + inside) for child in ast.iter_child_nodes(node))
    return nodes, deepest


def _too_much(text: str, what: str) -> Fault:
    return Fault("E207", f"the expression {what}", "name parts of it as fields of their own", 0, len(text))


def _syntax(text: str, lead: int, error: SyntaxError) -> Fault:
    for word in tokens(text):
        if word.text == "=":
            hint = "an expression assigns nothing; to compare, write '=='"
            return Fault("E202", "'=' has no meaning here", hint, word.start, word.end)
    full = len(text.rstrip())
    if not error.offset:  # Python's way to say that it came to the end
        return Fault("E201", "the expression breaks off", None, full - 1, full)
    start = min(lead + error.offset - 1, full - 1)
    end = lead + (error.end_offset or 0) - 1
    likely = next((advice for sign, advice in _HINTS.items() if sign in error.msg), None)
    return Fault("E201", "the expression does not parse here", likely, start, min(max(end, start + 1), full))
