"""Other versions of a record, for one reader: the one that is proposed, and those that have been."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from engine.catalog.shapes import PROPOSED
from engine.errors import Complaint, NotFound
from engine.fields.field import Field
from engine.fields.link import LookupField
from engine.fields.rows import RowsField
from engine.policy.access import Actor
from engine.policy.sight import Sight
from engine.ports import Record
from engine.runtime.past import Moment, Past
from engine.runtime.reading import Reading, masked_changes
from engine.store.transaction import Transaction

#: Entries of a record's history that are looked through for a version.
MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """What is proposed of a record. ``changes`` are all that would follow from it, worked-out fields too, by path:
    before and after in wire form, as far as the reader may know them; ``conflicts`` are what stands against it.
    ``asked`` is what the event was given besides, and the fields of that."""

    proposal: Record
    record: Record
    changes: Mapping[str, Any]
    conflicts: tuple[Complaint, ...]
    asked: Mapping[str, tuple[Field, Any]]


class Versions:
    """Reads the versions of the records of one catalogue."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._catalog = reading.catalog
        self._store = reading.store

    def pending(self, tx: Transaction, actor: Actor, model: str, record: Record) -> Pending | None:
        """What is proposed of a record that the actor may read; None where nothing is."""
        proposals = self._reading.service.proposals
        proposal = proposals.pending(tx, model, record["id"])
        if proposal is None:
            return None
        twin: Record = record[PROPOSED]
        hidden = self._reading.rights.hidden(actor, model)
        private: Container[tuple[str, ...]] = (
            () if self._reading.rights.sees_private(actor, model) else self._catalog.private_paths(model)
        )
        changes = masked_changes(self._store.history.differences(model, record, twin), hidden, private)
        sight, fields = self._reading.sight(actor), self._catalog.fields(model)
        shown = {path: pair for path, pair in changes.items() if _shows(sight, model, fields, record, path)}
        conflicts = proposals.conflicts(record, proposal, model)
        told = tuple(one for one in conflicts if one.at.partition(".")[0].partition("[")[0] not in hidden)
        return Pending(proposal, twin, shown, told, self._asked(actor, model, proposal))

    def _asked(self, actor: Actor, model: str, proposal: Record) -> dict[str, tuple[Field, Any]]:
        """What the event was given besides, as far as the present definitions know it and the reader may."""
        flow = self._catalog.workflows.get(proposal["workflow"])
        event = next((one for one in flow.all_events() if one.name == proposal["event"]), None) if flow else None
        fields = event.input if event is not None else {}
        private = self._reading.rights.sees_private(actor, model)
        return {
            name: (fields[name], wire if private or not fields[name].private else "***")
            for name, wire in (proposal["input"] or {}).items()
            if name in fields
        }

    def wire(self, tx: Transaction, actor: Actor, model: str, record: Record) -> dict[str, Any] | None:
        """The JSON form of what is proposed of a record."""
        found = self.pending(tx, actor, model, record)
        if found is None:
            return None
        proposal, by = found.proposal, found.proposal["proposed_by"]
        return {
            "id": proposal["id"],
            "event": proposal["event"],
            "by": by["id"] if by is not None else None,
            "by_name": by["name"] if by is not None else None,
            "at": proposal["proposed_at"],
            "version": proposal["seen_version"],
            "input": {name: value for name, (_, value) in found.asked.items()},
            "changes": dict(found.changes),
            "conflicts": [{"at": one.at, "message": one.message} for one in found.conflicts],
            "record": self._reading.told(tx, actor, model, found.record),
        }

    def past(self, tx: Transaction, actor: Actor, model: str, key: str, version: int) -> dict[str, Any]:
        """The JSON form of a record as it was in an earlier version, or is in the present one: what stands there now
        less what its history says has changed since. NotFound for a version that it has never had.

        What has no history of its own is left out: fields that follow links back to the record."""
        record = self._reading.get(tx, actor, model, key)
        entries = self._store.history.of(tx, model, key, limit=MOST_ENTRIES)
        last = next((entry for entry in entries if entry["record_version"] == version), None)
        if last is None:
            raise NotFound(f"there is no version {version} of this {model}: it is in version {record['version']}")
        reads = frozenset((name,) for name in self._catalog.fields(model))
        [found] = Past(self._store, reads, model).records(tx, [(key, Moment(last["at"], last["id"]))])
        if found is None:
            raise NotFound(f"there is no {model} {key}")
        found |= {"version": version, "updated_at": last["at"]}
        live = self._catalog.live_fields(model)
        told = self._reading.told(tx, actor, model, found)
        return {name: value for name, value in told.items() if name not in live}


def _shows(sight: Sight, model: str, fields: Mapping[str, Field], record: Record, path: str) -> bool:
    """Whether the reader may see what a difference is about, as far as that stands in other records. Of a row the
    lookups are left to the record itself."""
    name, *rest = path.split(".")
    field = fields.get(name)
    if isinstance(field, RowsField) and len(rest) > 1:
        return not isinstance(field.of.get(rest[-1]), LookupField) or not sight.doubtful(model)
    return field is None or sight.shows(model, record, field)
