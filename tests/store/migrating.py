"""Changing definitions over a database: what the tests of plan and apply share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import text

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.store.database import Database
from engine.store.migrate.apply import Applied, apply
from engine.store.migrate.operations import Progress
from engine.store.migrate.plan import Plan, plan
from engine.store.migrate.reflect import reflect
from engine.store.migrate.schema import Schema
from engine.store.store import Store
from engine.store.tables import Path
from engine.store.transaction import Transaction
from tests.store.conftest import NOON, Desk

T = TypeVar("T")


@cache
def catalog_of(definitions: str) -> Catalog:
    """The catalogue of one text."""
    return build_texts({"definitions/all.yaml": "app: yard\n---\n" + definitions})


def nothing_to_work_out(
    tx: Transaction, catalog: Catalog, model: str, fields: Sequence[tuple[Path, str]], progress: Progress
) -> None:
    """Fails: the test is not about computed fields."""
    raise AssertionError(f"{fields} of {model} should not be worked out")


class Yard:
    """A database whose definitions change."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def plan(self, definitions: str) -> Plan:
        return plan(self.database, catalog_of(definitions))

    def apply(self, definitions: str, **options: Any) -> Applied:
        catalog = catalog_of(definitions)
        given = {"at": NOON, "actor": "ann", "work_out": nothing_to_work_out, **options}
        return apply(self.database, plan(self.database, catalog), catalog, **given)

    def desk(self, definitions: str) -> Desk:
        """Records by hand, under these definitions."""
        return Desk(Store(catalog_of(definitions), self.database))

    @property
    def schema(self) -> Schema:
        """The tables as they are."""
        return self.database.read(lambda tx: reflect(tx.connection()))

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement selects, raw."""
        return self.database.read(lambda tx: [tuple(row) for row in tx.connection().execute(text(sql), values)])

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.database.write(work).result(60)

    def dump(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """Everything in all tables."""
        return {
            name: sorted(self.rows(f'SELECT {", ".join(map(_quoted, sorted(table.columns)))} FROM "{name}"'), key=repr)
            for name, table in self.schema.items()
        }


def _quoted(name: str) -> str:
    return f'"{name}"'
