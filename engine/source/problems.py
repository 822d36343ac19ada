"""Where the problems of one run are gathered."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import DefinitionError, Problem, Severity, Span


class Problems:
    """The problems found so far. Iterates in the order of file, line and column, whatever the order of finding."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def report(
        self, code: str, message: str, span: Span | None = None, hint: str | None = None, severity: Severity = "error"
    ) -> None:
        """Adds a problem."""
        self._found.append(Problem(code, message, span, hint, severity))

    def add(self, problem: Problem) -> None:
        """Adds a problem that was made elsewhere."""
        self._found.append(problem)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found, key=_place))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those that are not mere warnings, in order."""
        return tuple(problem for problem in self if problem.severity == "error")

    def raise_errors(self) -> None:
        """Raises a DefinitionError when there is any error."""
        if self.errors:
            raise DefinitionError(self)


def _place(problem: Problem) -> tuple[str, int, int, str, str]:
    span = problem.span
    if span is None:
        return ("", 0, 0, problem.code, problem.message)
    return (span.file, span.line, span.column, problem.code, problem.message)
