"""Connections for the runner of jobs, which has its own: no request waits for them.

On PostgreSQL its tables stand in the same database, in a schema of their own. SQLite knows no schemas, and lets one
transaction write at a time; there they stand in a file beside the database, so that neither names nor locks meet.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

#: Milliseconds that a connection waits for the lock of another process.
BUSY = 30_000


def job_url(url: URL) -> URL:
    """Where the runner's tables stand, for an application's database."""
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    file = Path(str(url.database))
    return url.set(database=str(file.with_name(f"{file.stem}.jobs{file.suffix}")))


def job_pool(url: URL, size: int) -> Engine:
    """So many connections and no more, so that a lack of them is noticed."""
    engine = create_engine(job_url(url), pool_size=size, max_overflow=0, pool_timeout=30, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
    return engine


def _prepare(driver: sqlite3.Connection, _record: Any) -> None:
    # IMMEDIATE: the lock is taken with the first write of a transaction, not halfway through one that has read already.
    driver.isolation_level = "IMMEDIATE"
    # NORMAL: a process that dies loses nothing. A machine that loses its power may lose the last moments of this file;
    # the jobs themselves stand in the database, and those that are missed here are tried again.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"busy_timeout = {BUSY}", "foreign_keys = ON"):
        driver.execute(f"PRAGMA {pragma}")
