"""Waiting in the event loop for what a writer's thread does."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


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
