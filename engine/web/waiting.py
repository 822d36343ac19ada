"""Waiting in the event loop for what a writer's thread does."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def committed(future: Future[T]) -> T:
    """What the work returned, once its transaction is committed.

    Who asked may be gone meanwhile; what has been begun is done all the same, so the work is never cancelled.
    """
    return await asyncio.shield(asyncio.wrap_future(future))
