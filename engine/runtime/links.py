"""From the texts that callers send for links to the records they mean."""

from __future__ import annotations

from collections.abc import Sequence

from engine.catalog.catalog import Catalog
from engine.errors import Complaint
from engine.policy.access import Rights
from engine.policy.values import Reader
from engine.ports import Record
from engine.runtime.act import Act
from engine.store.store import Store

#: (place of the row, the row)
Placed = tuple[str, Record]
#: The place again, and the rows fields and positions that lead on from it: only complaints put it together.
Place = tuple[str | int, ...]
#: By linked model: where the link stands, its name, the row.
Wanted = dict[str, list[tuple[Place, str, Record]]]


class LinkResolver:
    """Replaces ids and keys by records, with one statement for each linked model, however many rows there are."""

    def __init__(self, catalog: Catalog, store: Store, rights: Rights) -> None:
        self.catalog = catalog
        self.store = store
        self.rights = rights

    def resolve(
        self, act: Act, reader: Reader, rows: Sequence[Placed], complaints: list[Complaint], *, trusted: bool = False
    ) -> None:
        """Puts the linked records in place of the texts. A text that finds nothing the actor may read is complained
        about: whether such a record exists stays private. ``trusted``: the texts come from the definitions, which may
        name any record."""
        wanted: Wanted = {}
        for at, row in rows:
            _collect(reader, (at,), row, wanted)
        for target, entries in wanted.items():
            texts = {row[name] for _, name, row in entries}
            found = self.store.records.lookup(act.tx, target, texts)
            readable = self.rights.rows(act.actor, target, "read")
            for place, name, row in entries:
                text = row[name]
                linked = found.get(text)
                if (
                    linked is not None
                    and not (trusted or readable.everything)
                    and not self._may_link(act, target, linked)
                ):
                    linked = None
                if linked is None:
                    row[name] = None
                    complaints.append(
                        Complaint(
                            _at(place) + name,
                            "LINK_UNKNOWN",
                            f"there is no {target} {text!r}",
                            {"to": target, "text": text},
                        )
                    )
                else:
                    row[name] = linked

    def _may_link(self, act: Act, target: str, linked: Record) -> bool:
        return self.rights.may_read(act.actor, target, linked, act.names(target, linked, "link"))


def _collect(reader: Reader, place: Place, row: Record, wanted: Wanted) -> None:
    """Adds every link of the row that has a text, rows in rows included."""
    for name, target in reader.links.items():
        if type(row.get(name)) is str:
            wanted.setdefault(target, []).append((place, name, row))
    for name, inner in reader.rows.items():
        for index, child in enumerate(row.get(name) or ()):
            _collect(inner, (*place, name, index), child, wanted)


def _at(place: Place) -> str:
    """How a complaint writes the place: ``lines[2].``."""
    return "".join(part if isinstance(part, str) else f"[{part}]." for part in place)
