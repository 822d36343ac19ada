"""The running application: definitions, database, clock and jobs, put together. Everything outside the engine holds one of
these and asks it for the service of the present catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder
from engine.errors import EngineError
from engine.ports import Clock
from engine.runtime.clock import SystemClock
from engine.runtime.masters import write_masters
from engine.runtime.reading import Reading
from engine.runtime.service import Service
from engine.store.database import Database
from engine.store.snapshots import Snapshots
from engine.store.store import Store
from engine.store.transaction import Transaction

T = TypeVar("T")


class Engine:
    """One application on one database. Threads share it."""

    def __init__(self, holder: CatalogHolder, database: Database, clock: Clock | None = None) -> None:
        self.holder = holder
        self.database = database
        self.clock: Clock = clock or SystemClock()
        self.snapshots = Snapshots(database)
        self._past: dict[str, Catalog] = {}

    @property
    def catalog(self) -> Catalog:
        """The present definitions. Take it once for each request: it may be another one the next time."""
        return self.holder.current

    @property
    def service(self) -> Service:
        """The acts of the present definitions."""
        catalog = self.catalog
        return catalog.memo((Service, id(self)), lambda: self._service(catalog))

    @property
    def reading(self) -> Reading:
        """The reading side of the present definitions."""
        catalog = self.catalog
        return catalog.memo((Reading, id(self)), lambda: Reading(self.service))

    def _service(self, catalog: Catalog) -> Service:
        store = Store(catalog, self.database)
        return Service(catalog, store, self.clock, self.catalog_at)

    def catalog_at(self, tx: Transaction, fingerprint: str) -> Catalog:
        """The definitions as they were applied under that fingerprint: what a pinned case goes by."""
        if fingerprint == self.catalog.fingerprint:
            return self.catalog
        found = self._past.get(fingerprint)
        if found is None:
            sources = self.snapshots.sources(tx, fingerprint)
            if sources is None:
                raise EngineError(f"the definitions {fingerprint[:12]} were never applied to this database")
            found = self._past[fingerprint] = build_texts(sources)
        return found

    def prepare(self) -> None:
        """Makes the database fit the definitions, and writes the records that stand for channels and roles."""
        self.service.store.tables.metadata.create_all(self.database.engine)
        self.write(lambda tx: write_masters(tx, self.service))

    def write(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, committed. For commands and tests; servers await ``database.write`` instead."""
        return self.database.write(work).result()
