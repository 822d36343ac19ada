"""What is wrong with an expression, as offsets into its text; whoever knows the file turns them into places there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import EngineError, ExpressionError


@dataclass(frozen=True, slots=True)
class Fault:
    """An author's mistake in an expression: the characters from ``start`` to ``end`` (exclusive) are to blame."""

    code: str
    message: str
    hint: str | None
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start}:{self.end} {self.code} {self.message}" + (f"; {self.hint}" if self.hint else "")


class ExpressionProblems(EngineError):
    """All faults that one check of an expression found, in the order of the text."""

    def __init__(self, text: str, faults: Iterable[Fault]) -> None:
        self.text = text
        self.faults: tuple[Fault, ...] = tuple(sorted(faults, key=lambda fault: (fault.start, fault.end)))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Place:
    """A part of an expression that may fail on some values (a division)."""

    text: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.text[self.start : self.end]


class EvaluationError(ExpressionError):
    """An expression that could not be worked out on these values, and which part of it could not."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"{message} in `{place}`")
        self.place = place
