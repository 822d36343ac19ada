"""SQLite: one thread writes, whoever waits shares its commit; readers have connections of their own.

A commit waits for the disk. So the writer takes all works that wait, runs each inside a savepoint (one that fails
undoes only itself), commits once, and only then resolves their futures.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, LifoQueue, SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event

from engine.expressions.functions.function import Functions
from engine.expressions.sqlite import register_functions
from engine.store.faults import DatabaseError, UniqueViolation
from engine.store.inserting import Insert
from engine.store.statement import Statement
from engine.store.transaction import Callback, Transaction, Work, call_back, driver_connection

T = TypeVar("T")
_log = logging.getLogger(__name__)

#: How many works one commit may carry: so many that the disk no longer counts, so few that the first waits not long.
LARGEST_GROUP = 256
#: Where a statement's text is compiled once, SQLite's plan for it shall be kept as well (Python's default is 128).
CACHED_STATEMENTS = 1_000
#: Other processes may hold the only lock that writers have; their commits take milliseconds.
BUSY_SECONDS = 30
#: In kB, for each connection.
PAGE_CACHE = 64_000


class SqliteTransaction(Transaction):
    """Each statement is answered at once, so nothing is ever unsettled."""

    def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        try:
            self._cursor.executemany(statement.text, statement.bind_all(rows))
        except sqlite3.IntegrityError as error:
            raise self._explained(error) from error

    def insert(self, insert: Insert, rows: Sequence[Sequence[Any]]) -> None:
        try:
            self._cursor.executemany(insert.text, rows)
        except sqlite3.IntegrityError as error:
            raise self._explained(error) from error

    def _execute(self, text: str, values: Sequence[Any]) -> None:
        try:
            self._cursor.execute(text, values)
        except sqlite3.IntegrityError as error:
            raise self._explained(error) from error

    def _command(self, text: str) -> None:
        self._cursor.execute(text)

    def _explained(self, error: BaseException) -> BaseException:
        prefix, _, columns = str(error).partition("UNIQUE constraint failed: ")
        if prefix or not columns:
            return error
        names = [column.rpartition(".") for column in columns.split(", ")]
        return UniqueViolation(names[0][0], tuple(name for _, _, name in names))


class _Session:
    """A connection to the file: SQLAlchemy's, and the driver's own below it. Used by one thread at a time."""

    def __init__(self, engine: Engine, *, read_only: bool) -> None:
        # Transactions are begun and ended on the driver's connection, which costs a tenth of SQLAlchemy's way.
        self.connection: Connection = engine.connect().execution_options(begun_by_driver=True)
        self.driver: sqlite3.Connection = driver_connection(self.connection)
        self.cursor = self.driver.cursor()
        if read_only:
            self.cursor.execute("PRAGMA query_only = ON")

    def end(self, command: str) -> None:
        """Ends the transaction, if it has not been lost."""
        if self.driver.in_transaction:
            self.cursor.execute(command)
        if self.connection.in_transaction():
            self.connection.rollback()  # only SQLAlchemy's own bookkeeping: the driver has nothing open any more

    def close(self) -> None:
        self.connection.close()


class _Waiting(Generic[T]):
    """A work, and the future of its answer."""

    def __init__(self, work: Work[T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.result: T
        self.error: BaseException | None = None
        self.callbacks: list[Callback] = []

    def resolve(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _TransactionLost(Exception):
    """SQLite has rolled back everything (the disk is full, an I/O error), whoever's fault it was."""


