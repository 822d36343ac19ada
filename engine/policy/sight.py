"""What one actor sees of records that others lead to. A link leads on only to records that the actor may read, and a
lookup shows what it finds there only to those who could have read it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.catalog.catalog import Catalog
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.policy.access import Actor, Rights
from engine.policy.reach import WHICH, everybody_knows
from engine.ports import Record

Path = tuple[str, ...]
#: A place is a model, or rows of one: ``parcel.lines``.
Placed = tuple[Path, str]


class Sight:
    """What one actor sees at one moment. ``names`` are what its row conditions may name besides the record."""

    def __init__(self, catalog: Catalog, rights: Rights, actor: Actor, names: Callable[[], Mapping[str, Any]]) -> None:
        self._catalog = catalog
        self._rights = rights
        self._actor = actor
        self._names = names

    # One value ------------------------------------------------------------------------------------------------------

    def opens(self, place: str, record: Record) -> bool:
        """Whether the actor may read the record. Rows of a model are there for those who may read all of it: which
        record they belong to does not stand in them."""
        model, _, rows = place.partition(".")
        reach = self._rights.rows(self._actor, model, "read")
        if reach.everything or rows or not reach:
            return reach.everything
        return reach.reach(record, {**self._names(), "record": record, model: record})

    def shows(self, place: str, holder: Record, field: Field) -> bool:
        """Whether the actor may see what the record (or row) has in this field, as far as that stands elsewhere."""
        if not isinstance(field, LookupField) or self._always(place, field.steps):
            return True
        return self._leads(place, holder, field.steps)

    def masks(self, place: str, field: Field) -> bool:
        """Whether the actor sees the field's values only masked: there, or where a lookup finds them."""
        if not field.private:
            return False
        if not self._rights.sees_private(self._actor, place.partition(".")[0]):
            return True
        return isinstance(field, LookupField) and any(
            self.masks(inner, source) for inner, source in self._ends(place, field.steps)
        )

    def beyond(self, place: str, linked: Record, steps: Sequence[str]) -> bool:
        """Whether the actor may see what stands at the end of the path from a record that another one links to."""
        if not everybody_knows(self._catalog, place, tuple(steps)) and not self.opens(place, linked):
            return False
        return steps[0] not in self._hidden(place) and self._leads(place, linked, steps)

    def _leads(self, place: str, holder: Record, steps: Sequence[str]) -> bool:
        """The same from a record that the actor may read. A path that ends early shows nothing, and hides nothing."""
        field, *rest = self._fields(place)[steps[0]], *steps[1:]
        if not self.shows(place, holder, field):
            return False
        linked = holder[steps[0]] if rest else None
        return linked is None or tuple(rest) in WHICH or self.beyond(_target(field), linked, rest)

    def _hidden(self, place: str) -> frozenset[str]:
        return self._rights.hidden(self._actor, place) if "." not in place else frozenset()

    # What holds for all records -------------------------------------------------------------------------------------

    def doubtful(self, model: str) -> bool:
        """Whether records of the model, or their rows, have lookups that this actor may not see in all of them."""
        return any(
            not self._always(place, lookup.steps)
            or (self._rights.sees_private(self._actor, model) and self.masks(place, lookup))
            for place, lookup in self._lookups(model)
        )

    def _always(self, place: str, steps: Sequence[str]) -> bool:
        """Whether the path shows its end to this actor, whatever the record."""
        if self._rights.unlimited(self._actor):
            return True
        field, *rest = self._fields(place)[steps[0]], *steps[1:]
        if isinstance(field, LookupField) and not self._always(place, field.steps):
            return False
        if not rest or tuple(rest) in WHICH:
            return True
        target = _target(field)
        every = self._rights.rows(self._actor, target.partition(".")[0], "read").everything
        return (
            (every or everybody_knows(self._catalog, target, tuple(rest)))
            and rest[0] not in self._hidden(target)
            and self._always(target, rest)
        )

    def _ends(self, place: str, steps: Sequence[str]) -> Iterator[tuple[str, Field]]:
        """The field at the end of the path, with its place."""
        for step in steps[:-1]:
            place = _target(self._fields(place)[step])
        yield place, self._fields(place)[steps[-1]]

    def _lookups(self, model: str) -> tuple[tuple[str, LookupField], ...]:
        """The lookups of a model and its rows, with their places."""
        return self._catalog.memo(
            (Sight, model),
            lambda: tuple(
                (place, field)
                for _, place in _levels(self._catalog, (), model)
                for field in self._fields(place).values()
                if isinstance(field, LookupField)
            ),
        )

    # What has to be read for the answers ----------------------------------------------------------------------------

    def reads(self, model: str, expand: Iterable[Sequence[str]]) -> frozenset[Path]:
        """The paths that must have been read of a record of the model, so that all this can be asked once the
        transaction is over: of the record itself, and of those that ``expand`` leads to."""
        if self._rights.unlimited(self._actor):
            return frozenset()
        found: set[Path] = set()
        places: dict[Path, str] = dict(_levels(self._catalog, (), model))
        for path in expand:
            place = model
            for at, name in enumerate(path, 1):
                field = self._fields(place)[name]
                if isinstance(field, RowsField):
                    place = f"{place}.{name}"
                    continue
                place, here = _target(field), (*path[:at],)
                found.update(self._condition_reads(here, place))
                places.update(_levels(self._catalog, here, place))
        for prefix, place in places.items():
            for field in self._fields(place).values():
                if isinstance(field, LookupField) and not self._always(place, field.steps):
                    found.update(self._way(prefix, place, field.steps))
        return frozenset(found)

    def _way(self, prefix: Path, place: str, steps: Sequence[str]) -> Iterator[Path]:
        """The links on the way, and what decides whether the actor may follow them."""
        for at, name in enumerate(steps, 1):
            field, here = self._fields(place)[name], (*prefix, *steps[:at])
            if isinstance(field, LookupField):
                yield from self._way(here[:-1], place, field.steps)
            yield here
            if at < len(steps):
                place = _target(field)
                yield from self._condition_reads(here, place)

    def _condition_reads(self, prefix: Path, place: str) -> Iterator[Path]:
        if "." in place:
            return
        for condition in self._rights.rows(self._actor, place, "read").conditions:
            for read in condition.reads:
                yield (*prefix, *read)
            for path in condition.scope_reads:
                if path[0] in ("record", place):
                    yield (*prefix, *path[1:])

    def _fields(self, place: str) -> Mapping[str, Field]:
        model, *rows = place.split(".")
        return self._catalog.row_fields(model, rows) if rows else self._catalog.fields(model)


def _target(field: Field) -> str:
    """The place that a link leads to; a lookup may find a link, too."""
    source = field.source if isinstance(field, LookupField) else field
    assert isinstance(source, LinkField)  # linking has made sure that paths go over links
    return source.target


def _levels(catalog: Catalog, prefix: Path, place: str) -> Iterator[Placed]:
    """The place and those of its rows, each with the path that leads there."""
    yield prefix, place
    model, *rows = place.split(".")
    for name, field in catalog.row_fields(model, rows).items():
        if isinstance(field, RowsField):
            yield from _levels(catalog, (*prefix, name), f"{place}.{name}")
