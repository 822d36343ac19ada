"""The purchase desk, running: a small application with every widget, some records, and people with different rights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.catalog.builder import load
from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder
from engine.expressions.postgres import install_functions
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.actors import actor_of
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.store import Store
from engine.store.transaction import Transaction
from engine.web.pages.routes import page_routes
from tests.databases import fill

T = TypeVar("T")

FOLDER = Path(__file__).parent / "desk"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)  # noon in Shanghai

SUPPLIERS = [("S101", "浙江金盛建材集团"), ("S102", "上海华泰机电有限公司"), ("S103", "Acme Industrial GmbH")]
ITEMS = [("P200", "不锈钢球阀 DN25", "186"), ("P201", "变频器 5.5kW", "2650"), ("P202", "温控器 TC-100", "215.5")]
PEOPLE = {"clerk": "李强", "boss": "王芳", "guest": "Guest", "buyer": "赵采", "administrator": "管理员"}

#: The strictest policy that the pages must live with.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Desk:
    """The running application. ``who`` is who makes the requests: a login, or None for nobody."""

    def __init__(self, engine: Engine, clock: SetClock) -> None:
        self.engine = engine
        self.clock = clock
        self.who: str | None = "clerk"
        self.people: dict[str, str] = {}
        self.application = Starlette(routes=page_routes(engine), middleware=[Middleware(_AsSomebody, desk=self)])

    def write(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, committed."""
        return self.engine.database.write(work).result()

    def put(self, model: str, **values: Any) -> Record:
        """A record that is simply there."""
        return self.write(lambda tx: self.engine.service.create(tx, SYSTEM, model, values))

    def actor(self, login: str) -> Actor:
        """That person as the actor of requests."""
        return self.engine.database.read(lambda tx: actor_of(self.engine.service, tx, self.people[login]))

    def request(self, **values: Any) -> Record:
        """A request of the clerk's, with one line unless said otherwise."""
        plain = {"supplier": "S101", "wanted": "2026-12-24", "lines": [{"item": "P201", "quantity": "2"}], **values}
        return self.write(lambda tx: self.engine.service.create(tx, self.actor("clerk"), "request", plain))

    def fire(self, record: Record, event: str, who: str = "clerk", **put_in: Any) -> Record:
        """The record after the event."""
        return self.write(
            lambda tx: self.engine.service.fire(tx, self.actor(who), "request", record["id"], event, put_in)
        )

    def read(self, key: str) -> Record:
        """The request as it is stored."""
        return self.engine.database.read(
            lambda tx: self.engine.reading.get(tx, SYSTEM, "request", key, expand=["supplier", "lines.item"])
        )


@cache
def definitions() -> Catalog:
    """The definitions of the desk, read once for all tests."""
    return load(FOLDER)


@contextmanager
def open_desk(folder: Path, *, url: str | None = None, app_dir: Path | None = None) -> Iterator[Desk]:
    """The application with its master data on a database of its own, which lies in the folder or at the URL.

    ``app_dir``: another copy of the definitions, which a test may change."""
    url = url or f"sqlite:///{folder / 'desk.db'}"
    clock = SetClock(NOON)
    holder = CatalogHolder(FOLDER, catalog=definitions()) if app_dir is None else CatalogHolder(app_dir)
    fill(url, f"desk {holder.current.fingerprint}", partial(_furnish, holder.current))
    database = Database.open(url, durable=False)
    try:
        desk = Desk(Engine(holder, database, clock), clock)
        people = database.read(lambda tx: desk.engine.service.store.query.find(tx, "user", limit=100))
        desk.people |= {each["login"]: each["id"] for each in people}
        yield desk
    finally:
        database.close()


def _furnish(catalog: Catalog, url: str) -> None:
    """Makes the tables, and the master data."""
    database, clock = Database.open(url, durable=False), SetClock(NOON)
    Store(catalog, database).tables.metadata.create_all(database.engine)
    if database.dialect == "postgresql":
        with database.engine.begin() as connection:
            install_functions(connection)
    desk = Desk(Engine(CatalogHolder(FOLDER, catalog=catalog), database, clock), clock)
    for login, name in PEOPLE.items():
        desk.put("user", login=login, name=name, roles=[{"role": login}])
    for code, name in SUPPLIERS:
        desk.put("supplier", code=code, name=name, phone="13800001234")
    for code, name, price in ITEMS:
        desk.put("item", code=code, name=name, price=price)
    database.close()


@contextmanager
def serve(application: ASGIApp) -> Iterator[str]:
    """The address at which a real server serves the application."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class _AsSomebody:
    """In the place of sessions: requests come from the desk's ``who``. Sends the policy that browsers must obey."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self.app = app
        self.desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        if scope["type"] == "http":
            scope.setdefault("state", {})["actor"] = self.desk.actor(self.desk.who) if self.desk.who else None
        await self.app(scope, receive, sealed)
