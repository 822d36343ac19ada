"""The demo company: orders in every state, held for every reason, and only sown once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.catalog import Catalog
from engine.ports import Record
from engine.runtime.clock import SetClock
from engine.runtime.masters import write_masters
from engine.runtime.scratch import Scratch, scratch
from engine.runtime.seed import Seed, Sower, read_seeds
from engine.runtime.service import Service

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def seeds(application: Catalog, root: Path) -> list[Seed]:
    """The seeds of the demo."""
    return read_seeds(root / "examples/demo", application.vocabulary)


@pytest.fixture(scope="module")
def company(application: Catalog, root: Path, seeds: list[Seed]) -> Iterator[tuple[Scratch, Sower]]:
    """A database with the demo in it, and what has sown it."""
    with scratch(application) as database:
        service = Service(application, database.store, SetClock(NOW), lambda *_: application)
        database.database.write(lambda tx: write_masters(tx, service)).result()
        sower = Sower(service, database.database, root)
        assert sower.sow(seeds)
        yield database, sower


def records(company: tuple[Scratch, Sower], model: str, /, **equal: Any) -> list[Record]:
    """The records of a model whose fields equal these values."""
    store = company[0].store
    return company[0].database.read(lambda tx: store.query.equal(tx, model, equal, limit=1_000))


def test_orders_stand_in_every_state(company: tuple[Scratch, Sower], application: Catalog) -> None:
    states = Counter(order["status"] for order in records(company, "order", currency="CNY"))
    passing = {"submitted", "amending", "refused", "kept"}  # left in the act that enters them
    assert set(states) == set(application.states("order")) - passing
    assert sum(states.values()) > 40


def test_some_are_held_for_each_reason(company: tuple[Scratch, Sower]) -> None:
    held = Counter((hold["name"], hold["assignee_role"]) for hold in records(company, "hold", model="order"))
    assert set(held) == {
        ("credit", "finance"), ("price", "pricing"), ("compliance", "compliance"), ("order_risk", "risk"),
        ("stock", "sales_manager"),  # the planner has had it for too long
        ("no_scan", "warehouse"),
    }  # fmt: skip


def test_they_have_a_past_and_no_future(company: tuple[Scratch, Sower]) -> None:
    times = [order["order_time"] for order in records(company, "order", currency="CNY")]
    assert max(times) <= NOW
    assert NOW - min(times) > timedelta(days=5)


def test_stock_adds_up(company: tuple[Scratch, Sower]) -> None:
    open_parts = Counter[str]()
    for part in records(company, "reservation", state="open"):
        open_parts[part["stock"]["id"]] += part["quantity"]
    shelves = {shelf["id"]: shelf for shelf in company[0].database.read(lambda tx: _all(company[0], tx, "stock"))}
    assert open_parts
    assert {key: shelves[key]["reserved"] for key in open_parts} == dict(open_parts)


def test_a_second_time_it_changes_nothing(company: tuple[Scratch, Sower], seeds: list[Seed]) -> None:
    before = len(records(company, "order", currency="CNY"))
    assert not company[1].sow(seeds)
    assert len(records(company, "order", currency="CNY")) == before


def _all(database: Scratch, tx: Any, model: str) -> list[Record]:
    found: list[Record] = database.store.query.find(tx, model, where=None, names={}, limit=1_000)
    return found
