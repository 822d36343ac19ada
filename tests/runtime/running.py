"""An application made of a text, on a database of the test's own: what the tests of the runtime work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.actors import actor_of
from engine.runtime.clock import SetClock
from engine.runtime.reading import Reading
from engine.runtime.service import SYSTEM, Service
from engine.store.database import Database
from engine.store.store import Store
from engine.store.transaction import Transaction
from tests.databases import fill

T = TypeVar("T")

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@lru_cache(8)
def catalog_of(text: str) -> Catalog:
    """The definitions of one file, read once for all tests that use the same."""
    return build_texts({"definitions/app.yaml": text})


class Running:
    """The definitions at work. ``role`` acts with one role and no user behind it."""

    def __init__(self, text: str, url: str) -> None:
        self.catalog = catalog_of(text)
        fill(url, self.catalog.fingerprint, self._create_tables)
        self.database = Database.open(url, durable=False)
        self.store = Store(self.catalog, self.database)
        self.clock = SetClock(START)
        self.service = Service(self.catalog, self.store, self.clock, lambda _tx, _fingerprint: self.catalog)
        self.reading = Reading(self.service)

    def _create_tables(self, url: str) -> None:
        database = Database.open(url, durable=False)
        Store(self.catalog, database).tables.metadata.create_all(database.engine)
        database.close()

    def write(self, work: Any) -> Any:
        return self.database.write(work).result()

    def user(self, login: str, *roles: str) -> Actor:
        values = {"login": login, "name": login, "roles": [{"role": role} for role in roles]}
        made = self.write(lambda tx: self.service.create(tx, SYSTEM, "user", values))
        return self.database.read(lambda tx: actor_of(self.service, tx, made["id"]))

    def create(self, model: str, values: Mapping[str, Any], actor: Actor = SYSTEM) -> Record:
        made: Record = self.write(lambda tx: self.service.create(tx, actor, model, values))
        return made

    def update(self, model: str, key: str, values: Mapping[str, Any], actor: Actor = SYSTEM, **more: Any) -> Record:
        made: Record = self.write(lambda tx: self.service.update(tx, actor, model, key, values, **more))
        return made

    def fire(
        self, model: str, key: str, event: str, actor: Actor = SYSTEM, put_in: Mapping[str, Any] | None = None
    ) -> Record:
        made: Record = self.write(lambda tx: self.service.fire(tx, actor, model, key, event, put_in))
        return made

    def get(self, model: str, key: str, actor: Actor = SYSTEM, *expand: str) -> Record:
        return self.database.read(lambda tx: self.reading.get(tx, actor, model, key, expand=expand))

    def read(self, work: Any) -> Any:
        return self.database.read(work)

    def all(self, model: str, actor: Actor = SYSTEM, **how: Any) -> list[Record]:
        def work(tx: Transaction) -> list[Record]:
            return self.reading.page(tx, actor, model, **how).records

        return self.database.read(work)

    def timeline(self, model: str, key: str, actor: Actor = SYSTEM) -> list[Any]:
        return self.database.read(lambda tx: self.reading.timeline(tx, actor, model, key))


def from_address(actor: Actor, ip: str) -> Actor:
    """The same actor at another address."""
    return replace(actor, ip=ip)
