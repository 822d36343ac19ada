"""What is put in when an event is fired: its own input, and values of the record's fields where it proposes any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.proposing import proposable
from engine.catalog.kinds.workflow import Event
from engine.errors import Complaint, InvalidValues
from engine.policy.values import Reader
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.links import LinkResolver


class Inputs:
    """Reads the input of the events of one catalogue."""

    def __init__(self, catalog: Catalog, links: LinkResolver) -> None:
        self._catalog = catalog
        self._links = links

    def read(self, act: Act, model: str, event: Event | None, values: Mapping[str, Any]) -> tuple[Record, Record]:
        """The event's input, typed, and the values of the record's own fields that it proposes; or InvalidValues."""
        if event is None:
            return {}, {}
        reader = self._reader(event, model)
        complaints: list[Complaint] = []
        typed = reader.read(values, complaints)
        self._links.resolve(act, reader, [("", typed)], complaints)
        own = {name: value for name, value in typed.items() if name not in event.input}
        given = {**self.blank(event), **{name: value for name, value in typed.items() if name in event.input}}
        for name, field in event.input.items():
            if field.required and given.get(name) in (None, [], ""):
                complaints.append(Complaint(name, "VALUE_REQUIRED", "a value is required"))
        if complaints:
            raise InvalidValues(complaints=complaints)
        return given, own

    def blank(self, event: Event) -> Record:
        """The event's input with nothing put in."""
        # The event is kept beside what was worked out of it, so that its id cannot come to mean another.
        _, reader = self._catalog.memo(
            ("blank", id(event)), lambda: (event, Reader(event.input, self._catalog.app.timezone))
        )
        return reader.blank()

    def fields(self, model: str, event: Event) -> Mapping[str, Any]:
        """The fields of the record that the event proposes values of."""
        return proposable(event, self._catalog.models[model].fields)

    def _reader(self, event: Event, model: str) -> Reader:
        def made() -> tuple[Event, Reader]:
            own, closed = self.fields(model, event), frozenset[str]()
            if own:
                system = self._catalog.system_fields(model)
                every = self._catalog.fields(model).items()
                closed = frozenset(name for name, field in every if field.read_only or name in system)
            taken = {**own, **event.input}
            return event, Reader(taken, self._catalog.app.timezone, refused=closed - taken.keys())

        _, reader = self._catalog.memo(("input", id(event), model), made)
        return reader
