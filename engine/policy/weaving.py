"""The working out of a record as Python functions made for one model, so that the common case costs no more than code
written by hand: loops over rows are loops, a constant is a constant, a condition that holds is one comparison.

The generated text holds field names, which are plain words, and names of functions that stand in its namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.ports import Record

Path = tuple[str, ...]
#: (record, names of the scope) to an answer.
Woven = Callable[[Record, Mapping[str, Any]], Any]


class Weaver:
    """Collects statements about a record and its rows, each under the loop of its level, and makes one function of
    them."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__builtins__": {}, "type": type, "str": str, "list": list}
        self._lines: list[str] = []
        self._open: Path | None = None

    def name(self, value: Any) -> str:
        """A name by which the generated text knows the value."""
        name = f"k{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def at(self, path: Path, lines: Sequence[str]) -> None:
        """Adds statements about each row ``r`` at the path. They share a loop with those before, if these are at the
        same."""
        if path != self._open:
            self._loops(path)
        indent = "    " * (len(path) + 1)
        self._lines += [indent + line for line in lines]

    def holder(self, path: Path, lines: Sequence[str]) -> None:
        """Adds statements in a loop of their own: what comes next begins a new one."""
        self._open = None
        self.at(path, lines)
        self._open = None

    def _loops(self, path: Path) -> None:
        self._open = path
        if not path:
            self._lines.append("    r = r0")
        for depth, name in enumerate(path):
            target = "r" if depth == len(path) - 1 else f"r{depth + 1}"
            self._lines.append("    " * (depth + 1) + f"for {target} in r{depth}[{name!r}]:")

    def function(self, before: Sequence[str] = (), after: Sequence[str] = ()) -> Woven:
        """The function of (r0, s)."""
        body = [*("    " + line for line in before), *self._lines, *("    " + line for line in after)] or ["    pass"]
        source = "def woven(r0, s):\n" + "\n".join(body) + "\n"
        exec(compile(source, "<woven>", "exec"), self.namespace)
        woven: Woven = self.namespace["woven"]
        return woven
