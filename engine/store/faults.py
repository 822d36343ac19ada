"""What goes wrong with a database, in one form for all of them."""

from __future__ import annotations

from engine.errors import EngineError


class DatabaseError(EngineError):
    """The database cannot be opened, or has been closed."""


class UnfitValue(EngineError):
    """A value that the database cannot take as what it is compared with, or written to."""


class UniqueViolation(EngineError):
    """A row whose values another row has already. ``columns`` where the database names them, else the ``index``."""

    def __init__(self, table: str, columns: tuple[str, ...] = (), index: str | None = None) -> None:
        self.table = table
        self.columns = columns
        self.index = index
        super().__init__(f"{table}: the values of {', '.join(columns) or index} are taken")
