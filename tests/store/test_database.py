"""Transactions: what is committed together, what is undone alone, what is seen by whom."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, UniqueConstraint, bindparam, select, text, update

from engine.store.database import Database
from engine.store.faults import DatabaseError, UniqueViolation
from engine.store.statement import Statement
from engine.store.transaction import Transaction

METADATA = MetaData()
THING = Table(
    "thing",
    METADATA,
    Column("name", String(40), nullable=False),
    Column("size", Integer),
    UniqueConstraint("name", "size", name="uq_thing"),
)


class Things:
    """The statements of the table, compiled for a database."""

    def __init__(self, database: Database) -> None:
        dialect = database.engine.dialect
        METADATA.create_all(database.engine)
        self.insert = Statement(THING.insert(), dialect, ("name", "size"), columns=("name", "size"))
        self.all = Statement(select(THING.c.name, THING.c.size).order_by(THING.c.name, THING.c.size), dialect)
        grow = update(THING).values(size=THING.c.size + 1).where(THING.c.name == bindparam("name_"))
        self.grow = Statement(grow, dialect, ("name_",))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def things(database: Database) -> Things:
    return Things(database)


def names(database: Database, things: Things) -> list[str]:
    return [name for name, _ in database.read(lambda tx: tx.rows(things.all))]


def adding(things: Things, name: str, error: Exception | None = None) -> Callable[[Transaction], str]:
    def work(tx: Transaction) -> str:
        tx.run(things.insert, (name, 1))
        if error:
            raise error
        return name

    return work


def group(database: Database, works: list[Callable[[Transaction], Any]]) -> list[Future[Any]]:
    """The works' futures, all done: they waited together behind one that held the writer up."""
    gate = threading.Event()
    held = database.write(lambda _: gate.wait(10))
    futures = [database.write(work) for work in works]
    gate.set()
    for future in [held, *futures]:
        future.exception(10)
    return futures


def test_what_a_work_writes_is_there_once_its_future_resolves(database: Database, things: Things) -> None:
    assert database.write(adding(things, "a")).result(10) == "a"
    assert names(database, things) == ["a"]


def test_a_work_that_raises_leaves_nothing(database: Database, things: Things) -> None:
    with pytest.raises(LookupError, match="no"):
        database.write(adding(things, "a", LookupError("no"))).result(10)
    assert names(database, things) == []


def test_the_failure_of_one_work_does_not_touch_its_group(database: Database, things: Things) -> None:
    futures = group(
        database,
        [adding(things, "a"), adding(things, "b", LookupError("no")), adding(things, "c"), adding(things, "a")],
    )
    outcomes = [type(future.exception()).__name__ for future in futures]
    if database.dialect == "postgresql":  # where they run at the same time, either of the two may be first
        assert sorted(outcomes) == ["LookupError", "NoneType", "NoneType", "UniqueViolation"]
    else:
        assert outcomes == ["NoneType", "LookupError", "NoneType", "UniqueViolation"]
    assert names(database, things) == ["a", "c"]


def test_callbacks_come_after_the_commit_and_only_then(database: Database, things: Things) -> None:
    seen: list[tuple[str, list[str]]] = []

    def work(name: str, error: Exception | None = None) -> Callable[[Transaction], None]:
        def run(tx: Transaction) -> None:
            tx.after_commit(lambda: seen.append((name, names(database, things))))
            adding(things, name, error)(tx)

        return run

    futures = group(database, [work("a"), work("b", LookupError("no"))])
    assert futures[0].result(10) is None
    assert seen == [("a", ["a"])]


