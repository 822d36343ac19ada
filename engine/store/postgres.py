"""PostgreSQL: a few threads write, each on a connection of its own, and retry what the server asks to retry.

Transactions are READ COMMITTED. The statements of one go out in a pipeline: what nobody waits for costs no round trip.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from queue import Empty, LifoQueue, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, CursorResult, create_engine
from sqlalchemy.sql.expression import Executable

from engine.store.faults import DatabaseError, UnfitValue, UniqueViolation
from engine.store.inserting import Insert
from engine.store.statement import Statement
from engine.store.transaction import Callback, Transaction, Work, call_back, driver_connection

T = TypeVar("T")
_log = logging.getLogger(__name__)

#: Serialization failure and deadlock: the same work may well succeed a moment later.
RETRIED = {"40001", "40P01"}
ATTEMPTS = 6
#: Statements that a connection keeps planned. psycopg plans a text after the fifth time and keeps 100 by default.
PREPARED = 1_000
#: Works that run at the same time: more of them only fight over the interpreter.
WRITERS = 4


class PostgresTransaction(Transaction):
    """Statements go out as they come; an answer is awaited only where somebody needs it."""

    def __init__(self, database: PostgresBackend, session: _Session) -> None:
        super().__init__(database, session.connection, session.cursor)
        self._session = session

    def run(self, statement: Statement, values: Sequence[Any] = ()) -> int:
        self._execute(*statement.prepare(values))
        self.settle()  # only then the count is known
        return int(self._cursor.rowcount)

    def rows(self, statement: Statement, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return super().rows(statement, values)
        except psycopg.IntegrityError as error:
            raise self._explained(error) from error
        except psycopg.DataError as error:  # the driver's own, such as for a NUL, and the server's
            raise UnfitValue(str(error)) from error

    def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        self._session.enter_pipeline()
        self._cursor.executemany(statement.text, statement.bind_all(rows))

    def insert(self, insert: Insert, rows: Sequence[Sequence[Any]]) -> None:
        self._execute(insert.text, (insert.parameter(rows),))

    def alone(self, with_: str) -> bool:
        # Two texts of one hash wait for each other without need, and that is all.
        self._execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (with_,))
        return True

    def settle(self) -> None:
        try:
            self._session.sync()
        except psycopg.IntegrityError as error:
            raise self._explained(error) from error

    def _core(self, clause: Executable, binds: Mapping[str, Any] | None) -> CursorResult[Any]:
        self._session.leave_pipeline()  # SQLAlchemy looks at each answer at once
        return super()._core(clause, binds)

    def connection(self) -> Connection:
        self._session.leave_pipeline()
        return self._connection

    def _execute(self, text: str, values: Sequence[Any]) -> None:
        self._session.enter_pipeline()
        try:
            self._cursor.execute(text, values)
        except psycopg.IntegrityError as error:
            raise self._explained(error) from error

    def _command(self, text: str) -> None:
        self._session.leave_pipeline()
        self._cursor.execute(text)

    def _undo_part(self) -> None:
        # A pipeline with a broken statement in it reports that once more when it is left.
        self._session.abandon_pipeline()
        super()._undo_part()

    def _explained(self, error: BaseException) -> BaseException:
        if isinstance(error, psycopg.errors.UniqueViolation):
            return UniqueViolation(error.diag.table_name or "", index=error.diag.constraint_name)
        return error


class _Session:
    """A connection: SQLAlchemy's, and psycopg's below it. Used by one thread at a time."""

    def __init__(self, connection: Connection, *, read_only: bool) -> None:
        self.connection = connection
        self.driver: psycopg.Connection[Any] = driver_connection(connection)
        self.driver.prepared_max = PREPARED
        if read_only:
            self.driver.read_only = True
            self.driver.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # one snapshot for all statements
        self.cursor = self.driver.cursor()
        self._pipeline: ExitStack | None = None

    def enter_pipeline(self) -> None:
        if self._pipeline is None:
            self._pipeline = ExitStack()
            self._pipe = self._pipeline.enter_context(self.driver.pipeline())

    def leave_pipeline(self) -> None:
        if self._pipeline is not None:
            pipeline, self._pipeline = self._pipeline, None
            pipeline.close()

    def abandon_pipeline(self) -> None:
        try:
            self.leave_pipeline()
        except psycopg.Error:
            _log.debug("left a broken pipeline", exc_info=True)

    def sync(self) -> None:
        if self._pipeline is not None:
            self._pipe.sync()

    def commit(self) -> None:
        self.leave_pipeline()
        self.driver.commit()
        self._forget()

    def rollback(self) -> None:
        self.abandon_pipeline()
        if not self.driver.closed:
            self.driver.rollback()
        self._forget()

    def close(self) -> None:
        self.connection.close()

    def _forget(self) -> None:
        if self.connection.in_transaction():
            self.connection.rollback()  # only SQLAlchemy's own bookkeeping: the driver has nothing open any more


class PostgresBackend:
    """A database on a server. ``writers`` is how many works may run at the same time."""

    dialect = "postgresql"

    def __init__(self, url: URL, *, writers: int = WRITERS) -> None:
        # paramstyle: positional, so that a text compiled once takes plain tuples.
        # max_overflow: sessions hold their connections for good, so the pool must not count them.
        # options: moments come back in the zone in which they are compared and shown in logs, whatever the server's is.
        self.engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            paramstyle="format",
            max_overflow=-1,
            connect_args={"options": f"{url.query.get('options', '')} -c timezone=UTC".strip()},
        )
        self._readers: LifoQueue[_Session] = LifoQueue()
        self._writers: LifoQueue[_Session] = LifoQueue()
        self._works: SimpleQueue[tuple[Work[Any], Future[Any]] | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        try:
            self._writers.put(self._connect(read_only=False))
        except Exception as error:
            raise DatabaseError(f"{url.render_as_string()} cannot be opened: {error}") from error
        self._threads = [
            Thread(target=self._work_off, name=f"postgres-writer-{n}", daemon=True) for n in range(writers)
        ]
        for thread in self._threads:
            thread.start()

    def write(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise DatabaseError("the database is closed")
            self._works.put((work, future))
        return future

    def read(self, work: Work[T]) -> T:
        with self._session(self._readers, read_only=True) as session:
            transaction = PostgresTransaction(self, session)
            try:
                return work(transaction)
            finally:
                transaction.end()
                session.rollback()

    def apart(self, work: Work[T]) -> T:
        result, callbacks = self._attempts(work)
        call_back(callbacks)
        return result

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            for _ in self._threads:
                self._works.put(None)
        for thread in self._threads:
            thread.join()
        for idle in (self._readers, self._writers):
            while not idle.empty():
                idle.get_nowait().close()
        self.engine.dispose()

    # The writers' threads --------------------------------------------------------------------------------------------

    def _work_off(self) -> None:
        while (waiting := self._works.get()) is not None:
            work, future = waiting
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result, callbacks = self._attempts(work)
            except BaseException as error:  # noqa: BLE001 - the future carries it on; the thread must live
                future.set_exception(error)
            else:
                call_back(callbacks)
                future.set_result(result)

    def _attempts(self, work: Work[T]) -> tuple[T, list[Callback]]:
        """What the work returns after its commit, retried as often as makes sense."""
        attempt = 1
        while True:
            try:
                return self._attempt(work)
            except _Again as again:
                if attempt == ATTEMPTS:
                    raise again.error from None
                # Those that met each other must not meet again.
                time.sleep(random.uniform(0, 0.005 * 2**attempt))
                attempt += 1

    def _attempt(self, work: Work[T]) -> tuple[T, list[Callback]]:
        with self._session(self._writers, read_only=False) as session:
            transaction = PostgresTransaction(self, session)
            try:
                result = work(transaction)
                transaction.settle()
            except BaseException as error:
                transaction.end()
                lost = session.driver.broken
                session.rollback()
                if lost or _retried(error):
                    # Nothing of it can have been committed: the COMMIT had not been sent.
                    raise _Again(error) from error
                raise
            callbacks = transaction.end()
            try:
                session.commit()
            except BaseException as error:
                session.rollback()
                if _retried(error):
                    raise _Again(error) from error
                raise
            return result, callbacks

    @contextmanager
    def _session(self, idle: LifoQueue[_Session], *, read_only: bool) -> Iterator[_Session]:
        try:
            session = idle.get_nowait()
        except Empty:
            session = self._connect(read_only=read_only)
        try:
            yield session
        finally:
            if session.driver.closed:
                session.connection.invalidate()
                session.close()
            elif self._closed and read_only:
                session.close()
            else:
                idle.put(session)

    def _connect(self, *, read_only: bool) -> _Session:
        return _Session(self.engine.connect(), read_only=read_only)


class _Again(Exception):
    """The work failed in a way that another attempt may mend."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(str(error))


def _retried(error: BaseException | None) -> bool:
    """Whether the server asks for the transaction to be run again, here or in what the error was made from."""
    while error is not None:
        if isinstance(error, psycopg.Error) and (error.sqlstate in RETRIED or _outlived(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _outlived(error: psycopg.Error) -> bool:
    """Whether a statement had been planned before its tables changed. psycopg forgets all plans with the rollback, so
    the next attempt plans it anew."""
    # The code stands for many things, and the message is in the server's language; the function has one name.
    return error.sqlstate == "0A000" and error.diag.source_function == "RevalidateCachedQuery"
