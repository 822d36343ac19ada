"""The event that an address names."""

from __future__ import annotations

from engine.catalog.kinds.workflow import Event
from engine.errors import NotFound
from engine.ports import Record
from engine.store.database import Transaction
from engine.web.pages.visit import Visit


def offered(visit: Visit, tx: Transaction, record: Record) -> Event:
    """The event of the record's state that the address names. NotFound where the state does not know it."""
    name = visit.request.path_params["event"]
    for offer in visit.reading.offers(tx, visit.actor, visit.model, record):
        if offer.name == name:
            return offer.event
    raise NotFound(f"the event {name} is not possible in this state")


def proposable_by(visit: Visit, tx: Transaction, event: Event, record: Record) -> frozenset[str]:
    """The fields of the record that this reader may propose values of by the event."""
    rights, names = visit.service.rights, visit.names(tx, visit.model, record, event.name)
    return frozenset(
        name
        for name in visit.service.inputs.fields(visit.model, event)
        if rights.may_propose(visit.actor, visit.model, record, [name], names)
    )