class SqliteBackend:
    """A database file. ``durable=False`` does without waiting for the disk: for tests and scratch databases."""

    dialect = "sqlite"

    def __init__(self, url: URL, functions: Functions, *, durable: bool = True) -> None:
        if not url.database or url.database == ":memory:":
            raise DatabaseError("an SQLite database needs a file: several connections share it")
        self.engine = _engine(url, functions, durable)
        self._readers: LifoQueue[_Session] = LifoQueue()
        self._works: SimpleQueue[_Waiting[Any] | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        try:
            self._session = _Session(self.engine, read_only=False)
        except Exception as error:
            raise DatabaseError(f"{url.render_as_string()} cannot be opened: {error}") from error
        self._writer = Thread(target=self._write_all, name="sqlite-writer", daemon=True)
        self._writer.start()

    def write(self, work: Work[T]) -> Future[T]:
        waiting = _Waiting(work)
        with self._closing:
            if self._closed:
                raise DatabaseError("the database is closed")
            self._works.put(waiting)
        return waiting.future

    def read(self, work: Work[T]) -> T:
        with self._reader() as session:
            session.cursor.execute("BEGIN")
            transaction = SqliteTransaction(self, session.connection, session.cursor)
            try:
                return work(transaction)
            finally:
                transaction.end()
                session.end("ROLLBACK")

    def apart(self, work: Work[T]) -> T:
        raise DatabaseError("SQLite has one writer: there is no second transaction beside it")

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._works.put(None)
        self._writer.join()
        while not self._readers.empty():
            self._readers.get_nowait().close()
        self.engine.dispose()

    @contextmanager
    def _reader(self) -> Iterator[_Session]:
        try:
            session = self._readers.get_nowait()
        except Empty:
            session = _Session(self.engine, read_only=True)
        try:
            yield session
        finally:
            if self._closed:
                session.close()
            else:
                self._readers.put(session)

    # The writer's thread ---------------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        open_ = True
        while open_:
            group: list[_Waiting[Any]] = []
            waiting = self._works.get()
            while waiting is not None:
                if waiting.future.set_running_or_notify_cancel():
                    group.append(waiting)
                if len(group) == LARGEST_GROUP:
                    break
                try:
                    waiting = self._works.get_nowait()
                except Empty:
                    break
            open_ = waiting is not None
            if group:
                self._write_group(group)
        self._session.close()

    def _write_group(self, group: list[_Waiting[Any]]) -> None:
        """Runs the works in one transaction and resolves their futures. Never raises."""
        try:
            self._session.cursor.execute("BEGIN IMMEDIATE")
            if len(group) == 1:
                self._run(group[0])
            else:
                for waiting in group:
                    self._run_in_savepoint(waiting)
        except _TransactionLost:
            self._session.end("ROLLBACK")
            if len(group) > 1:
                # One of them broke it for all: each runs again, in a transaction of its own.
                for waiting in group:
                    self._write_group([waiting])
                return
        except BaseException as error:  # noqa: BLE001 - the futures carry it on; the thread must live
            self._fail(group, error)
            return
        try:
            self._session.end("ROLLBACK" if len(group) == 1 and group[0].error else "COMMIT")
        except BaseException as error:  # noqa: BLE001 - as above
            # What a failed COMMIT leaves on the disk is not known, so nothing is run again.
            self._fail(group, error)
            return
        for waiting in group:
            if waiting.error is None:
                call_back(waiting.callbacks)
        for waiting in group:
            waiting.resolve()

    def _run(self, waiting: _Waiting[Any]) -> None:
        """Runs a work; what it raises is kept for its future. Raises _TransactionLost where the others are lost too."""
        transaction = SqliteTransaction(self, self._session.connection, self._session.cursor)
        waiting.error = None
        try:
            waiting.result = waiting.work(transaction)
        except BaseException as error:  # noqa: BLE001 - the future carries it on
            waiting.error = error
        waiting.callbacks = transaction.end()
        if not self._session.driver.in_transaction:
            waiting.error = waiting.error or DatabaseError("the work ended the transaction that it was given")
            raise _TransactionLost

    def _run_in_savepoint(self, waiting: _Waiting[Any]) -> None:
        cursor = self._session.cursor
        cursor.execute("SAVEPOINT work")
        self._run(waiting)
        if waiting.error is not None:
            cursor.execute("ROLLBACK TO SAVEPOINT work")
        cursor.execute("RELEASE SAVEPOINT work")

    def _fail(self, group: list[_Waiting[Any]], error: BaseException) -> None:
        try:
            self._session.end("ROLLBACK")
        except sqlite3.Error:
            _log.exception("a rollback failed")
        for waiting in group:
            waiting.error = waiting.error or error
            waiting.resolve()


def _engine(url: URL, functions: Functions, durable: bool) -> Engine:
    """SQLAlchemy's engine for the file: its connections wait for each other, and transactions begin as writers."""
    # max_overflow: a reader holds its connection for good, so the pool must not count them.
    arguments = {"cached_statements": CACHED_STATEMENTS, "timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def prepare(driver: sqlite3.Connection, _record: Any) -> None:
        driver.isolation_level = None  # else the driver begins transactions by itself, at other times
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {'FULL' if durable else 'OFF'}",
            f"busy_timeout = {BUSY_SECONDS * 1000}",
            "foreign_keys = ON",
            f"cache_size = -{PAGE_CACHE}",
        ):
            driver.execute(f"PRAGMA {pragma}")
        register_functions(driver, functions)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads first and writes later could not wait for its turn, it would fail.
        if not connection.get_execution_options().get("begun_by_driver"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
