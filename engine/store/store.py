"""The database seen through one catalogue: everything that reads and writes its records, put together."""

from __future__ import annotations

from engine.catalog.catalog import Catalog
from engine.store.arrivals import Arrivals
from engine.store.cases import Cases
from engine.store.contents import Contents
from engine.store.database import Database
from engine.store.expanding import Expander
from engine.store.features import Features
from engine.store.history import History
from engine.store.jobs import Bell, JobRows
from engine.store.lists import ListEntries
from engine.store.loading import Loader
from engine.store.matching import Matching
from engine.store.query import Query
from engine.store.records import Records
from engine.store.relations import Relations
from engine.store.sequences import Blocks, Sequences
from engine.store.tables import Tables
from engine.store.timers import TimerRows
from engine.store.updating import Updating


class Store:
    """What a service needs of the database. Made once for each catalogue; statements are compiled when first used."""

    def __init__(self, catalog: Catalog, database: Database) -> None:
        dialect = database.engine.dialect
        self.catalog = catalog
        self.database = database
        # Planning a migration needs them too, and making them takes long.
        self.tables = catalog.memo(Tables, lambda: Tables(catalog))
        self.relations = Relations(catalog, self.tables)
        loader = Loader(catalog, self.tables, self.relations, dialect)
        # Kept by the database: what a process has reserved stays its own when the definitions change.
        self.sequences = Sequences(catalog, self.tables, dialect, database.kept(Blocks))
        expander = Expander(catalog, self.tables, loader)
        self.records = Records(catalog, self.tables, loader, expander, self.sequences)
        updating = Updating(catalog, self.tables, self.relations, loader)
        self.query = Query(catalog, loader, expander, updating)
        self.features = Features(catalog, self.tables, self.relations, loader)
        self.history = History(self.tables, loader, self.records)
        self.cases = Cases(self.tables, loader, self.records)
        self.matching = Matching(self.tables, loader, self.records)
        self.lists = ListEntries(self.tables, database)
        self.arrivals = Arrivals(self.tables, loader, self.records)
        self.contents = Contents(self.tables, loader)
        self.timers = TimerRows(self.tables, loader, self.records)
        self.jobs = JobRows(self.tables, loader, self.records, database.kept(Bell))
