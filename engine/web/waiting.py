"""Waiting in the event loop for what other threads do: the writer, and readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from engine.store.database import Database, Transaction

T = TypeVar("T")

#: Seconds that a read waits for the one before it. Nearly all take a hundredth of that.
PATIENCE = 0.05


async def committed(future: Future[T]) -> T:
    """What the work returned, once its transaction is committed.

    Who asked may be gone meanwhile; what has been begun is done all the same, so the work is never cancelled. That is
    all that ``asyncio.wrap_future`` would do more, at three times the cost.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[T] = loop.create_future()

    def wake(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, waiting, future)

    future.add_done_callback(wake)
    return await waiting


def _settle(waiting: asyncio.Future[T], future: Future[T]) -> None:
    if waiting.done():
        return
    error = future.exception()
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(future.result())


class Reads:
    """Reads of a database for requests, in threads beside the event loop.

    Threads that each take a small step fight over the interpreter: sixteen readers of an SQLite file answer less than
    half as many requests as one. So they go one after another, and only who would wait for long, behind a search
    through a large table, goes beside. Readers of PostgreSQL wait for the network most of the time, and need no lane.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_lane = database.dialect == "sqlite"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lane = asyncio.Lock()

    async def __call__(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, on one snapshot that it cannot change."""
        if not self._one_lane:
            return await run_in_threadpool(self._database.read, work)
        lane = self._lane_here()
        if lane.locked():
            try:
                async with asyncio.timeout(PATIENCE):
                    await lane.acquire()
            except TimeoutError:
                return await run_in_threadpool(self._database.read, work)
        else:
            await lane.acquire()
        try:
            return await run_in_threadpool(self._database.read, work)
        finally:
            lane.release()

    def _lane_here(self) -> asyncio.Lock:
        """The lane of the running loop: a lock belongs to one, and an application under test sees several."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._lane = loop, asyncio.Lock()
        return self._lane
