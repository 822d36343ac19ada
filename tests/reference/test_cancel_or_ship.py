"""One cancels while another ships, through HTTP: the first commit wins, the other is told, and nothing is half done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction
from tests.reference.at_once import serving

ORDERS = 12


def fill(engine: Engine, tx: Transaction) -> list[str]:
    """The ids of packed orders."""
    service = engine.service

    def put(model: str, **values: Any) -> str:
        return str(service.create(tx, SYSTEM, model, values)["id"])

    put("uom", code="EA", name="件")
    put("product", code="A", name="A", list_price="10.00")
    put("warehouse", code="DC", kind="dc")
    put("stock", warehouse="DC", sku="A", on_hand=str(ORDERS))
    put("customer", code="C", name="C", credit_limit="1000")
    person = {"consignee_name": "张伟", "consignee_phone": "1", "delivery_address": "某处"}
    packed = []
    for number in range(ORDERS):
        plain: dict[str, Any] = {"channel_order_no": f"NO-{number}", "customer": "C", "order_type": "retail", **person}
        packed.append(put("order", **plain, lines=[{"sku": "A", "quantity": "1"}]))
        for event in ("submit", "pick", "pack"):
            service.fire(tx, SYSTEM, "order", packed[-1], event)
    return packed


def test_the_first_commit_wins(root: Path, database_url: str) -> None:
    with (
        serving(root, database_url, fill) as (client, orders),
        ThreadPoolExecutor(2 * ORDERS) as pool,
    ):

        def fire(key: str, event: str) -> Any:
            body = {"reason": "改主意"} if event == "cancel" else {}
            return client.post(f"/api/order/{key}/events/{event}", json=body)

        # Which of the two is sent first changes from one order to the next.
        pairs = [("cancel", "ship") if number % 2 else ("ship", "cancel") for number in range(ORDERS)]
        sent = [
            {event: pool.submit(fire, key, event) for event in events}
            for key, events in zip(orders, pairs, strict=True)
        ]
        shipped = 0
        for key, answers in zip(orders, sent, strict=True):
            ship, cancel = answers["ship"].result(), answers["cancel"].result()
            assert sorted((ship.status_code, cancel.status_code)) == [200, 409]
            loser = cancel if ship.status_code == 200 else ship
            assert loser.json()["code"] == "TRANSITION_REFUSED"
            order = client.get(f"/api/order/{key}").json()
            if ship.status_code == 200:
                shipped += 1
                assert (order["status"], order["cancel_reason"]) == ("shipped", None)
                stopped = fire(key, "intercept")
                assert stopped.status_code == 422, "a reason is needed"
                stopped = client.post(f"/api/order/{key}/events/intercept", json={"reason": "改主意"})
                assert stopped.status_code == 200
            else:
                assert (order["status"], order["cancel_reason"]) == ("cancelled", "改主意")
        [shelf] = client.get("/api/stock").json()["items"]
        assert (shelf["on_hand"], shelf["reserved"]) == (f"{ORDERS - shipped}.000", "0.000")
        holds = client.get("/api/hold?fields=name,assignee_role").json()["items"]
        assert [(hold["name"], hold["assignee_role"]) for hold in holds] == [("intercept", "warehouse")] * shipped
