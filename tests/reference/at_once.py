"""The application on a server, for tests in which several people want something at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from engine.catalog.reload import CatalogHolder
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.transaction import Transaction
from engine.web.app import create_app

#: Puts records into an empty database; the answer is their ids.
Fill = Callable[[Engine, Transaction], list[str]]


@contextmanager
def serving(root: Path, url: str, fill: Fill) -> Iterator[tuple[TestClient, list[str]]]:
    """A client of somebody who may do anything, and the ids of what there is."""
    database = Database.open(url, durable=False)
    try:
        engine = Engine(CatalogHolder(root), database)
        engine.prepare()

        def begin(tx: Transaction) -> tuple[list[str], str]:
            ids = fill(engine, tx)
            user = {"login": "desk", "name": "Desk", "roles": [{"role": "admin"}]}
            key = engine.service.create(tx, SYSTEM, "user", user)["id"]
            return ids, Logins(database, engine.clock).new_token(tx, key, "test").text

        ids, token = engine.write(begin)
        with TestClient(create_app(engine), headers={"Authorization": f"Bearer {token}"}) as client:
            yield client, ids
    finally:
        database.close()
