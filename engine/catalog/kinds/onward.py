"""What states, events and timers share: where they lead, and whom they tell."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog.kind import DefinitionLinker
from engine.expressions.tree import Constant
from engine.source.shape import Formula, Located, Name, option
from engine.steps.flow import check_recipient


@dataclass(frozen=True, kw_only=True)
class Branch(Located):
    """One way on: taken when its condition is true, or when it has none."""

    to: Name
    if_: Formula | None = option(None, key="if")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Notification(Located):
    """A message to queue: ``to`` is a link of the record, a role, or an address field."""

    __short__ = "message"

    message: Name
    to: str | None = None

    def link(self, linker: DefinitionLinker, model: str) -> None:
        """Checks the message and who gets it."""
        linker.reference("message", self.message, self, "message")
        check_recipient(linker, self, model, self.to)


def always(condition: Formula | None) -> bool | None:
    """Whether a condition holds whatever comes, as none at all does; None where that turns on the record."""
    if condition is None:
        return True
    tree = condition.expression.tree if condition.expression is not None else None
    return tree.value is True if isinstance(tree, Constant) else None
