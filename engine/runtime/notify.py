"""News on its way: a message becomes one delivery for each way out and each who gets it; a delivery is sent.

A delivery holds the text as it was written, so that every attempt sends the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.fields.text import EmailField
from engine.ports import Connector, Job, Message, Outcome, Record
from engine.registry import Registry
from engine.runtime.messages import Shown, Writer
from engine.runtime.service import SYSTEM, Service
from engine.store.keys import new_key
from engine.store.tables import PARENT
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

USER = "user"


class Undeliverable(EngineError):
    """News that names what is not there (any more). Trying again will not help."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets it: an address, as far as there is one, and the language to write in."""

    address: str | None
    language: str


class Spread:
    """The handler of queue ``message``: writes the texts, and a delivery for each."""

    def __init__(self, engine: Engine, ways: Registry[Connector]) -> None:
        self._engine = engine
        self._ways = ways

    def perform(self, job: Job) -> Outcome:
        """The deliveries, as data."""
        service = self._engine.service
        try:
            deliveries = self._engine.database.read(lambda tx: list(self._deliveries(service, tx, job)))
        except EngineError as error:
            return Outcome("failed", str(error))
        return Outcome("done", data={"deliveries": deliveries})

    def record(self, tx: Transaction, job: Job, outcome: Outcome) -> None:
        """Queues the deliveries."""
        moment = self._engine.clock.now()
        self._engine.service.store.jobs.add(
            tx,
            [
                {"id": new_key(moment), "queue": delivery["way"], "payload": delivery, "due_at": moment}
                for delivery in outcome.data.get("deliveries", ())
            ],
        )

    def _deliveries(self, service: Service, tx: Transaction, job: Job) -> Iterator[dict[str, Any]]:
        catalog, payload = service.catalog, job.payload
        message = catalog.messages.get(payload["message"])
        if message is None:
            raise Undeliverable(f"there is no message {payload['message']} any more")
        writer = catalog.memo(Writer, lambda: Writer(catalog))
        model, key = payload["model"], payload["record"]
        record = _find(service, tx, model, key) if key is not None else None
        for way in message.by:
            if way not in self._ways:
                raise Undeliverable(f"there is no way {way!r} for messages; {self._ways.suggest(way) or ''}")
            for recipient in self._recipients(service, tx, payload["to"]):
                names = self._names(service, tx, job, record, recipient.language, masked=way == "log")
                subject, text = writer.write(message, recipient.language, names)
                yield {
                    "way": way,
                    "message": message.message,
                    "model": model,
                    "record": key,
                    "to": recipient.address,
                    "subject": subject,
                    "body": text,
                }

    def _names(
        self, service: Service, tx: Transaction, job: Job, record: Record | None, language: str, *, masked: bool
    ) -> dict[str, Any]:
        """What the template may name. The moment is that of the act which has sent the message."""
        catalog, payload = service.catalog, job.payload
        moment, zone = job.due_at, ZoneInfo(catalog.app.timezone)
        actor = _find(service, tx, USER, payload["user"]) if payload["user"] is not None else SYSTEM.facts
        names: dict[str, Any] = {
            "user": Shown(catalog, USER, actor, masked=masked),
            "now": moment,
            "today": moment.astimezone(zone).date(),
            "timezone": catalog.app.timezone,
            "language": language,
            "data": payload["data"],
        }
        if record is not None:
            shown = Shown(catalog, payload["model"], record, masked=masked)
            names["record"] = names[payload["model"]] = shown
        return names

    def _recipients(self, service: Service, tx: Transaction, to: Mapping[str, Any] | None) -> list[Recipient]:
        """Who gets it; where nobody is named, or nobody has the role, one recipient without an address."""
        catalog = service.catalog
        if to is None:
            return [Recipient(None, catalog.app.languages[0])]
        if "address" in to:
            return [Recipient(to["address"], catalog.app.languages[0])]
        if "role" in to:
            found = _with_role(service, tx, to["role"])
            return [_reached(catalog, USER, user) for user in found] or [Recipient(None, catalog.app.languages[0])]
        return [_reached(catalog, to["model"], _find(service, tx, to["model"], to["id"]))]


class Delivery:
    """The handler of the queue of one way out: sends, and tells the record's log."""

    def __init__(self, engine: Engine, way: str, connector: Connector) -> None:
        self._engine = engine
        self._way = way
        self._connector = connector

    def perform(self, job: Job) -> Outcome:
        """What became of it. The job's id is the same in every attempt, and so the key that the other side sees."""
        payload = job.payload
        return self._connector.send(
            Message(
                key=job.id,
                name=payload["message"],
                to=payload["to"],
                subject=payload["subject"],
                body=payload["body"],
                data={"model": payload["model"], "record": payload["record"]},
            )
        )

    def record(self, tx: Transaction, job: Job, outcome: Outcome) -> None:
        """Enters what was sent, or never will be, in the event log of the record that it is about."""
        payload = job.payload
        if outcome.result == "retry" or payload["record"] is None:
            return
        moment = self._engine.clock.now()
        entry = {
            "id": new_key(moment),
            "at": moment,
            "actor": None,
            "actor_name": SYSTEM.login,
            "ip": None,
            "channel": None,
            "model": payload["model"],
            "record": payload["record"],
            "name": payload["message"],
            "from_state": None,
            "to_state": None,
            "input": {"way": self._way, "to": payload["to"], "result": outcome.result, "detail": outcome.detail},
        }
        self._engine.service.store.history.events(tx, [entry])


def _find(service: Service, tx: Transaction, model: str, key: str) -> Record:
    """The record, also one that is in the trash by now. Raises Undeliverable."""
    if model not in service.catalog.models:
        raise Undeliverable(f"there is no model {model} any more")
    for trashed in (False, True):
        if found := service.store.records.load(tx, model, [key], trashed=trashed):
            return found[0]
    raise Undeliverable(f"there is no {model} {key} any more")


def _with_role(service: Service, tx: Transaction, role: str) -> list[Record]:
    """The users who have the role, and may log in."""
    rows = service.store.tables.rows(USER, ("roles",))
    having = tx.core(select(rows.c[PARENT]).where(rows.c["role"] == role).distinct())
    users = service.store.records.load(tx, USER, sorted(row[PARENT] for row in having))
    return [user for user in users if user["active"] is not False]


def _reached(catalog: Catalog, model: str, record: Record) -> Recipient:
    """A record as a recipient: its first e-mail field, and its language if it has one that the application speaks."""
    fields = catalog.fields(model)
    address = next((name for name, field in fields.items() if isinstance(field, EmailField)), None)
    language = record["language"] if "language" in fields else None
    languages = catalog.app.languages
    return Recipient(record[address] if address else None, language if language in languages else languages[0])
