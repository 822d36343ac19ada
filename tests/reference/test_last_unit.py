"""Fifty clients want the last unit at the same time, through HTTP: one gets it, and nobody's order is lost."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction
from tests.reference.at_once import serving

CLIENTS = 50


def fill(engine: Engine, tx: Transaction) -> list[str]:
    """The ids of orders, each of a customer of its own."""

    def put(model: str, **values: Any) -> str:
        return str(engine.service.create(tx, SYSTEM, model, values)["id"])

    put("uom", code="EA", name="件")
    put("product", code="LAST", name="最后一件", list_price="10.00")
    for code in ("DC-1", "DC-2"):
        put("warehouse", code=code, kind="dc")
    put("stock", warehouse="DC-1", sku="LAST", on_hand="1")
    put("stock", warehouse="DC-2", sku="LAST", on_hand="0")
    orders = []
    for number in range(CLIENTS):
        put("customer", code=f"C{number}", name=f"客户 {number}", credit_limit="1000")
        orders.append(
            put(
                "order",
                channel_order_no=f"NO-{number}",
                customer=f"C{number}",
                order_type="retail",
                consignee_name="张伟",
                consignee_phone="1",
                delivery_address="某处",
                lines=[{"sku": "LAST", "quantity": "1"}],
            )
        )
    return orders


def test_the_last_unit_goes_to_one_of_fifty(root: Path, database_url: str) -> None:
    with (
        serving(root, database_url, fill) as (client, orders),
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        answers = list(pool.map(lambda key: client.post(f"/api/order/{key}/events/submit", json={}), orders))
        assert [answer.status_code for answer in answers] == [200] * CLIENTS, answers[0].text
        found = client.get("/api/order?limit=100&fields=status,all_reserved,lines").json()["items"]
        assert Counter(order["status"] for order in found) == {"scheduled": 1, "approved": CLIENTS - 1}
        [winner] = [order for order in found if order["status"] == "scheduled"]
        holds = client.get("/api/hold?limit=100&fields=record,name,assignee_role").json()["items"]
        assert {hold["record"] for hold in holds} == set(orders) - {winner["id"]}
        assert {(hold["name"], hold["assignee_role"]) for hold in holds} == {("stock", "planner")}
        [shelf] = client.get('/api/stock?where=warehouse == "DC-1"').json()["items"]
        assert (shelf["on_hand"], shelf["reserved"]) == ("1.000", "1.000")
        [kept] = client.get("/api/reservation").json()["items"]
        assert (kept["order"], kept["quantity"]) == (winner["id"], "1.000")
