"""A small application over scratch databases, with everything that tables can hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.expressions.postgres import install_functions
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.store.database import Database
from engine.store.keys import new_key
from engine.store.store import Store
from engine.store.transaction import Transaction
from tests.databases import PostgresServer

T = TypeVar("T")
#: For properties that ask a database many times: fewer examples than others have.
FEW = settings(max_examples=max(10, settings.default.max_examples // 4))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

DEFINITIONS = """
app: post
timezone: Asia/Shanghai
---
model: place
key: code
fields:
  code: {type: text, max: 20, unique: true}
  name: text
  rank: integer
---
model: sender
key: code
fields:
  code: {type: text, max: 20, unique: true}
  name: text
  home: {type: link, to: place}
  parcel_count: {type: integer, value: count(parcels)}
  weight: {type: decimal, digits: 3, value: sum(parcels.weight)}
---
model: parcel
title: number
fields:
  number: {type: sequence, format: "P{yyyy}{mm}{dd}{seq:4}"}
  sender: {type: link, to: sender, back: parcels}
  sender_home: {type: lookup, from: sender.home}
  sender_name: {type: lookup, from: sender.name}
  kind: {type: choice, of: [letter, box, pallet]}
  weight: {type: decimal, digits: 3}
  value: {type: money}
  count: integer
  share: {type: decimal, digits: 0}
  fragile: boolean
  due: date
  pick_up: time
  sent_at: datetime
  note: long_text
  remarks: json
  label: {type: text, max: 40}
  shelf: {type: text, max: 40}
  items:
    type: rows
    key: line
    of:
      line: integer
      place: {type: link, to: place}
      amount: {type: money}
      text: text
      parts:
        type: rows
        of: {serial: text, size: {type: decimal, digits: 4}}
unique: [[label, shelf]]
index: [[kind, due]]
"""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return build_texts({"definitions/post.yaml": DEFINITIONS})


def create_all(store: Store) -> None:
    """Creates the tables, and the functions that PostgreSQL needs."""
    with store.database.engine.begin() as connection:
        store.tables.metadata.create_all(connection)
        if store.database.dialect == "postgresql":
            install_functions(connection)


def prepare(url: str, catalog: Catalog) -> None:
    """Creates the tables of the catalogue in an empty database."""
    database = Database.open(url, durable=False)
    create_all(Store(catalog, database))
    database.close()


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Path:
    """An SQLite database with the tables, to be copied."""
    file = tmp_path_factory.mktemp("prepared") / "store.db"
    prepare(f"sqlite:///{file}", catalog)
    return file


@pytest.fixture(scope="session")
def prepared_postgres(postgres: PostgresServer, catalog: Catalog) -> Iterator[str]:
    """A PostgreSQL database with the tables, to be emptied after each test: making one takes longer than most tests."""
    with postgres.scratch() as url:
        prepare(url, catalog)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def prepared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the tables in it; each test that asks for it runs on both."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("prepared_postgres")
        return url
    return f"sqlite:///{shutil.copy(request.getfixturevalue('prepared_file'), tmp_path / 'store.db')}"


@pytest.fixture
def store(prepared_url: str, catalog: Catalog) -> Iterator[Store]:
    database = Database.open(prepared_url, durable=False)
    made = Store(catalog, database)
    yield made
    if database.dialect == "postgresql":
        with database.engine.begin() as connection:
            for table in reversed(made.tables.metadata.sorted_tables):
                connection.execute(table.delete())
    database.close()


class Desk:
    """Records by hand, as the runtime makes them: every field there, the system's filled in."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.store.database.write(work).result(30)

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self.store.database.read(work)

    def blank(self, model: str, values: Record, at: datetime = NOON) -> Record:
        record = self._blank(self.store.catalog.fields(model), values)
        stamps = {"created_at": at, "updated_at": at}
        return {
            **record,
            "holds": [],
            "id": new_key(at),
            "version": 1,
            **stamps,
            **{k: v for k, v in values.items() if k in stamps},
        }

    def _blank(self, fields: Any, values: Record) -> Record:
        record: Record = {}
        for name, field in fields.items():
            if isinstance(field, RowsField):
                record[name] = [{"id": None, **self._blank(field.of, row)} for row in values.get(name, [])]
            else:
                record[name] = values.get(name)
        return record

    def insert(self, tx: Transaction, model: str, at: datetime = NOON, /, **values: Any) -> Record:
        record = self.blank(model, values, at)
        self.store.records.insert(tx, model, record)
        return record

    def add(self, model: str, at: datetime = NOON, /, **values: Any) -> str:
        """The id of a new record, committed."""
        return self.write(lambda tx: str(self.insert(tx, model, at, **values)["id"]))

    def get(self, model: str, key: str, **options: Any) -> Record:
        """The record as a new transaction reads it."""
        return self.read(lambda tx: self.store.records.load(tx, model, [key], **options)[0])


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def plain(value: Any) -> Any:
    """The value with linked records reduced to their ids, to compare by."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: item["id"] if is_link(item) else plain(item) for name, item in value.items()}
    return value


def is_link(value: Any) -> bool:
    return isinstance(value, dict) and "id" in value
