"""Who acts: the actor of a user's record, with what expressions may read of ``user``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.catalog.catalog import Catalog
from engine.errors import BadRequest, NotLoggedIn
from engine.fields.link import LinkField
from engine.policy.access import Actor
from engine.runtime.service import USER, Service
from engine.store.expanding import ALL, Reads
from engine.store.transaction import Transaction


class UserFacts(dict[str, Any]):
    """What expressions see as ``user``: a copy that outlives the transaction it was read in. It leads as far as any
    definition does, and one link further than the user; what a request asks beyond that is refused."""

    def __missing__(self, name: str) -> Any:
        raise BadRequest(f"`user` does not lead as far as {name!r} here", code="USER_TOO_FAR")


def actor_of(
    service: Service, tx: Transaction, key: str, *, ip: str | None = None, scopes: frozenset[str] | None = None
) -> Actor:
    """The actor of a user. Raises NotLoggedIn where there is no such user, or not any more."""
    found = service.store.records.load(tx, USER, [key])
    if not found or found[0]["active"] is False:
        raise NotLoggedIn
    user = found[0]
    reads = service.catalog.memo(("user reads",), lambda: _reads(service.catalog))
    service.store.records.expand(tx, USER, [user], reads)
    roles = [row["role"] for row in user["roles"]]
    teams = [row["team"] for row in user["teams"]]
    facts = _copy({**user, "roles": roles, "teams": teams}, {})
    return Actor(
        id=user["id"],
        login=user["login"],
        name=user["name"],
        roles=frozenset(roles),
        teams=tuple(team["id"] for team in teams),
        language=user["language"] or "",  # none of its own: what the browser asks for
        ip=ip,
        scopes=scopes,
        facts=facts,
    )


def _reads(catalog: Catalog) -> Reads:
    """The paths from a user's record that anything in the definitions reads, and all that is one link away."""
    fields = catalog.fields(USER)
    reads: set[tuple[str, ...]] = {(name, ALL) for name, field in fields.items() if isinstance(field, LinkField)}
    reads.add(("teams", "team", ALL))
    for use in catalog.expression_uses:
        for path in use.expression.scope_reads:
            if path[0] == USER and len(path) > 1:
                # Expressions see the teams themselves where the record has rows that link to them.
                reads.add(("teams", "team", *path[2:]) if path[1] == "teams" else path[1:])
    return frozenset(reads)


def _copy(value: Any, made: dict[int, UserFacts]) -> Any:
    """The value with every record in it copied; records that lead to each other in a circle still do."""
    if isinstance(value, Mapping):
        found = made.get(id(value))
        if found is None:
            found = made[id(value)] = UserFacts()
            found.update({name: _copy(item, made) for name, item in value.items()})
        return found
    if isinstance(value, list):
        return [_copy(item, made) for item in value]
    return value
