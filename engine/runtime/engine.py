"""The running application: definitions, database and clock, put together. Everything outside the engine holds one of
these and asks it for the service of the present catalogue.

Which definitions are in force stands in the database, and all processes follow that. The files come into force by
themselves where that only adds to the database; anything else waits until somebody has seen the plan and applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from engine.catalog.builder import build_texts, without_collector
from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder
from engine.errors import DefinitionError, EngineError
from engine.ports import Clock
from engine.runtime.backfill import work_out_old_records
from engine.runtime.clock import SystemClock
from engine.runtime.masters import write_masters
from engine.runtime.reading import Reading
from engine.runtime.service import Service
from engine.store.database import Database
from engine.store.migrate.apply import Applied, NotAdditive, apply, apply_additions, quiet
from engine.store.migrate.operations import Progress
from engine.store.migrate.plan import Plan, plan
from engine.store.snapshots import Snapshots
from engine.store.store import Store
from engine.store.tables import Path
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
        # Stands for this engine where a catalogue that several share keeps things: an id might come to mean another.
        self._identity = object()
        holder.before(self._make_ready)

    # The present definitions ----------------------------------------------------------------------------------------

    @property
    def catalog(self) -> Catalog:
        """The present definitions. Take it once for each request: it may be another one the next time."""
        return self.holder.current

    @property
    def service(self) -> Service:
        """The acts of the present definitions."""
        return self._service_of(self.catalog)

    @property
    def reading(self) -> Reading:
        """The reading side of the present definitions."""
        catalog = self.catalog
        return catalog.memo((Reading, self._identity), lambda: Reading(self._service_of(catalog)))

    def _service_of(self, catalog: Catalog) -> Service:
        def make() -> Service:
            return Service(catalog, Store(catalog, self.database), self.clock, self.catalog_at)

        return catalog.memo((Service, self._identity), make)

    def catalog_at(self, tx: Transaction, fingerprint: str) -> Catalog:
        """The definitions as they were applied under that fingerprint: what a pinned case goes by."""
        if fingerprint == self.catalog.fingerprint:
            return self.catalog
        found = self._past.get(fingerprint)
        if found is None:
            sources = self.snapshots.sources(tx, fingerprint)
            if sources is None:
                raise EngineError(f"the definitions {fingerprint[:12]} were never applied to this database")
            # They keep their name, though another release of the engine would give them another.
            found = self._past[fingerprint] = replace(build_texts(sources), fingerprint=fingerprint)
        return found

    # What is in force -----------------------------------------------------------------------------------------------

    def prepare(self, progress: Progress = quiet) -> None:
        """Brings the definitions of the files into force, if that only adds to the database. If not, those in force
        serve, and ``holder.refused`` says what waits; NotAdditive where none are in force that could serve."""
        try:
            self._bring_into_force(self.catalog, None, progress)
        except NotAdditive as waits:
            files = self.catalog
            try:
                there = self.follow()
            except DefinitionError:
                there = False  # written for another release of the engine
            if not there:
                raise
            self.holder.refuse(files, waits)

    def follow(self) -> bool:
        """Whether other definitions serve now, because another process has applied them."""
        return self.holder.take(self._newest)

    def _newest(self, current: Catalog) -> Catalog | None:
        """The definitions in force, if they are not the current ones."""

        def read(tx: Transaction) -> Catalog | None:
            newest = self.snapshots.newest(tx)
            return None if newest in (None, current.fingerprint) else self.catalog_at(tx, newest)

        found = self.database.read(read)
        if found is not None:
            self._work_out_plans(found)
        return found

    def plan(self) -> Plan:
        """What applying the definitions of the files would do."""
        return plan(self.database, self.catalog)

    def apply(self, found: Plan, *, actor: str | None, allow_loss: bool = False, progress: Progress = quiet) -> Applied:
        """What was done to bring the definitions of the files into force. Raises as ``engine.store.migrate.apply``."""
        done = apply(
            self.database,
            found,
            self.catalog,
            at=self.clock.now(),
            actor=actor,
            work_out=self._work_out,
            allow_loss=allow_loss,
            progress=progress,
        )
        self._write_masters(self.catalog)
        return done

    def _make_ready(self, old: Catalog, fresh: Catalog) -> None:
        """Before the definitions of changed files serve: they come into force."""
        with without_collector():
            self._bring_into_force(fresh, old, quiet)
            self._work_out_plans(fresh)

    def _work_out_plans(self, catalog: Catalog) -> None:
        """So that the first requests to new definitions are as fast as all others."""
        for model in catalog.models:
            self._service_of(catalog).plan(model)

    def _bring_into_force(self, catalog: Catalog, present: Catalog | None, progress: Progress) -> None:
        # Most starts find everything done, and need no writer for that.
        if present is not None or plan(self.database, catalog).changes:
            apply_additions(
                self.database,
                catalog,
                at=self.clock.now(),
                work_out=self._work_out,
                present=present,
                progress=progress,
            )
        self._write_masters(catalog)

    def _work_out(
        self, tx: Transaction, catalog: Catalog, model: str, fields: Sequence[tuple[Path, str]], progress: Progress
    ) -> None:
        work_out_old_records(self._service_of(catalog), tx, model, fields, progress)

    def _write_masters(self, catalog: Catalog) -> None:
        service = self._service_of(catalog)
        self.write(lambda tx: write_masters(tx, service))

    def write(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, committed. For commands and tests; servers await ``database.write`` instead."""
        return self.database.write(work).result()
