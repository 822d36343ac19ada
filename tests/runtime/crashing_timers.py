"""A process that lets timers go off, and is killed before a chosen statement reaches the database.

With the statement 0 it works until nothing is due.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from engine.runtime.clock import SetClock
from tests.runtime.post import NOON, Post, open_engine

#: When the process works: everything that the parcels of noon wait for is overdue.
LATER = NOON + timedelta(hours=5)


class Counter:
    """Counts statements from when it is armed, and kills this process before the chosen one."""

    def __init__(self, fatal: int) -> None:
        self._fatal = fatal
        self.armed = False
        self.count = 0

    def step(self, *_: object) -> None:
        if self.armed:
            self.count += 1
            if self.count == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Looks at every statement that any connection made from now on sends."""

        def connected(connection: Any, _: Any) -> None:
            if isinstance(connection, sqlite3.Connection):
                connection.set_trace_callback(self.step)

        event.listen(Engine, "connect", connected)
        for holder, name in (
            (psycopg.Cursor, "execute"),
            (psycopg.Cursor, "executemany"),
            (psycopg.Connection, "commit"),
        ):
            setattr(holder, name, self._counted(getattr(holder, name)))

    def _counted(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            self.step()
            return send(*given, **more)

        return counted


def main(url: str, fatal: int) -> int:
    """How many statements it took."""
    counter = Counter(fatal)
    counter.watch()
    clock = SetClock(LATER)
    post = Post(open_engine(url, clock), clock)
    counter.armed = True
    post.run()
    counter.armed = False
    post.engine.database.close()
    return counter.count
