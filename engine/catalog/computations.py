"""What is worked out, and in which order: the read sets of expressions, followed through a record and its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.catalog.shapes import HOLDS, BackLink
from engine.expressions.language import Expression
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.number import DecimalField
from engine.fields.rows import RowsField

Path = tuple[str, ...]
#: A field by the rows it stands in (none: the record itself) and its name.
Place = tuple[Path, str]


@dataclass(frozen=True, slots=True, eq=False)
class Computation:
    """A field that is worked out: by its expression (``value``, a lookup's path) or by spreading an amount over rows.

    ``path`` leads to the rows that it stands in, empty for the record itself. ``spread`` is (the amount's field, one
    level up; the weight's field, beside it; digits), and then there is no expression.
    """

    path: Path
    name: str
    field: Field
    expression: Expression | None
    settle: Callable[[Any], Any]
    spread: tuple[str, str, int] | None = None


def levels(fields: Mapping[str, Field], path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Field]]]:
    """The fields of a record and of its rows, each with the path of the rows."""
    yield path, fields
    for name, found in fields.items():
        if isinstance(found, RowsField):
            yield from levels(found.of, (*path, name))


def computation(path: Path, found: Field) -> Computation | None:
    """How the field is worked out; None when people put it in, or when its expression has a problem."""
    if isinstance(found, DecimalField) and found.spread is not None and found.by is not None:
        return Computation(path, found.name, found, None, found.settle, (found.spread, found.by, found.digits))
    formula = found.from_ if isinstance(found, LookupField) else found.value
    if formula is None or formula.expression is None:
        return None
    return Computation(path, found.name, found, formula.expression, found.settle)


class Dependencies:
    """Which fields of one model are worked out, from what, and which of them only when a record is read."""

    def __init__(
        self, model: str, fields: Mapping[str, Field], back_links: Mapping[str, Mapping[str, BackLink]]
    ) -> None:
        self._model = model
        self._fields = dict(levels(fields))
        self._back_links = back_links
        self.computations: dict[Place, Computation] = {
            (path, name): made
            for path, level in self._fields.items()
            for name, found in level.items()
            if (made := computation(path, found)) is not None
        }

    def own_reads(self, place: Place) -> Iterator[Path]:
        """The paths that a computed field reads, each from the record itself."""
        made = self.computations[place]
        if made.spread is not None:
            amount, weight, _ = made.spread
            yield (*made.path[:-1], amount)
            yield (*made.path, weight)
            return
        if made.expression is None:
            return
        for read in made.expression.reads:
            yield (*made.path, *read)
        for name, *around in made.expression.scope_reads:
            if made.path and around and name in ("record", self._model):
                yield tuple(around)

    def needs(self, place: Place) -> list[Place]:
        """The computed fields that this one needs, in the order of the model."""
        wanted = {found for read in self.own_reads(place) if (found := self._place(read)) is not None}
        return [found for found in self.computations if found in wanted]

    def _place(self, read: Path) -> Place | None:
        path: Path = ()
        for name in read:
            found = self._fields.get(path, {}).get(name)
            if not isinstance(found, RowsField):
                return path, name
            path = (*path, name)
        return None

    def ordered(self) -> tuple[tuple[Computation, ...], list[list[Place]]]:
        """The computations, each after those that it needs, and the circles (which can come in no sequence)."""
        sequence: list[Computation] = []
        circles: list[list[Place]] = []
        done: set[Place] = set()
        for start in self.computations:
            self._visit(start, [], sequence, circles, done)
        return tuple(sequence), circles

    def _visit(
        self,
        place: Place,
        trail: list[Place],
        sequence: list[Computation],
        circles: list[list[Place]],
        done: set[Place],
    ) -> None:
        if place in trail:
            circles.append([*trail[trail.index(place) :], place])
        elif place not in done:
            for needed in self.needs(place):
                self._visit(needed, [*trail, place], sequence, circles, done)
            if place not in done:
                done.add(place)
                sequence.append(self.computations[place])

    def live(self) -> frozenset[str]:
        """The record's own computed fields that follow a link back to it, or need such a field: they are never stored,
        since what they read changes without this record being written."""
        found: set[str] = set()
        while True:
            more = {
                name
                for (path, name) in self.computations
                if not path
                and name not in found
                and any(self._is_live(read, found) for read in self.own_reads((path, name)))
            }
            if not more:
                return frozenset(found)
            found |= more

    def follows_back(self, place: Place) -> bool:
        """Whether the computed field reads what links back to this record, or to one that it links to."""
        return any(self._is_live(read, set()) for read in self.own_reads(place))

    def _is_live(self, read: Path, live: set[str]) -> bool:
        if len(read) == 1 and read[0] in live:
            return True
        if self._leads_back(self._model, read[0]):
            return True
        path: Path = ()
        for at, name in enumerate(read[:-1]):
            found = self._fields.get(path, {}).get(name)
            if isinstance(found, LinkField):
                return self._leads_back(found.target, read[at + 1])
            if not isinstance(found, RowsField):
                return False
            path = (*path, name)
        return False

    def _leads_back(self, model: str, name: str) -> bool:
        return name == HOLDS or name in self._back_links.get(model, {})


def named(place: Place) -> str:
    """How a place is written: ``lines.amount``."""
    return ".".join((*place[0], place[1]))


def circle_text(places: Sequence[Place]) -> str:
    """A circle for people: ``a → b → a``."""
    return " → ".join(map(named, places))
