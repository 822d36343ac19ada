"""Definitions that change: what is in flight goes on as it began, what is new does not; companies and days differ."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.builder import FOLDERS, load
from engine.catalog.reload import CatalogHolder
from engine.errors import DefinitionError
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins
from engine.runtime.migrating import Migrations
from engine.runtime.scratch import scratch
from engine.runtime.service import SYSTEM
from engine.runtime.testing import TestRunner
from engine.store.transaction import Transaction
from tests.reference.at_once import serving

HERE = Path(__file__).parent
ROUTE = "rules/approval_route.yaml"


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A copy of the application, to change at will."""
    for folder in FOLDERS:
        shutil.copytree(root / folder, tmp_path / "app" / folder)
    return tmp_path / "app"


def test_a_second_company_and_a_limit_that_changes_at_midnight(copy: Path) -> None:
    shutil.copy(HERE / "second_company.yaml", copy / "definitions")
    text = (copy / ROUTE).read_text("utf-8")
    old, *rest = text.split("\n---\n")
    old = old[old.index("table: ") :]
    # Version by version: the old one ends on the Sunday of the tests, the new one has another limit from Monday on.
    old = old.replace("valid: {from: 2026-01-01}", "valid: {from: 2026-01-01, to: 2026-11-22}")
    new = old.replace("valid: {from: 2026-01-01, to: 2026-11-22}", "valid: {from: 2026-11-23}")
    new = new[: new.index("tests: |")].replace("100000", "500")
    (copy / ROUTE).write_text("\n---\n".join([old, new.rstrip(), *rest]), "utf-8")
    catalog = load(copy)
    own = [test for test in catalog.tests.values() if test.document.file.endswith("second_company.yaml")]
    with scratch(catalog) as database:
        results = list(TestRunner(database, copy).run(own))
    assert len(own) == 5
    assert all(result.passed for result in results), "\n".join(str(f) for result in results for f in result.failures)


class Application:
    """The application under HTTP, and its files."""

    def __init__(self, folder: Path, engine: Engine, client: Any) -> None:
        self.folder, self.engine, self.client = folder, engine, client

    def says(self, *changes: tuple[str, str]) -> bool:
        """Whether the changed files serve."""
        for path in sorted(self.folder.rglob("*.yaml")):
            text = path.read_text("utf-8")
            for old, new in changes:
                text = re.sub(old, new, text)
            path.write_text(text, "utf-8")
        return self.engine.holder.reload()

    def order(self, number: str, *events: str) -> str:
        person = {"consignee_name": "张伟", "consignee_phone": "1", "delivery_address": "某处"}
        values = {"channel_order_no": number, "customer": "C", "order_type": "retail", **person}
        answer = self.client.post("/api/order", json={**values, "lines": [{"sku": "A", "quantity": "1"}]})
        assert answer.status_code == 201, answer.text
        for event in ("submit", *events):
            self.fire(answer.json()["id"], event)
        return str(answer.json()["id"])

    def fire(self, key: str, event: str, status: int = 200) -> str:
        answer = self.client.post(f"/api/order/{key}/events/{event}", json={})
        assert answer.status_code == status, answer.text
        return str(answer.json().get("status"))

    def status(self, key: str) -> str:
        return str(self.client.get(f"/api/order/{key}").json()["status"])

    def page(self, path: str) -> str:
        """What somebody sees who reads English."""
        user = self.client.get("/api/user?login=desk").json()["items"][0]["id"]
        logins = Logins(self.engine.database, self.engine.clock)
        session = self.engine.write(lambda tx: logins.open(tx, user, None, "test"))
        answer = self.client.get(path, headers={"Accept-Language": "en", "Cookie": f"session={session}"})
        assert answer.status_code == 200, answer.text
        return str(answer.text)


def fill(engine: Engine, tx: Transaction) -> list[str]:
    def put(model: str, **values: Any) -> None:
        engine.service.create(tx, SYSTEM, model, values)

    put("uom", code="EA", name="件")
    put("product", code="A", name="A", list_price="10.00")
    put("warehouse", code="DC", kind="dc")
    put("stock", warehouse="DC", sku="A", on_hand="100")
    put("customer", code="C", name="C", credit_limit="1000")
    return []


def test_an_order_in_flight_stays_and_a_new_one_does_not(copy: Path, database_url: str) -> None:
    engines: list[Engine] = []

    def begin(engine: Engine, tx: Transaction) -> list[str]:
        engines.append(engine)
        return fill(engine, tx)

    with serving(copy, database_url, begin) as (client, _):
        shop = Application(copy, engines[0], client)
        packed, picking, shipped = (shop.order(f"V1-{n}", *events) for n, events in enumerate(
            (("pick", "pack"), ("pick",), ("pick", "pack"))
        ))  # fmt: skip
        # Version 2: what was packed is boxed, and somebody checks it first.
        checked = "to: checked}}\n  checked: {events: {pass: {to: boxed}}}"
        assert not shop.says((r"\bpacked\b", "boxed"), (r"to: boxed\}\}", checked))
        assert re.search(
            r"workflows/order_lifecycle.yaml:\d+:1: E411 2 open cases stand in 'packed' of order_lifecycle, "
            "which is gone; say `was: packed` at the state where they belong",
            str(shop.engine.holder.refused),
        )
        assert shop.order("V1-4", "pick", "pack") is not None, "the definitions before them go on to serve"
        typed = Engine(CatalogHolder(copy), shop.engine.database)
        with pytest.raises(DefinitionError, match="E411"):
            typed.apply(typed.plan(), actor=None)

        assert shop.says((r"  boxed:\n", "  boxed:\n    was: packed\n")), shop.engine.holder.problems
        new = shop.order("V2-1", "pick", "pack")
        assert [shop.status(key) for key in (new, packed)] == ["checked", "packed"]
        assert shop.fire(new, "pass") == "boxed"
        assert shop.fire(picking, "pack") == "packed", "under version 1 nobody checks"
        assert shop.fire(picking, "pass", 409) == "409"
        assert shop.fire(shipped, "ship") == "shipped"
        found = client.get("/api/order?status=packed&fields=channel_order_no").json()["items"]
        assert {order["channel_order_no"] for order in found} == {"V1-0", "V1-1", "V1-4"}
        page = shop.page(f"/m/order/{packed}")
        assert "Packed (packed)" in page
        explained = client.get(f"/api/order/{packed}/explain").text
        assert "packed" in explained

        report = Migrations(shop.engine).run("order_lifecycle")[0]
        assert report.moved[("packed", "boxed", "boxed")] == 3
        assert [shop.status(key) for key in (packed, picking, shipped, new)] == ["boxed", "boxed", "shipped", "boxed"]
        assert "Moved to another version of its workflow" in shop.page(f"/m/order/{packed}")
        assert shop.fire(packed, "ship") == "shipped"
