"""Who is asked: people by what they are to the company or to the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.expressions.types import ListType, RecordType, Scope
from engine.fields.field import Linker
from engine.source.shape import Formula, Located, Name, option

#: Nobody's ladder of managers, and no company's tree of teams, is higher than this.
MOST_LEVELS = 20


@dataclass(frozen=True, kw_only=True)
class Who(Located):
    """Some people. Whoever is meant is found when they are asked, and kept."""

    __exactly_one__: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("role", "person", "team", "manager_of", "lead_of", "user"),
    )

    role: Name | None = option(None, help="Everybody who has this role")
    person: str | None = option(None, help="The user of this login")
    team: str | None = option(None, help="Everybody in the team of this code")
    manager_of: Formula | None = option(None, help="The manager of the user that the expression names")
    lead_of: Formula | None = option(None, help="The lead of the team that the expression names")
    user: Formula | None = option(None, help="The user, or the users, that the expression names: a field, a path")
    level: int = option(1, help="With `manager_of` and `lead_of`: how many levels up")

    def link(self, linker: Linker, scope: Scope) -> None:
        """Checks the role and the expressions."""
        if self.role is not None:
            linker.reference("access", self.role, self, "role")
        user, team = linker.shape("user"), linker.shape("team")
        linker.compile(self.manager_of, scope, RecordType.of(user) if user else None)
        linker.compile(self.lead_of, scope, RecordType.of(team) if team else None)
        found = linker.compile(self.user, scope)
        if found is not None:
            type_ = found.type.item if isinstance(found.type, ListType) else found.type
            if not isinstance(type_, RecordType) or type_.shape.name != "user":
                linker.report("E205", f"`user` needs a user or a list of users, and this is {found.type}", self, "user")
        if not 1 <= self.level <= MOST_LEVELS:
            linker.report("E107", f"from 1 to {MOST_LEVELS} levels", self, "level")
        elif self.level > 1 and self.manager_of is None and self.lead_of is None:
            linker.report("E110", "`level` goes with `manager_of` or `lead_of`", self, "level")
