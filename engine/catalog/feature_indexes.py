"""The indexes that the features of risks need, so that each is worked out from a range of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk_features import Feature
from engine.fields.link import LinkField, LookupField

Columns = tuple[str, ...]

#: The system model of the log of events.
EVENT = "event"


def features_indexes(catalog: Catalog) -> Mapping[str, tuple[Columns, ...]]:
    """The columns of the indexes, by model. Some may be there for another reason."""

    def found() -> Mapping[str, tuple[Columns, ...]]:
        wanted: dict[str, dict[Columns, None]] = {}
        for risk in catalog.risks.values():
            for feature in risk.features.values():
                for model, columns in _of(catalog, risk.for_, feature):
                    wanted.setdefault(model, {})[columns] = None
        return {model: tuple(each) for model, each in wanted.items()}

    return catalog.memo("indexes of features", found)


def _of(catalog: Catalog, model: str, feature: Feature) -> Iterator[tuple[str, Columns]]:
    if feature.event is not None and feature.sender is not None:
        yield EVENT, (feature.sender, "name", "at")
        return
    moment = () if feature.event is not None else (feature.moment,)
    place = model
    path = _stored_path(catalog, model, feature.per.text.strip().split("."))
    for depth, name in enumerate(path):  # from those that have the key back along the links to the records
        yield from _index(catalog, place, name, moment if depth == 0 else ())
        place = _target(catalog, place, name) if depth + 1 < len(path) else place


def _index(catalog: Catalog, model: str, column: str, more: Columns) -> Iterator[tuple[str, Columns]]:
    """The index, unless the primary key does or the field is worked out when read."""
    if column != "id" and catalog.fields(model)[column].stored and column not in catalog.live_fields(model):
        yield model, (column, *more)


def _stored_path(catalog: Catalog, model: str, path: list[str]) -> list[str]:
    """The path without look-ups, which are no columns, and without an id at the end, which is the link's own."""
    made: list[str] = []
    place = model
    for name in path:
        field = catalog.fields(place)[name]
        if isinstance(field, LookupField):
            made += field.steps
            return _stored_path(catalog, model, [*made, *path[path.index(name) + 1 :]])
        made.append(name)
        place = field.target if isinstance(field, LinkField) else place
    return made[:-1] if len(made) > 1 and made[-1] == "id" else made


def _target(catalog: Catalog, model: str, link: str) -> str:
    field = catalog.fields(model)[link]
    assert isinstance(field, LinkField)
    return field.target
