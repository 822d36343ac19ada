"""Who is to look after something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.expressions.types import RecordType, Scope
from engine.fields.field import Linker
from engine.source.shape import Formula, Located, Name
from engine.steps.step import Frame


@dataclass(frozen=True, kw_only=True)
class Assign(Located):
    """Who is to look after something: a role, or the user that an expression names."""

    role: Name | None = None
    user: Formula | None = None

    def link(self, linker: Linker, scope: Scope) -> None:
        if (self.role is None) == (self.user is None):
            linker.report("E110", "say either `role` or `user`", self)
        if self.role is not None:
            linker.reference("access", self.role, self, "role")
        user = linker.shape("user")
        linker.compile(self.user, scope, RecordType.of(user) if user else None)

    def answer(self, frame: Frame) -> dict[str, Any]:
        """``{"role": name}`` or ``{"user": record}``."""
        if self.user is not None:
            return {"user": self.user.expression(frame.record, frame.names)}
        return {"role": self.role}
