"""Which data a request may ask by. A filter, a sort key or a group over values that the actor does not see would tell
them bit by bit, so every path that such an expression reads is followed, through rows, links and back links."""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.listed import LIST_ENTRY
from engine.catalog.shapes import HOLDS, PROPOSED
from engine.expressions.functions.lists import IN_LIST, LISTS
from engine.expressions.language import Expression
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.policy.access import Actor, Rights

Path = tuple[str, ...]

USER, TEAMS, TEAM, HOLD = "user", "teams", "team", "hold"
#: That a link leads to a record, and which, stands in the record that has the link.
WHICH = ((), ("id",))


class Reach:
    """What one actor may ask by, in one catalogue."""

    def __init__(self, catalog: Catalog, rights: Rights, actor: Actor) -> None:
        self._catalog = catalog
        self._rights = rights
        self._actor = actor

    def beyond(self, model: str, expression: Expression, rows: Path = ()) -> str | None:
        """The first path of an expression about the model (or about ``rows`` of it) that is not the actor's to ask by;
        None: it may be asked."""
        if self._rights.unlimited(self._actor):
            return None
        for path in sorted(expression.reads):
            if not self._allows(model, (*rows, *path)):
                return ".".join(path)
        for root, *rest in sorted(expression.scope_reads):
            if root == LISTS and not self._rights.rows(self._actor, LIST_ENTRY, "read").everything:
                return IN_LIST
            around = root in ("record", model) and not self._allows(model, tuple(rest))
            if around or (root == USER and not self._allows_of_user(tuple(rest))):
                return ".".join((root, *rest))
        return None

    def _allows(self, model: str, path: Path) -> bool:
        """Whether the actor sees what stands at the end of the path from records of the model that it may read."""
        if path and path[0] in self._rights.hidden(self._actor, model):
            return False
        return self._allows_in(model, self._catalog.fields(model), path)

    def _allows_in(self, model: str, fields: Mapping[str, Field], path: Path) -> bool:
        if not path:
            return True
        name, rest = path[0], path[1:]
        field = fields.get(name)
        if field is None:
            return self._allows_back(model, name, rest)
        if field.private and not self._rights.sees_private(self._actor, model):
            return False
        if isinstance(field, RowsField):
            return self._allows_in(model, field.of, rest)
        if isinstance(field, LookupField):
            return self._allows_in(model, fields, (*field.steps, *rest))
        return not isinstance(field, LinkField) or rest in WHICH or self._allows_beyond(field.target, rest)

    def _allows_back(self, model: str, name: str, rest: Path) -> bool:
        """The same for a member that is no field: an id of a row, what links back, the open holds, what is proposed of
        the record."""
        if name == PROPOSED:
            return self._allows(model, rest)
        if name == HOLDS:
            return rest in WHICH or self._allows_beyond(HOLD, rest)
        back = self._catalog.back_links(model).get(name)
        return back is None or self._allows_beyond(back.model, rest)

    def _allows_beyond(self, model: str, rest: Path) -> bool:
        """Whether the path may go on in records that other records lead to: any of them might be reached, so all of
        them must be the actor's to read. People and teams have a name for everybody."""
        if everybody_knows(self._catalog, model, rest):
            return True
        root, _, rows = model.partition(".")
        if not self._rights.rows(self._actor, root, "read").everything:
            return False
        if rows:
            return self._allows_in(root, self._catalog.row_fields(root, rows.split(".")), rest)
        return self._allows(model, rest)

    def _allows_of_user(self, path: Path) -> bool:
        """The same for what the actor's own record leads to; the record itself is no secret to them."""
        if not path:
            return True
        name, rest = path[0], path[1:]
        if name == TEAMS:
            return rest in WHICH or self._allows_beyond(TEAM, rest)
        field = self._catalog.fields(USER).get(name)
        if field is None:
            return self._allows_back(USER, name, rest)
        return not isinstance(field, LinkField) or rest in WHICH or self._allows_beyond(field.target, rest)


def everybody_knows(catalog: Catalog, model: str, rest: Path) -> bool:
    """Whether what stands at the end of the path from a record of the model is nobody's secret: the names of people and
    teams."""
    if model not in (USER, TEAM):
        return False
    named = catalog.models[model]
    return rest in ((named.key,), (named.title,))