def test_a_failing_callback_is_logged_and_changes_nothing(
    database: Database, things: Things, caplog: pytest.LogCaptureFixture
) -> None:
    def work(tx: Transaction) -> str:
        tx.after_commit(lambda: 1 // 0)
        return adding(things, "a")(tx)

    with caplog.at_level(logging.ERROR):
        assert database.write(work).result(10) == "a"
    assert "callback after commit failed" in caplog.text
    assert database.write(adding(things, "b")).result(10) == "b"


def test_rows_run_many_and_put_say_what_they_did(database: Database, things: Things) -> None:
    def work(tx: Transaction) -> tuple[int, int, list[Any]]:
        tx.many(things.insert, [("a", 1), ("a", 10), ("b", 3)])
        tx.put(things.insert, ("c", 4))
        return tx.run(things.grow, ("a",)), tx.run(things.grow, ("z",)), tx.rows(things.all)

    assert database.write(work).result(10) == (2, 0, [("a", 2), ("a", 11), ("b", 3), ("c", 4)])


def test_core_sees_and_writes_the_same_transaction(database: Database, things: Things) -> None:
    def work(tx: Transaction) -> None:
        tx.put(things.insert, ("a", 1))
        assert tx.core(select(THING)) == [{"name": "a", "size": 1}]
        assert tx.core(THING.insert().values(name="b", size=2)) == []
        assert tx.change(update(THING).values(size=5)) == 2
        assert tx.rows(things.all) == [("a", 5), ("b", 5)]
        raise LookupError

    with pytest.raises(LookupError):
        database.write(work).result(10)
    assert names(database, things) == []


@pytest.mark.parametrize("way", ["run", "put", "many", "core"])
def test_a_taken_value_is_one_error_for_all_databases(database: Database, things: Things, way: str) -> None:
    database.write(adding(things, "a")).result(10)

    def work(tx: Transaction) -> None:
        match way:
            case "run":
                tx.run(things.insert, ("a", 1))
            case "put":
                tx.put(things.insert, ("a", 1))
                tx.settle()
            case "many":
                tx.many(things.insert, [("b", 1), ("a", 1)])
                tx.settle()
            case _:
                tx.core(THING.insert().values(name="a", size=1))

    with pytest.raises(UniqueViolation) as caught:
        database.write(work).result(10)
    assert caught.value.table == "thing"
    assert caught.value.columns == ("name", "size") or caught.value.index == "uq_thing"
    assert names(database, things) == ["a"]


def test_what_nobody_waited_for_fails_the_work_in_the_end(database: Database, things: Things) -> None:
    database.write(adding(things, "a")).result(10)
    with pytest.raises(UniqueViolation):
        database.write(lambda tx: tx.put(things.insert, ("a", 1))).result(10)
    database.write(adding(things, "b")).result(10)
    assert names(database, things) == ["a", "b"]


def test_a_savepoint_undoes_only_its_own_part(database: Database, things: Things) -> None:
    called: list[str] = []

    def work(tx: Transaction) -> None:
        tx.put(things.insert, ("a", 1))
        tx.memo["kept"] = 1
        for name in ("b", "a", "c"):
            try:
                with tx.savepoint():
                    tx.put(things.insert, (name, 1))
                    tx.after_commit(lambda name=name: called.append(name))
                    if name == "c":
                        raise LookupError
            except (UniqueViolation, LookupError):
                assert not tx.memo
        tx.put(things.insert, ("d", 1))

    database.write(work).result(10)
    assert names(database, things) == ["a", "b", "d"]
    assert called == ["b"]


def test_readers_see_one_snapshot_and_cannot_write(database: Database, things: Things) -> None:
    database.write(adding(things, "a")).result(10)

    def look(tx: Transaction) -> tuple[list[Any], list[Any]]:
        before = tx.rows(things.all)
        database.write(adding(things, "b")).result(10)
        return before, tx.rows(things.all)

    before, after = database.read(look)
    assert before == after == [("a", 1)]
    assert names(database, things) == ["a", "b"]
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.ReadOnlySqlTransaction)):
        database.read(lambda tx: tx.run(things.insert, ("c", 1)))


def test_many_readers_share_nothing(database: Database, things: Things) -> None:
    database.write(adding(things, "a")).result(10)
    barrier = threading.Barrier(6)

    def look(tx: Transaction) -> None:
        barrier.wait(20)  # all six are inside at the same time
        assert tx.rows(things.all) == [("a", 1)]

    errors: list[BaseException] = []

    def run() -> None:
        try:
            database.read(look)
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not errors


def test_sqlalchemy_transactions_stand_beside_ours(database: Database, things: Things) -> None:
    with database.engine.begin() as connection:
        connection.execute(THING.insert().values(name="a", size=1))
    database.write(adding(things, "b")).result(10)
    assert names(database, things) == ["a", "b"]


def test_a_library_may_write_on_our_transaction(database: Database, things: Things) -> None:
    def work(tx: Transaction) -> None:
        tx.put(things.insert, ("a", 1))
        tx.connection().execute(THING.insert().values(name="b", size=1))

    database.write(work).result(10)
    assert names(database, things) == ["a", "b"]


def test_a_cancelled_work_does_not_run(database: Database, things: Things) -> None:
    gate = threading.Event()
    held = [database.write(lambda _: gate.wait(10)) for _ in range(4)]
    late = database.write(adding(things, "a"))
    assert late.cancel()
    gate.set()
    for future in held:
        future.result(10)
    database.write(adding(things, "b")).result(10)
    assert names(database, things) == ["b"]


