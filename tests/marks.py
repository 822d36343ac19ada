"""On which databases tests run that cost much."""

from __future__ import annotations

import pytest

#: For ``@pytest.mark.parametrize("database_url", SQLITE_FIRST, indirect=True)`` over tests that kill processes: on
#: SQLite always, on PostgreSQL, where each start takes longer, in `make soak`.
SQLITE_FIRST = ("sqlite", pytest.param("postgresql", marks=pytest.mark.soak))
