"""A database for tests of definitions: made once with all its tables, emptied for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import inspect

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.expressions.postgres import install_functions
from engine.store.database import Database
from engine.store.sequences import Blocks
from engine.store.store import Store


class NotEmpty(EngineError):
    """The database has tables already. Tests would destroy what is in them."""


class Scratch:
    """An open database with the tables of one catalogue, and nothing in them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.database = store.database

    def empty(self) -> None:
        """Removes all rows of all tables, and starts all sequences anew."""
        with self.database.engine.begin() as connection:
            for table in reversed(self.store.tables.metadata.sorted_tables):
                connection.execute(table.delete())
        self.database.kept(Blocks).forget()


@contextmanager
def scratch(catalog: Catalog, url: str | None = None) -> Iterator[Scratch]:
    """A scratch database, gone when the context ends: a file of SQLite, or the empty database at the URL."""
    with ExitStack() as stack:
        if url is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="orderloom-test-"))
            url = f"sqlite:///{Path(folder, 'scratch.db')}"
        database = Database.open(url, durable=False)
        stack.callback(database.close)
        if inspect(database.engine).get_table_names():
            raise NotEmpty("this database has tables already; tests need an empty one, for they delete what they find")
        store = Store(catalog, database)
        with database.engine.begin() as connection:
            if database.dialect == "postgresql":
                install_functions(connection)
            store.tables.metadata.create_all(connection)
        stack.callback(store.tables.metadata.drop_all, database.engine)
        yield Scratch(store)
