"""One thing, what it is, and why: a tree that people read and programs can show as they like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import ExpressionError, Label
from engine.expressions.functions.function import Functions
from engine.expressions.interpret import Step, interpret
from engine.expressions.language import Expression
from engine.expressions.types import Scope
from engine.fields.field import say
from engine.ports import Reason

#: ``part``: a part of an expression; ``act``: something that was done, with the reasons it left in the history;
#: ``change``: what is before, and what would be after; ``task``: who is asked, and why; ``timer``: what falls due.
Kind = Literal[
    "record", "status", "branch", "event", "field", "hold", "task", "timer", "proposal", "change", "right", "act",
    "reason", "part",
]  # fmt: skip

#: Loops have a step for each round, lists as many items as there are: a person reads the first of them.
MOST_ROUNDS, MOST_ITEMS = 10, 20


@dataclass(frozen=True, slots=True)
class Explanation:
    """``value`` is in wire form, ``text`` an expression or a message, ``at`` the line of the definition."""

    kind: Kind
    name: str
    value: Any = None
    text: Label | None = None
    at: str | None = None
    parts: tuple[Explanation, ...] = ()

    def plain(self, language: str) -> dict[str, Any]:
        """The same as JSON, without what is empty but for ``value``."""
        plain: dict[str, Any] = {"kind": self.kind, "name": self.name, "value": self.value}
        if self.text:
            plain["text"] = say(self.text, language)
        if self.at is not None:
            plain["at"] = self.at
        if self.parts:
            plain["parts"] = [part.plain(language) for part in self.parts]
        return plain


def of_reason(reason: Reason) -> Explanation:
    """A reason as it was given."""
    at = str(reason.span) if reason.span is not None else None
    parts = tuple(of_reason(part) for part in reason.parts)
    return Explanation("reason", reason.rule, reason.outcome, reason.message, at, parts)


def of_noted(reason: Mapping[str, Any]) -> Explanation:
    """A reason as the history keeps it: with what it has read, as far as the reader of the history may know it."""
    read = (Explanation("part", name, value) for name, value in reason.get("read", {}).items())
    parts = (*read, *(of_noted(part) for part in reason.get("parts", ())))
    return Explanation("reason", reason["rule"], reason["outcome"], reason.get("message"), reason.get("at"), parts)


def step_by_step(
    expression: Expression, r: Mapping[str, Any] | None, s: Mapping[str, Any], scope: Scope, functions: Functions
) -> tuple[Explanation, ...]:
    """What the parts of an expression came to, the outermost first; none for a constant. One that cannot be worked out
    is explained as far as it came."""
    steps: list[Step] = []
    try:
        interpret(expression.text, r, s, scope, functions, expects=expression.type, trace=steps)
    except ExpressionError as error:
        failed = Explanation("part", expression.text.strip(), None, error.message)
        return (*_nested(expression.text, steps), failed)
    whole = _nested(expression.text, steps)
    # The whole expression is told by whoever asks: its parts are what is new.
    return whole[0].parts if len(whole) == 1 and whole[0].parts else whole


def _nested(text: str, steps: Sequence[Step]) -> tuple[Explanation, ...]:
    """The steps as a tree: inner parts came first, and belong to the next that surrounds them."""
    open_: list[tuple[int, int, Explanation]] = []
    for step in steps:
        inside: list[Explanation] = []
        while open_ and open_[-1][0] >= step.start and open_[-1][1] <= step.end:
            start, end, part = open_.pop()
            if (start, end) != (step.start, step.end):
                inside.insert(0, part)
        name = text[step.start : step.end]
        # A path says it all: what it leads through is no news.
        parts = () if name.replace(".", "").replace("_", "").isalnum() else tuple(_once(inside))
        open_.append((step.start, step.end, Explanation("part", name, wire(step.value), parts=parts)))
    return tuple(part for _, _, part in open_)


def _once(parts: Iterable[Explanation]) -> Iterator[Explanation]:
    """The parts, equal ones once and the rounds of a loop up to a limit."""
    seen: list[Explanation] = []
    for part in parts:
        if part in seen or sum(other.name == part.name for other in seen) >= MOST_ROUNDS:
            continue
        seen.append(part)
        yield part


def wire(value: Any) -> Any:
    """A value of an expression as JSON takes it: of a record its id, of a long list the beginning."""
    if isinstance(value, Mapping):
        return value.get("id")
    if isinstance(value, list | tuple):
        return [wire(item) for item in value[:MOST_ITEMS]] + (["…"] if len(value) > MOST_ITEMS else [])
    return value
