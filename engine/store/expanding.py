"""Following links: fills linked records, rows and back links so that what an expression reads is in memory.

One statement for each linked model and depth, however many records there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.catalog.catalog import Catalog
from engine.catalog.shapes import HOLDS, BackLink
from engine.fields.link import LinkField
from engine.ports import Record
from engine.store.identity import is_read
from engine.store.loading import Loader
from engine.store.tables import Level, Tables
from engine.store.transaction import Transaction

Path = tuple[str, ...]
Reads = frozenset[Path]

#: At the end of a path: the linked record with all its columns, whatever will be read of it.
ALL = "*"


@dataclass
class Way:
    """What is read of the records of one place: through which links, rows and back links it goes on."""

    level: Level
    links: dict[str, Way] = field(default_factory=dict)
    rows: dict[str, Way] = field(default_factory=dict)
    back: dict[str, tuple[BackLink, Way]] = field(default_factory=dict)
    #: Whether more than the id is read.
    needed: bool = False

    @property
    def leads_on(self) -> bool:
        """Whether anything is read beyond these records."""
        return bool(self.links or self.rows or self.back)


class Expander:
    """Fills what paths lead to."""

    def __init__(self, catalog: Catalog, tables: Tables, loader: Loader) -> None:
        self._catalog = catalog
        self._tables = tables
        self._loader = loader
        self._ways: dict[tuple[str, Reads], Way] = {}

    def expand(self, tx: Transaction, place: str, records: Iterable[Record], reads: Reads) -> None:
        """Fills the records (of a model or of rows) with all that the paths read."""
        key = (place, reads)
        way = self._ways.get(key)
        if way is None:
            # Bounded: reads come from definitions, and from the `expand` of requests, which names existing links.
            way = self._ways[key] = self._way(place, reads)
        front: list[tuple[Way, list[Record]]] = [(way, list(records))]
        while front:
            self._fill_links(tx, front)
            front = [
                (below, reached) for way, holders in front for below, reached in self._next(tx, way, holders) if reached
            ]

    def read(self, tx: Transaction, place: str, records: Iterable[Record]) -> None:
        """Reads the columns of the records that are only ids so far."""
        lacking: dict[str, list[Record]] = {}
        for record in records:
            if not is_read(record):
                lacking.setdefault(record["id"], []).append(record)
        if lacking:
            self._read(tx, place, lacking)

    def _fill_links(self, tx: Transaction, front: Sequence[tuple[Way, Sequence[Record]]]) -> None:
        """Reads the linked records that are only ids so far."""
        lacking: dict[str, dict[str, list[Record]]] = {}
        for way, holders in front:
            for name, below in way.links.items():
                if below.needed:
                    wanted = lacking.setdefault(below.level.place, {})
                    for holder in holders:
                        linked = holder.get(name)
                        if linked is not None and not is_read(linked):
                            wanted.setdefault(linked["id"], []).append(linked)
        for place, wanted in lacking.items():
            if wanted:
                self._read(tx, place, wanted)

    def _read(self, tx: Transaction, place: str, wanted: dict[str, list[Record]]) -> None:
        self._loader.records(tx, place, self._loader.by_column(tx, place, "id", wanted))
        known = self._loader.identity(tx)[place]
        for key, stubs in wanted.items():
            for stub in stubs:
                if stub is not known.get(key):
                    stub.update(self._loader.identity(tx).link(place, key))

    def _next(self, tx: Transaction, way: Way, holders: list[Record]) -> Iterable[tuple[Way, list[Record]]]:
        for name, below in way.links.items():
            if not below.leads_on:
                continue
            linked = {id(found): found for holder in holders if (found := holder.get(name)) is not None}
            yield below, list(linked.values())
        if way.rows:
            self._loader.fill_rows(tx, way.level, [holder for holder in holders if holder.get("id") is not None])
            for name, below in way.rows.items():
                yield below, [row for holder in holders for row in holder.get(name) or ()]
        for name, (back, below) in way.back.items():
            yield below, self._loader.follow_back(tx, name, back, holders)

    # Ways -----------------------------------------------------------------------------------------------------------

    def _way(self, place: str, reads: Reads) -> Way:
        way = Way(self._tables.level(place))
        for path in reads:
            self._add(way, path)
        return way

    def _add(self, way: Way, path: Path) -> None:
        if not path:
            return
        name, rest = path[0], path[1:]
        level = way.level
        way.needed = way.needed or name != "id"
        linking = level.fields.get(name)
        if isinstance(linking, LinkField):
            if rest:
                self._add(way.links.setdefault(name, Way(self._tables.level(linking.target))), rest)
        elif name in level.rows:
            self._add(way.rows.setdefault(name, Way(level.rows[name])), rest)
        elif not level.path and name in (back_links := self._catalog.back_links(level.model)):
            back = back_links[name]
            self._add(way.back.setdefault(name, (back, Way(self._tables.level(back.model))))[1], rest)
        elif name == HOLDS and not level.path:
            pass
