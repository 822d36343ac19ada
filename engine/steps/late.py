"""Ladders: what happens, one rung after the other, while something waits too long for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from engine.errors import Span
from engine.expressions.types import RecordType, Scope
from engine.fields.field import Linker
from engine.source.shape import Duration, Located, Name, option
from engine.steps.step import Step, link_steps
from engine.steps.who import Who

#: More repetitions than this are a mistake, or something else's work.
MOST_REPEATED = 1_000


class Timed(Protocol):
    """What of the definitions gives somebody something to do, and says by when and what follows if it is late."""

    def span_of(self, *path: str | int) -> Span: ...

    @property
    def due(self) -> Duration | None: ...

    @property
    def late(self) -> tuple[Rung, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Rung(Located):
    """What happens when something has waited so long, counted from its opening."""

    after: Duration
    do: Literal["remind", "escalate", "approve", "reject"] | tuple[Step, ...] = option(
        help="`remind` whom it waits for, `escalate` it to others, decide a task without them, or steps"
    )
    to: Who | None = option(None, help="To whom it is escalated; `assignee` is for whom it waits until then")
    message: Name | None = option(None, help="The message to whom it is assigned to then")
    repeat: int = option(1, help="How many times in all")
    every: Duration | None = option(None, help="From one time to the next; as long as `after` when absent")

    @property
    def steps(self) -> Sequence[Step]:
        """The steps to run; none where a word says what happens."""
        return () if isinstance(self.do, str) else self.do

    def link(self, linker: Linker, model: str | None) -> None:
        """Checks the rung of something about a record of the model. Its expressions see the record as it is then, and
        the ``assignee``."""
        check_span(linker, self, "after", self.after)
        check_span(linker, self, "every", self.every)
        check_repeat(linker, self, self.repeat, self.every, self.after)
        if (self.do == "escalate") != (self.to is not None):
            said = "`to` says to whom something is escalated" if self.to else "`escalate` needs `to:`"
            linker.report("E110", said, self, "to" if self.to else "do")
        if self.repeat > 1 and self.do in ("escalate", "approve", "reject"):
            linker.report("E405", f"one cannot {self.do} it twice", self, "repeat")
        linker.reference("message", self.message, self, "message")
        scope = self._scope(linker, model)
        if self.to is not None:
            self.to.link(linker, scope)
        link_steps(self.steps, linker, model, scope)

    def _scope(self, linker: Linker, model: str | None) -> Scope:
        user = linker.shape("user")
        scope = linker.scope(model)
        return scope.having(assignee=RecordType.of(user)) if user is not None else scope


def check_span(linker: Linker, at: Located, key: str, span: Duration | None) -> None:
    """Reports a length of time that nobody can wait for: nothing, a part of a day, or working time without a calendar
    that says what that is."""
    if span is None:
        return
    if span.amount == 0:
        linker.report("E107", "this is no time at all", at, key, Duration.EXPECTED)
    elif span.unit == "work_days" and span.amount % 1:
        linker.report("E107", "workdays are counted whole", at, key, f"such as {span.amount * 8} work_hours")
    if span.of_working_time and linker.complete("calendar") and linker.complete("app"):
        named = [linker.get("app", name).calendar for name in linker.known("app")]
        if not any(named) and len(list(linker.known("calendar"))) != 1:
            hint = "write a `calendar`, or name one of them in `app: … calendar:`"
            linker.report("E405", f"nobody says when work is done, so {span} cannot be counted", at, key, hint)


def check_repeat(linker: Linker, at: Located, times: int, every: Duration | None, after: Duration | None) -> None:
    """Reports repetitions that make no sense."""
    if not 1 <= times <= MOST_REPEATED:
        linker.report("E107", f"from 1 to {MOST_REPEATED} times", at, "repeat")
    elif times > 1 and every is None and after is None:
        linker.report("E105", "say `every:`, how long it is from one time to the next", at, "repeat")
    elif times == 1 and every is not None:
        linker.report("E110", "`every` needs `repeat`", at, "every")
