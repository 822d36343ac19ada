"""Alembic on a connection of ours. Imported by name when there is something to do: most starts find nothing, and
Alembic takes a tenth of their time."""

from __future__ import annotations

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection


def operations(connection: Connection) -> Operations:
    """What changes tables, inside the transaction of the connection."""
    return Operations(MigrationContext.configure(connection))
