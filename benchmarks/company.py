"""A small company in a database: what the measurements of requests work on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.catalog.reload import CatalogHolder
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.transaction import Transaction

ROOT = Path(__file__).parent.parent
PRODUCTS = 200


@dataclass(frozen=True)
class Company:
    """The database's URL, and a token of a user who may do everything."""

    url: str
    token: str


def found(url: str) -> Company:
    """A company with customers, products and a token, in an empty database."""
    database = Database.open(url)
    engine = Engine(CatalogHolder(ROOT), database)
    engine.prepare()
    service = engine.service

    def make(tx: Transaction) -> str:
        def put(model: str, **values: Any) -> dict[str, Any]:
            return service.create(tx, SYSTEM, model, values)

        put("uom", code="EA", name="个")
        for number in range(50):
            put("customer", code=f"C{number:03}", name=f"客户 {number}", group="dealer", credit_limit="5000000")
        for number in range(PRODUCTS):
            price = Decimal(10 + number)
            put(
                "product",
                code=f"P{number:03}",
                name=f"商品 {number}",
                uom="EA",
                tax_rate="0.13",
                cost="5",
                list_price=price,
            )
        user = put("user", login="bench", name="Bench", roles=[{"role": "admin"}])
        return Logins(database, engine.clock).new_token(tx, user["id"], "bench").text

    token = engine.write(make)
    database.close()
    return Company(url, token)


@contextmanager
def opened() -> Iterator[tuple[Engine, Path]]:
    """The company's engine on an SQLite file of its own, and that file: for what is measured without a server."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.db")
        found(f"sqlite:///{path}")
        database = Database.open(f"sqlite:///{path}")
        engine = Engine(CatalogHolder(ROOT), database)
        engine.prepare()
        try:
            yield engine, path
        finally:
            database.close()


def order(number: int, lines: int) -> dict[str, Any]:
    """The body of a request for a new order."""
    return {
        "channel": "direct",
        "channel_order_no": f"B{number}",
        "shop_code": "BENCH",
        "order_type": "wholesale",
        "customer": f"C{number % 50:03}",
        "order_time": "2026-11-20T08:00:00Z",
        "payment_terms": "net30",
        "settlement_mode": "statement",
        "consignee_name": "王小明",
        "consignee_phone": "13800000001",
        "region_code": "310115",
        "delivery_address": "上海市浦东新区世纪大道 100 号",
        "delivery_mode": "freight",
        "required_delivery_at": "2026-12-01T08:00:00Z",
        "discount_amount": "10.00",
        "freight_amount": "25.00",
        "lines": [
            {
                "sku": f"P{(number * 7 + line) % PRODUCTS:03}",
                "quantity": f"{line + 1}.000",
                "uom": "EA",
                "unit_price": f"{20 + line}.50",
                "line_discount": "0.50",
                "tax_rate": "0.13",
            }
            for line in range(lines)
        ],
    }
