"""What people call a record, where it is kept with something that others may read."""

from __future__ import annotations

from engine.catalog.catalog import Catalog
from engine.fields.link import LinkField
from engine.ports import Record

#: Longer names than this are cut.
LONGEST = 200
#: A title may be a link, whose record is called by a link again; not for ever.
DEEPEST = 5


def title_of(catalog: Catalog, model: str, record: Record, depth: int = 0) -> str | None:
    """The record's title, else its key; of a link that of the record it leads to. None where there is none that
    everybody may know: personal data are masked, and what is kept elsewhere would show them."""
    fields, definition = catalog.fields(model), catalog.models[model]
    for name in (definition.title, definition.key):
        if name is None or (name,) in catalog.private_paths(model):
            continue
        try:
            value = record[name]  # a linked one is read when it is asked for
        except KeyError:
            continue
        found = fields.get(name)
        if value is not None and not isinstance(value, dict):
            return str(value)[:LONGEST]
        if value is not None and isinstance(found, LinkField) and "." not in found.target and depth < DEEPEST:
            title = title_of(catalog, found.target, value, depth + 1)
            if title is not None:
                return title
    return None
