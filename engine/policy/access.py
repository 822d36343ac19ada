"""Who may do what: deny by default, each yes or no with the line of the definition that gave it.

Authority is the union of what an actor's roles grant. A row condition (a *scope*) is one expression: lists translate it
to SQL, single reads evaluate it on the record, so both always agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.pages import Access, Grant, Update
from engine.expressions.language import Expression
from engine.ports import Reason, Record, Verdict
from engine.source.shape import Formula

#: Models that the engine alone writes, in the course of other acts: to put one in by hand would be to forge it.
ENGINES_OWN = frozenset(
    {
        "history",
        "event",
        "case",
        "timer",
        "job",
        "hold",
        "task",
        "vote",
        "arrival",
        "file",
        "finding",
        "proposal",
        "migration",
    }
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a token on a person's behalf, a channel, or the engine itself.

    ``facts`` is what expressions see as ``user``. ``scopes`` limits a token to ``read``, ``write``, ``intake``; None:
    no limit.
    """

    id: str | None
    login: str
    name: str
    roles: frozenset[str] = frozenset()
    teams: tuple[str, ...] = ()
    language: str = "en"
    ip: str | None = None
    device: str | None = None
    channel: str | None = None
    everything: bool = False
    scopes: frozenset[str] | None = None
    facts: Record = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a right reaches: all of them, none, or those that hold one of the conditions."""

    everything: bool = False
    conditions: tuple[Expression, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.conditions)

    def reach(self, record: Record, names: Mapping[str, Any]) -> bool:
        """Whether the record is among them. An unknown condition is a no."""
        return self.everything or any(condition(record, names) is True for condition in self.conditions)


class Rights:
    """What the roles of one catalogue grant; worked out on first use for each set of roles."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._rows: dict[tuple[frozenset[str], str, str], Rows] = {}
        #: The roles that may do all there is.
        self._unlimited = frozenset(name for name, access in catalog.access.items() if access.everything)

    def grants(self, actor: Actor, model: str) -> Iterator[tuple[Access, Grant]]:
        """The grants on a model that the actor's roles bring."""
        for role in sorted(actor.roles):
            access = self.catalog.access.get(role)
            if access is not None and model in access.can:
                yield access, access.can[model]

    def unlimited(self, actor: Actor) -> bool:
        """Whether the actor may do all there is: the engine itself, or a role with `everything`."""
        return actor.everything or not self._unlimited.isdisjoint(actor.roles)

    def rows(self, actor: Actor, model: str, right: str) -> Rows:
        """The rows of the model that ``read`` or ``delete`` reaches."""
        if self.unlimited(actor):
            return Rows(everything=True)
        key = (actor.roles, model, right)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._work_out(actor, model, right)
        return found

    def _work_out(self, actor: Actor, model: str, right: str) -> Rows:
        conditions: list[Expression] = []
        for access, grant in self.grants(actor, model):
            said = getattr(grant, right)
            if said == "all":
                return Rows(everything=True)
            if said != "none":
                conditions.append(self.catalog.scope_of(access, said, model))
        return Rows(conditions=tuple(conditions))

    def may_read(self, actor: Actor, model: str, record: Record, names: Mapping[str, Any]) -> bool:
        """Whether the actor may know that the record exists."""
        return self.rows(actor, model, "read").reach(record, names)

    def may_delete(self, actor: Actor, model: str, record: Record, names: Mapping[str, Any]) -> Verdict:
        """Whether the actor may move the record to the trash."""
        if _closed(actor, model):
            return _only_the_engine(model)
        if self.rows(actor, model, "delete").reach(record, names):
            return Verdict(True)
        return self._denied(actor, model, "delete")

    def may_create(self, actor: Actor, model: str, record: Record | None, names: Mapping[str, Any]) -> Verdict:
        """Whether the actor may create this record; with None whether any could be."""
        if _closed(actor, model):
            return _only_the_engine(model)
        if self.unlimited(actor):
            return Verdict(True)
        for access, grant in self.grants(actor, model):
            said = grant.create
            if isinstance(said, Formula):
                if record is None or said.expression(record, names) is True:
                    return Verdict(True, (_granted(access, grant, model, "create"),))
            elif said == "all":
                return Verdict(True, (_granted(access, grant, model, "create"),))
        return self._denied(actor, model, "create")

    def may_update(
        self, actor: Actor, model: str, before: Record, fields: Collection[str], names: Mapping[str, Any]
    ) -> Verdict:
        """Whether the actor may change these fields of the record as it was ``before``. One grant
        must allow them all."""
        return self._may_update(actor, model, before, fields, names, now=True)

    def may_propose(
        self, actor: Actor, model: str, before: Record, fields: Collection[str], names: Mapping[str, Any]
    ) -> Verdict:
        """Whether the actor may propose values of these fields: whoever may change them, at whatever time that is. When
        it may be proposed, the event says."""
        return self._may_update(actor, model, before, fields, names, now=False)

    def _may_update(
        self,
        actor: Actor,
        model: str,
        before: Record,
        fields: Collection[str],
        names: Mapping[str, Any],
        *,
        now: bool,
    ) -> Verdict:
        if _closed(actor, model):
            return _only_the_engine(model)
        if self.unlimited(actor):
            return Verdict(True)
        refused: list[Reason] = []
        for access, grant in self.grants(actor, model):
            update = grant.update
            if update == "none":
                continue
            if isinstance(update, str):
                update = _plain_update(update)
            if update.rows != "all" and self.catalog.scope_of(access, update.rows, model)(before, names) is not True:
                refused.append(_reason(access, grant, model, "update", "not one of these rows"))
            elif now and update.when is not None and update.when.expression(before, names) is not True:
                refused.append(_reason(access, grant, model, "update", f"only when {update.when.text}"))
            elif update.only and (others := [name for name in fields if name not in update.only]):
                refused.append(_reason(access, grant, model, "update", f"not the fields {', '.join(sorted(others))}"))
            else:
                return Verdict(True, (_granted(access, grant, model, "update"),))
        return Verdict(False, tuple(refused)) if refused else self._denied(actor, model, "update")

    def may_fire(self, actor: Actor, model: str, event: str, by: str | None) -> Verdict:
        """Whether the actor may fire the event at all. ``by`` is the event's own limit: a role, or ``system``."""
        if actor.everything:
            return Verdict(True)
        if by == "system":
            return Verdict(False, (Reason(f"{model}.{event}.by", "denied", "only the system fires this event"),))
        if self.unlimited(actor):
            return Verdict(True)
        if by is not None and by not in actor.roles:
            return Verdict(False, (Reason(f"{model}.{event}.by", "denied", f"only the role {by} fires this event"),))
        for access, grant in self.grants(actor, model):
            if grant.events == "all" or event in grant.events:
                return Verdict(True, (_granted(access, grant, model, "events"),))
        return self._denied(actor, model, f"event {event}")

    def hidden(self, actor: Actor, model: str) -> frozenset[str]:
        """The fields that the actor never sees: those that every one of its grants hides."""
        if self.unlimited(actor):
            return frozenset()
        hidden = [frozenset(grant.hide) for _, grant in self.grants(actor, model)]
        return frozenset.intersection(*hidden) if hidden else frozenset()

    def sees_private(self, actor: Actor, model: str) -> bool:
        """Whether the actor sees personal data unmasked."""
        return self.unlimited(actor) or any(grant.private for _, grant in self.grants(actor, model))

    def may_export(self, actor: Actor, model: str) -> Verdict:
        """Whether the actor may take the records out as a file."""
        if self.unlimited(actor) or any(grant.export for _, grant in self.grants(actor, model)):
            return Verdict(True)
        return self._denied(actor, model, "export")

    def may_give_roles(self, actor: Actor, roles: Collection[str]) -> Verdict:
        """Whether the actor may give these roles to somebody: only its own, or it could make itself anything."""
        others = sorted(set(roles) - actor.roles)
        if not others or self.unlimited(actor):
            return Verdict(True)
        message = f"{actor.login} does not have the roles {', '.join(others)}, and so cannot give them"
        return Verdict(False, (Reason("access.user.roles", "denied", message),))

    def _denied(self, actor: Actor, model: str, what: str) -> Verdict:
        roles = ", ".join(sorted(actor.roles)) or "none"
        return Verdict(
            False, (Reason(f"access.{model}", "denied", f"no role of {actor.login} grants {what} (roles: {roles})"),)
        )


def _closed(actor: Actor, model: str) -> bool:
    """Whether the model is not the actor's to write, whatever its roles grant."""
    return model in ENGINES_OWN and not actor.everything


def _only_the_engine(model: str) -> Verdict:
    return Verdict(False, (Reason(f"access.{model}", "denied", f"only the engine writes {model}"),))


def _plain_update(said: str) -> Update:
    return Update(document=None, path=(), rows=said)  # type: ignore[arg-type]  # has no place of its own: a shorthand


def _granted(access: Access, grant: Grant, model: str, right: str) -> Reason:
    return _reason(access, grant, model, right)


def _reason(access: Access, grant: Grant, model: str, right: str, why_not: str | None = None) -> Reason:
    """What a grant says: yes, or why not here."""
    outcome = "granted" if why_not is None else "denied"
    return Reason(f"access.{access.name}.{model}.{right}", outcome, why_not, grant.span)