def test_closing_finishes_what_waits_and_refuses_the_rest(
    database: Database, things: Things, database_url: str
) -> None:
    gate = threading.Event()
    database.write(lambda _: gate.wait(10))
    late = database.write(adding(things, "a"))
    gate.set()
    database.close()
    assert late.result(10) == "a"
    with pytest.raises(DatabaseError, match="closed"):
        database.write(adding(things, "b"))
    again = Database.open(database_url)
    assert names(again, things) == ["a"]
    again.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:////no/such/folder/x.db", "mysql://x/y", "%"]
)
def test_a_database_that_cannot_be_used_says_why(url: str) -> None:
    with pytest.raises(DatabaseError):
        Database.open(url)


def test_sqlite_is_safe_by_default(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    found = database.read(
        lambda tx: {name: next(iter(tx.core(text(f"PRAGMA {name}"))[0].values())) for name in pragmas}
    )
    assert found == pragmas
    database.close()


def test_a_lost_transaction_is_run_again_for_the_innocent(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    things = Things(database)

    def vandal(tx: Transaction) -> None:
        # What a full disk does: SQLite itself ends the transaction, and with it the works before.
        tx._cursor.execute("ROLLBACK")
        raise LookupError("full")

    futures = group(database, [adding(things, "a"), vandal, adding(things, "b")])
    assert isinstance(futures[1].exception(), LookupError)
    assert [futures[0].result(), futures[2].result()] == ["a", "b"]
    assert names(database, things) == ["a", "b"]
    database.close()


def test_a_serialization_failure_is_tried_again(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    things = Things(database)
    tries: list[int] = []

    def work(tx: Transaction) -> str:
        tries.append(1)
        tx.put(things.insert, ("a", len(tries)))
        if len(tries) < 3:
            tx.core(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))
        return "a"

    assert database.write(work).result(20) == "a"
    assert len(tries) == 3
    assert names(database, things) == ["a"]
    database.close()


def test_a_deadlock_is_tried_again(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    things = Things(database)
    database.write(lambda tx: tx.many(things.insert, [("a", 1), ("b", 1)])).result(10)
    both = threading.Barrier(2)

    def crossing(first: str, second: str) -> Callable[[Transaction], None]:
        met: list[int] = []

        def work(tx: Transaction) -> None:
            tx.run(things.grow, (first,))
            if not met:
                met.append(1)
                both.wait(10)
            tx.run(things.grow, (second,))

        return work

    futures = [database.write(crossing("a", "b")), database.write(crossing("b", "a"))]
    for future in futures:
        future.result(20)
    assert database.read(lambda tx: tx.rows(things.all)) == [("a", 3), ("b", 3)]
    database.close()


def test_a_broken_connection_is_replaced(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    things = Things(database)
    database.write(adding(things, "a")).result(10)
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with database.engine.connect() as connection:
        connection.execute(kill)
    assert database.write(adding(things, "b")).result(20) == "b"
    assert names(database, things) == ["a", "b"]
    database.close()


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=6), min_size=1, max_size=4))
def test_a_group_never_loses_or_mixes(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[tuple[str, bool]]]
) -> None:
    """Works that fail at random among works that meet each other: what is kept is what a plain replay keeps."""
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('group') / 'x.db'}", durable=False)
    things = Things(database)
    kept: list[str] = []
    for works in groups:
        futures = group(database, [adding(things, name, LookupError() if fails else None) for name, fails in works])
        for (name, fails), future in zip(works, futures, strict=True):
            expected = UniqueViolation if name in kept else LookupError if fails else None
            if expected is None:
                kept.append(name)
                assert future.result() == name
            else:
                assert type(future.exception()) is expected
    assert names(database, things) == sorted(kept)
    database.close()


def test_an_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    """The process dies at once after it has told of a commit, with another transaction half done."""
    script = textwrap.dedent(
        """
        import os, sys
        from sqlalchemy import text
        from engine.store.database import Database

        database = Database.open(sys.argv[1])
        database.write(lambda tx: tx.core(text("CREATE TABLE thing (name TEXT)"))).result()
        database.write(lambda tx: tx.core(text("INSERT INTO thing VALUES ('kept')"))).result()
        print("committed", flush=True)

        def half(tx):
            tx.core(text("INSERT INTO thing VALUES ('lost')"))
            os._exit(9)

        database.write(half).result()
        """
    )
    url = f"sqlite:///{tmp_path / 'x.db'}"
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (9, "committed\n"), done.stderr
    database = Database.open(url)
    assert database.read(lambda tx: tx.core(text("SELECT name FROM thing"))) == [{"name": "kept"}]
    database.close()
