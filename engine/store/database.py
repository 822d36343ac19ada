"""The database: opened by its URL, written by works in transactions, read by works on snapshots."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.expressions.builtins import BUILTINS
from engine.expressions.functions.function import Functions
from engine.registry import Registry
from engine.store.faults import DatabaseError
from engine.store.sqlite import SqliteBackend
from engine.store.transaction import Backend, Transaction, Work

__all__ = ["Database", "Transaction"]

T = TypeVar("T")
K = TypeVar("K")

_BUILTINS = Registry("functions", ((function.name, function) for function in BUILTINS))


class Database:
    """An open database. Threads share it; processes open their own.

    ``engine`` is SQLAlchemy's, for migrations and for libraries that bring tables of their own.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[Any, Any] = {}
        self._lock = Lock()
        self.dialect = backend.dialect
        self.engine = backend.engine

    @classmethod
    def open(cls, url: str, *, functions: Functions = _BUILTINS, durable: bool = True) -> Database:
        """The database at an SQLAlchemy URL (``sqlite:///file.db``, ``postgresql://…``). Raises DatabaseError.

        ``functions`` are those of expressions: SQLite asks us for them. ``durable=False`` does not wait for the disk on
        SQLite, for tests and scratch databases.
        """
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise DatabaseError(f"not the URL of a database: {error}") from error
        match parsed.get_backend_name():
            case "sqlite":
                return cls(SqliteBackend(parsed, functions, durable=durable))
            case "postgresql":
                return cls(_postgres(parsed))
            case other:
                raise DatabaseError(f"there is no backend for {other!r}; use sqlite or postgresql")

    def write(self, work: Work[T]) -> Future[T]:
        """What the work returns, once its transaction is committed. If it raises, nothing of it is kept."""
        return self._backend.write(work)

    def trial(self, work: Work[T]) -> T:
        """What the work returns in a transaction that is undone: it sees what it writes, and nothing of that is
        kept."""

        def tried(tx: Transaction) -> None:
            tx.trial = True
            result = work(tx)
            tx.settle()
            raise _Tried(result)

        try:
            self._backend.write(tried).result()
        except _Tried as ended:
            found: T = ended.result
            return found
        raise RuntimeError("a trial was committed")

    def read(self, work: Work[T]) -> T:
        """What the work returns, in the caller's thread, on one snapshot of the database that it cannot change."""
        return self._backend.read(work)

    def apart(self, work: Work[T]) -> T:
        """What the work returns, in a short transaction beside the caller's own that is committed at once."""
        return self._backend.apart(work)

    def kept(self, kind: Callable[[], K]) -> K:
        """The one value of its kind that lives as long as this database is open: made when first asked for."""
        with self._lock:
            if kind not in self._kept:
                self._kept[kind] = kind()
            found: K = self._kept[kind]
        return found

    def close(self) -> None:
        """Finishes the works that wait, then closes all connections. A work that comes later is refused."""
        self._backend.close()


class _Tried(Exception):
    """Keeps a trial from being committed; it tells of no mistake."""

    def __init__(self, result: Any) -> None:
        self.result = result
        super().__init__("a trial")


def _postgres(url: URL) -> Backend:
    """The backend of PostgreSQL. Its driver is an extra, and takes its time to import."""
    try:
        backend: Backend = import_module("engine.store.postgres").PostgresBackend(url)
    except ModuleNotFoundError as error:
        raise DatabaseError(f"PostgreSQL needs {error.name}: install orderloom[postgres]") from error
    return backend
