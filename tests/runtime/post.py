"""A post office that tells people about their parcels: an application with messages, and ways out that are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder
from engine.expressions.postgres import install_functions
from engine.ports import Connector, Job, Message, Outcome, Record
from engine.registry import Registry
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.jobs.stepped import SteppedJobs
from engine.runtime.jobs.workers import Workers
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.store import Store
from engine.store.transaction import Transaction

T = TypeVar("T")

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)  # noon in Shanghai

DEFINITIONS = """
app: post
timezone: Asia/Shanghai
languages: [zh, en]
---
model: person
key: code
fields:
  code: {type: text, max: 20, unique: true}
  name: {type: text, private: true}
  email: {type: email, private: true}
  language: {type: choice, of: {zh: 中文, en: English}}
---
model: parcel
key: number
workflow: parcel_way
title: number
fields:
  number: {type: text, max: 20, unique: true}
  receiver: {type: link, to: person}
  receiver_name: {type: lookup, from: receiver.name}
  contact: email
  fee: money
  posted_at: datetime
  fetched_by: datetime
  nudged: {type: integer, default: 0}
  items:
    type: rows
    of: {text: text, worth: money}
---
workflow: parcel_way
for: parcel
start: posted
states:
  posted:
    events:
      arrive: {to: here}
      lose: {to: lost}
      report: {notify: [{message: noted, to: receiver}]}
  here:
    notify: [{message: arrived, to: receiver}]
    timers:
      fetched: {at: fetched_by, next: {late: {to: lost}}}
      nudge: {after: 3 h, do: [{set: {nudged: nudged + 1}}]}
      nag: {after: 4 h, do: [{set: {nudged: nudged + 1}}]}
    events: {fetch: {to: gone}}
  gone: {}
  lost: {notify: [{message: lost, to: clerk}]}
---
access: clerk
everything: true
---
message: arrived
for: parcel
by: [email, log]
subject: {zh: "包裹 {{ parcel.number }} 已到", en: "Parcel {{ parcel.number }} is here"}
text:
  zh: "{{ record.receiver.name }}，您好：请付 {{ parcel.fee | money }} 元。"
  en: |
    Dear {{ parcel.receiver_name }}, parcel of {{ parcel.posted_at | datetime }} for {{ parcel.fee | money }}:
    {%- for item in parcel.items %} {{ item.text }} ({{ item.worth | money }}){% endfor %}
    It is {{ now | date }} ({{ today }}) for {{ language }}.
---
message: noted
for: parcel
by: email
text: "{{ parcel.number }}"
---
message: lost
for: parcel
label: {zh: 包裹丢失, en: A parcel is lost}
by: log
text: "{{ parcel.number }} of {{ parcel.receiver.name }}<{{ parcel.contact }}>: {{ data }}"
"""


@cache
def definitions() -> Catalog:
    """The definitions, read once for all tests."""
    return build_texts({"definitions/post.yaml": DEFINITIONS})


class WatchedWay:
    """A way out that keeps what was sent, and answers what it is told to."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.answers: list[Outcome | Exception] = []

    def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        answer = self.answers.pop(0) if self.answers else Outcome("done")
        if isinstance(answer, Exception):
            raise answer
        return answer


class Post:
    """The application on a database, with jobs that are stepped."""

    def __init__(self, engine: Engine, clock: SetClock) -> None:
        self.engine = engine
        self.clock = clock
        self.email, self.log = WatchedWay(), WatchedWay()
        self.ways: Registry[Connector] = Registry("ways out", (("email", self.email), ("log", self.log)))
        self.jobs = SteppedJobs()
        self.workers = Workers(engine, self.jobs, self.ways)
        self.jobs.start(self.workers.worker)

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.engine.write(work)

    def put(self, model: str, **values: Any) -> Record:
        """A record that is simply there."""
        return self.write(lambda tx: self.engine.service.create(tx, SYSTEM, model, values))

    def parcel(self, number: str = "P1", **values: Any) -> Record:
        plain: Record = {"number": number, "fee": "1234.5", "receiver": "ann", "posted_at": "2026-11-20T20:30:00Z"}
        return self.put("parcel", **{**plain, **values})

    def fire(self, parcel: Record, event: str) -> Record:
        return self.write(lambda tx: self.engine.service.fire(tx, SYSTEM, "parcel", parcel["id"], event))

    def run(self) -> list[Job]:
        """The jobs that have run, until nothing is due any more."""
        done: list[Job] = []
        while self.workers.ticker.turn() or self.jobs.waiting:
            while (job := self.jobs.step()) is not None:
                done.append(job)
        return done

    def later(self, **by: float) -> list[Job]:
        """The jobs that have run after so much time."""
        self.clock.step(timedelta(**by))
        return self.run()

    def rows(self, model: str = "job") -> list[Record]:
        """All records of a model, as they came."""
        return stored(self.engine, model)

    def queue(self, queue: str) -> list[Record]:
        """The jobs of a queue."""
        return [row for row in self.rows() if row["queue"] == queue]


def stored(engine: Engine, model: str) -> list[Record]:
    """All records of a model, as they came."""
    table = engine.service.store.tables[model]
    return engine.database.read(lambda tx: tx.core(select(table).order_by(table.c["id"])))


def count(engine: Engine, model: str) -> int:
    """How many records of the model there are."""
    table = engine.service.store.tables[model]
    return int(engine.database.read(lambda tx: tx.core(select(func.count().label("n")).select_from(table)))[0]["n"])


def open_engine(url: str, clock: SetClock | None = None) -> Engine:
    """The application on a database, whose tables it makes where they are missing."""
    database = Database.open(url, durable=False)
    catalog = definitions()
    with database.engine.begin() as connection:
        Store(catalog, database).tables.metadata.create_all(connection)
        if database.dialect == "postgresql":
            install_functions(connection)
    return Engine(CatalogHolder(Path(), catalog=catalog), database, clock)


@contextmanager
def open_post(url: str) -> Iterator[Post]:
    """The application with two people in it: one who reads English, and one who has no address."""
    clock = SetClock(NOON)
    engine = open_engine(url, clock)
    try:
        post = Post(engine, clock)
        post.put("person", code="ann", name="Ann Miller", email="ann@example.com", language="en")
        post.put("person", code="bo", name="王波")
        yield post
    finally:
        engine.database.close()
