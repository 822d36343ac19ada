"""What a list is filtered by: the parameters of its address as one condition of the expression language."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from engine.fields.boolean import BooleanField
from engine.fields.choice import ChoiceField
from engine.fields.link import LinkField
from engine.store.keys import is_key
from engine.web.pages.visit import Visit

#: Parameters that mean something else than a field.
RESERVED = frozenset({"view", "q", "sort", "after", "lang", "theme"})


@dataclass(frozen=True, slots=True)
class Filtered:
    """The fields that the reader may filter by, each with the values chosen (none: not filtered); and by which records
    the links of the address have to lead to, by id."""

    offered: Mapping[str, tuple[str, ...]]
    flags: frozenset[str]
    links: Mapping[str, str]

    @classmethod
    def of(cls, visit: Visit, model: str, params: QueryParams, columns: Collection[str]) -> Filtered:
        """What the address asks for. Values that a field does not have are as good as absent. Offered are the fields of
        the columns, the state, and whatever the address filters by."""
        hidden = visit.service.rights.hidden(visit.actor, model)
        sees = visit.service.rights.sees_private(visit.actor, model)
        own = visit.catalog.models[model].fields
        offered: dict[str, tuple[str, ...]] = {}
        flags: set[str] = set()
        links: dict[str, str] = {}
        for name, field in visit.catalog.fields(model).items():
            if name in RESERVED or name in hidden or not field.stored or (field.private and not sees):
                continue
            if not (name == "status" or name in columns or name in params):
                continue
            if isinstance(field, ChoiceField) and field.options and (name == "status" or name in own):
                offered[name] = tuple(value for value in params.getlist(name) if value in field.options)
            elif isinstance(field, BooleanField) and name in own:
                offered[name] = tuple(value for value in params.getlist(name) if value in ("true", "false"))
                flags.add(name)
            elif isinstance(field, LinkField) and is_key(params.get(name, "")):
                links[name] = params[name]
        return cls(offered, frozenset(flags), links)

    @property
    def active(self) -> bool:
        """Whether anything is filtered."""
        return any(self.offered.values()) or bool(self.links)


def condition(where: str | None, filtered: Filtered) -> str | None:
    """The view's condition and the filters' as one text; None when there is neither."""
    parts = [f"({where})"] if where else []
    for name, values in filtered.offered.items():
        if name in filtered.flags:
            parts += [f"{name} == {value}" for value in values]
        elif values:
            parts.append(f"{name} in {json.dumps(list(values), ensure_ascii=False)}")
    return " and ".join(parts) or None
