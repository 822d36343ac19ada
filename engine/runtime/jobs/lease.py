"""Who is alive: each process that runs jobs raises a number in a row of its own, and looks at the rows of the others.

No clock of one machine is compared with that of another: a process is taken for dead when its number has stood still
for as long as a lease lasts, by the watch of who looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import BigInteger, Column, Engine, MetaData, Table, Text, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

#: Seconds between two heartbeats, and after how many without one a process counts as dead.
BEAT, LEASE = 1.0, 6.0


class Lease:
    """The rows of the living. ``schema`` is where the table stands, on databases that have schemas."""

    def __init__(
        self, engine: Engine, schema: str | None, *, seconds: float = LEASE, watch: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._seconds = seconds
        self._watch = watch
        self._table = Table(
            "orderloom_executor",
            MetaData(schema=schema),
            Column("id", Text, primary_key=True),
            Column("beats", BigInteger, nullable=False),
        )
        #: The number of each of the others when it was last seen to change, and when that was.
        self._seen: dict[str, tuple[int, float]] = {}

    def prepare(self) -> None:
        """Makes the table where it is missing."""
        create = CreateTable(self._table, if_not_exists=True)
        try:
            with self._engine.begin() as connection:
                connection.execute(create)
        except DBAPIError:
            # On PostgreSQL two that make it at the same time may still meet. Then it is there now.
            with self._engine.begin() as connection:
                connection.execute(create)

    def join(self, executor: str) -> None:
        """Enters a process among the living."""
        with self._engine.begin() as connection:
            connection.execute(insert(self._table).values(id=executor, beats=0))

    def beat(self, executor: str) -> bool:
        """Whether the process is still taken for alive. If not, its row is gone, and its jobs are others' now."""
        row = update(self._table).where(self._table.c.id == executor).values(beats=self._table.c.beats + 1)
        with self._engine.begin() as connection:
            return connection.execute(row).rowcount == 1

    def dead(self, executor: str) -> list[str]:
        """The other processes whose lease has run out."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(self._table.c.id, self._table.c.beats)).all()
        now = self._watch()
        before, self._seen = self._seen, {}
        for other, beats in rows:
            if other != executor:
                known = before.get(other)
                self._seen[other] = known if known is not None and known[0] == beats else (beats, now)
        return [other for other, (_, since) in self._seen.items() if now - since >= self._seconds]

    def remove(self, executor: str) -> None:
        """Strikes a process off; nothing of it may be left to do."""
        with self._engine.begin() as connection:
            connection.execute(delete(self._table).where(self._table.c.id == executor))
