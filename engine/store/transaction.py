"""What a work sees of the database: one transaction, on the driver's own connection.

``rows``, ``run``, ``many`` and ``put`` take statements that were compiled once; ``core`` and ``change`` take any
SQLAlchemy clause, for what is not on the hot path. All of them act in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.expression import Executable

from engine.store.inserting import Insert
from engine.store.statement import Statement

T = TypeVar("T")
_log = logging.getLogger(__name__)
Row = tuple[Any, ...]
Callback = Callable[[], None]


class Transaction:
    """One transaction, or the part of a shared one that a single work has (a savepoint keeps it apart from the others).

    ``memo`` lives as long as the transaction: higher floors keep there which record they have read already.
    """

    def __init__(self, database: Backend, connection: Connection, cursor: Any) -> None:
        self.database = database
        self.memo: dict[Any, Any] = {}
        #: Nothing of it will be kept, so that it must not use up anything outside of it.
        self.trial = False
        self._connection = connection
        self._cursor = cursor
        self._callbacks: list[Callback] = []

    def rows(self, statement: Statement, values: Sequence[Any] = ()) -> list[Row]:
        """What the statement selects or returns."""
        self._execute(*statement.prepare(values))
        return statement.read(self._cursor.fetchall())

    def run(self, statement: Statement, values: Sequence[Any] = ()) -> int:
        """How many rows the statement changed."""
        self._execute(*statement.prepare(values))
        return int(self._cursor.rowcount)

    def put(self, statement: Statement, values: Sequence[Any] = ()) -> None:
        """Writes without waiting for the answer: an error may come with a later statement, ``settle`` or the commit."""
        self._execute(*statement.prepare(values))

    def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Writes once for each of the rows, without waiting for the answers, as ``put``."""
        raise NotImplementedError

    def insert(self, insert: Insert, rows: Sequence[Sequence[Any]]) -> None:
        """Adds the rows without waiting for the answer, as ``put``."""
        raise NotImplementedError

    def settle(self) -> None:
        """Returns when all that was written has been answered; raises what went wrong with it."""

    def alone(self, with_: str) -> bool:
        """Returns when no other transaction that has called this with the same text is running any more: what is read
        next holds until this one ends. The answer is whether it may differ from what was read before: not where one
        writer works at a time."""
        return False

    def core(self, clause: Executable, binds: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of any SQLAlchemy clause, as dicts; none where it returns nothing."""
        result = self._core(clause, binds)
        if not result.returns_rows:
            return []
        names = tuple(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result]

    def change(self, clause: Executable, binds: Mapping[str, Any] | None = None) -> int:
        """How many rows any SQLAlchemy clause changed."""
        return int(self._core(clause, binds).rowcount)

    def connection(self) -> Connection:
        """SQLAlchemy's connection inside this transaction, for libraries that write beside us. They must not commit."""
        self.settle()
        return self._connection

    def after_commit(self, callback: Callback) -> None:
        """Calls back once the transaction is safe on disk, never if it is rolled back, before its future resolves."""
        self._callbacks.append(callback)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Everything inside happens or nothing: an exception undoes it and goes on to the caller; the rest lives on."""
        self.settle()
        self._command("SAVEPOINT part")
        callbacks = len(self._callbacks)
        try:
            yield
            self.settle()
        except BaseException:
            self._undo_part()
            del self._callbacks[callbacks:]
            # What was read or written since then is no longer so.
            self.memo.clear()
            raise
        self._command("RELEASE SAVEPOINT part")

    def end(self) -> list[Callback]:
        """What is to be called once the transaction is committed. Nothing can be asked of it any more."""
        self.memo.clear()
        self._cursor = _ENDED
        self._connection = _ENDED
        return self._callbacks

    def _core(self, clause: Executable, binds: Mapping[str, Any] | None) -> CursorResult[Any]:
        try:
            return self._connection.execute(clause, binds or {})
        except IntegrityError as error:
            if error.orig is None:
                raise
            raise self._explained(error.orig) from error

    def _execute(self, text: str, values: Sequence[Any]) -> None:
        raise NotImplementedError

    def _command(self, text: str) -> None:
        """A statement without values whose answer must be good before anything else happens."""
        raise NotImplementedError

    def _explained(self, error: BaseException) -> BaseException:
        """The driver's error in the form that all databases share, where there is one, else the error itself."""
        raise NotImplementedError

    def _undo_part(self) -> None:
        self._command("ROLLBACK TO SAVEPOINT part")
        self._command("RELEASE SAVEPOINT part")


#: What is done in one transaction. It may run again when the database asks for it (a serialization failure, a
#: transaction lost to somebody else's fault), so it keeps its effects inside the transaction, or in ``after_commit``.
Work = Callable[[Transaction], T]


class Backend(Protocol):
    """One sort of database: how its connections are made, and who works on them."""

    dialect: str
    engine: Engine

    def write(self, work: Work[T]) -> Future[T]:
        """What the work returns, once its transaction is committed. If it raises, nothing of it is kept."""
        ...

    def read(self, work: Work[T]) -> T:
        """What the work returns, in the caller's thread, on one snapshot of the database that it cannot change."""
        ...

    def apart(self, work: Work[T]) -> T:
        """What the work returns, in a short transaction beside the caller's own that is committed at once."""
        ...

    def close(self) -> None:
        """Finishes the works that wait, then closes all connections. A work that comes later is refused."""
        ...


class _Ended:
    """Stands where the connection was: what reads a record too late is told so."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this transaction has ended")


_ENDED: Any = _Ended()


def call_back(callbacks: list[Callback]) -> None:
    """Calls back after a commit, which stands whatever happens here: a failure is logged and not the work's."""
    for callback in callbacks:
        try:
            callback()
        except Exception:  # noqa: BLE001 - there is nobody to tell but the log
            _log.exception("a callback after commit failed")


def driver_connection(connection: Connection) -> Any:
    """The driver's own connection below SQLAlchemy's."""
    return connection.connection.dbapi_connection
