"""The hand-written endpoint: what a good programmer writes for this one model, with fast libraries and no engine.

It answers ``POST /api/order`` with the same checks, the same arithmetic and the same rows in the same tables as the reference
application: the order, its lines, the case, the entry of the event log, the history. One process, one connection, one commit
for each order, as such code is written.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any

import msgspec
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CENT, MILLI, TENTH_MILLI, ZERO = Decimal("0.01"), Decimal("0.001"), Decimal("0.0001"), Decimal(0)
ORDER_TYPES = {"retail", "wholesale", "replenish", "group", "presale", "exchange"}
TERMS = {"prepaid", "cod", "net7", "net30", "net45", "net60", "monthly"}
SETTLEMENT = {"platform", "statement", "immediate", "consignment", "commission"}
MODES = {"express", "freight", "store_delivery", "carry_out", "next_day_pickup"}
RATES = {Decimal("0.13"), Decimal("0.09"), Decimal("0.06"), Decimal("0.03"), ZERO}

decode = msgspec.json.Decoder(float_hook=Decimal).decode
connection = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=FULL")
connection.execute("PRAGMA foreign_keys=ON")


def columns(table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def insert(table: str) -> tuple[str, list[str]]:
    names = columns(table)
    return f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})', names


ORDER, ORDER_COLUMNS = insert("order")
LINE, LINE_COLUMNS = insert("order__lines")
CASE, CASE_COLUMNS = insert("case")
EVENT, EVENT_COLUMNS = insert("event")
HISTORY, HISTORY_COLUMNS = insert("history")
tokens: dict[str, str] = {}
strides = 0


def new_key() -> str:
    number = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | 2 << 62 | int.from_bytes(os.urandom(7), "big")
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def scaled(value: Decimal, digits: int) -> int:
    return int(value.scaleb(digits))


class Bad(Exception):
    pass


def number(raw: Any, unit: Decimal, least: Decimal | None = None) -> Decimal:
    value = Decimal(raw).quantize(unit)
    if least is not None and value < least:
        raise Bad("too small")
    return value


def text(raw: Any, most: int) -> str:
    if not isinstance(raw, str) or not 0 < len(raw) <= most or not raw.isprintable():
        raise Bad("text")
    return raw


def moment(raw: Any) -> datetime:
    return datetime.fromisoformat(raw).astimezone(UTC)


def stamp(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond:06}Z"


def user_of(request: Request) -> str:
    token = request.headers["authorization"].removeprefix("Bearer ")
    digest = sha256(token.encode()).hexdigest()
    known = tokens.get(digest)
    if known is None:
        row = connection.execute(
            'SELECT "user" FROM _token WHERE hash = ? AND revoked_at IS NULL', (digest,)
        ).fetchone()
        known = tokens[digest] = row[0]
    return known


def header(body: dict[str, Any], now: datetime) -> dict[str, Any]:
    if body["order_type"] not in ORDER_TYPES or body["payment_terms"] not in TERMS:
        raise Bad("choice")
    if body["settlement_mode"] not in SETTLEMENT or body["delivery_mode"] not in MODES:
        raise Bad("choice")
    ordered, wanted = moment(body["order_time"]), moment(body["required_delivery_at"])
    if ordered > now + timedelta(minutes=5) or wanted <= ordered:
        raise Bad("time")
    region = text(body["region_code"], 6)
    if len(region) != 6 or not region.isdigit() or region[0] == "0":
        raise Bad("region")
    return {
        "channel_order_no": text(body["channel_order_no"], 64),
        "shop_code": text(body["shop_code"], 32),
        "order_type": body["order_type"],
        "payment_terms": body["payment_terms"],
        "settlement_mode": body["settlement_mode"],
        "delivery_mode": body["delivery_mode"],
        "order_time": ordered,
        "required_delivery_at": wanted,
        "currency": "CNY",
        "consignee_name": text(body["consignee_name"], 64),
        "consignee_phone": text(body["consignee_phone"], 64),
        "region_code": region,
        "delivery_address": text(body["delivery_address"], 256),
        "discount_amount": number(body["discount_amount"], CENT, ZERO),
        "freight_amount": number(body["freight_amount"], CENT, ZERO),
        "paid_amount": ZERO,
        "insured_amount": ZERO,
    }


def line_values(raw: dict[str, Any], position: int, products: dict[str, Any], units: dict[str, Any]) -> dict[str, Any]:
    product = products[raw["sku"]]
    quantity = number(raw["quantity"], MILLI)
    if quantity <= 0:
        raise Bad("quantity")
    price = number(raw["unit_price"], TENTH_MILLI, ZERO)
    gross = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    discount = number(raw["line_discount"], CENT, ZERO)
    if discount > gross:
        raise Bad("discount")
    rate = number(raw["tax_rate"], CENT)
    if rate not in RATES:
        raise Bad("rate")
    return {
        "id": new_key(), "sku": product[0], "line_no": position + 1, "quantity": quantity, "uom": units[raw["uom"]],
        "unit_price": price, "line_discount": discount, "tax_rate": rate, "line_amount": gross - discount,
        "base_quantity": quantity, "agreed_price": None,
    }  # fmt: skip


def spread(amount: Decimal, lines: list[dict[str, Any]]) -> None:
    total = sum(line["line_amount"] for line in lines)
    units = int(amount * 100)
    exact = [units * line["line_amount"] / total for line in lines]
    parts = [value.to_integral_value(ROUND_FLOOR) for value in exact]
    left = int(units - sum(parts))
    for at in sorted(range(len(lines)), key=lambda at: parts[at] - exact[at])[:left]:
        parts[at] += 1
    for line, part in zip(lines, parts, strict=True):
        line["allocated_discount"] = part * CENT


LINE_DIGITS = {
    "quantity": 3, "unit_price": 4, "line_discount": 2, "tax_rate": 2, "line_amount": 2, "allocated_discount": 2,
    "tax_amount": 2, "base_quantity": 3,
}  # fmt: skip
MONEY = (
    "goods_amount",
    "discount_amount",
    "freight_amount",
    "tax_amount",
    "payable_amount",
    "paid_amount",
    "insured_amount",
    "open_amount",
)
COUNTERS = ("reserved", "shipped", "delivered", "cancelled", "returned", "invoiced")


def default(value: Any) -> Any:
    return str(value)


async def post_order(request: Request) -> Response:
    user = user_of(request)
    body = decode(await request.body())
    now = datetime.now(UTC)
    run = connection.execute
    run("BEGIN IMMEDIATE")
    try:
        values = header(body, now)
        customer = run("SELECT id, credit_limit, blocked FROM customer WHERE code = ?", (body["customer"],)).fetchone()
        channel = run("SELECT id FROM channel WHERE code = ?", (body["channel"],)).fetchone()
        codes = orjson.dumps([line["sku"] for line in body["lines"]]).decode()
        products = {
            row[1]: row
            for row in run(
                "SELECT id, code, tax_rate, list_price, cost, uom FROM product WHERE code IN (SELECT value FROM json_each(?))",
                (codes,),
            )
        }
        units = dict(
            run(
                "SELECT code, id FROM uom WHERE code IN (SELECT value FROM json_each(?))",
                (orjson.dumps([line["uom"] for line in body["lines"]]).decode(),),
            ).fetchall()
        )
        lines = [line_values(line, position, products, units) for position, line in enumerate(body["lines"])]
        goods = sum((line["line_amount"] for line in lines), ZERO)
        if values["discount_amount"] > goods:
            raise Bad("discount")
        spread(values["discount_amount"], lines)
        for line in lines:
            rate = line["tax_rate"]
            net = line["line_amount"] - line["allocated_discount"]
            line["tax_amount"] = (net * rate / (1 + rate)).quantize(CENT, ROUND_HALF_UP)
        tax = sum((line["tax_amount"] for line in lines), ZERO)
        payable = goods - values["discount_amount"] + values["freight_amount"]
        day = (now + timedelta(hours=8)).strftime("%Y%m%d")
        serial = run(
            "INSERT INTO _sequence VALUES ('order.order_no', ?, 2) ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next - 1",
            (day,),
        ).fetchone()[0]
        key, at = new_key(), stamp(now)
        values |= {
            "id": key, "version": 1, "status": "draft", "owner": user, "created_at": at, "created_by": user, "updated_at": at,
            "order_no": f"SO{day}{serial:06}", "channel": channel[0], "customer": customer[0], "goods_amount": goods,
            "tax_amount": tax, "payable_amount": payable, "open_amount": payable, "priced_by": "channel",
        }  # fmt: skip
        stored = {
            **values,
            "order_time": stamp(values["order_time"]),
            "required_delivery_at": stamp(values["required_delivery_at"]),
        }
        for name in MONEY:
            stored[name] = scaled(values[name], 2)
        stored["all_reserved"] = 0
        run(ORDER, [stored.get(name) for name in ORDER_COLUMNS])
        rows = []
        for position, line in enumerate(lines):
            row = {**line, "_parent": key, "_position": position, **dict.fromkeys(COUNTERS, 0)}
            for name, digits in LINE_DIGITS.items():
                row[name] = scaled(line[name], digits)
            rows.append([row.get(name) for name in LINE_COLUMNS])
        connection.executemany(LINE, rows)
        base = {"version": 1, "created_at": at, "updated_at": at, "at": at, "model": "order", "record": key}
        case = {
            **base,
            "id": new_key(),
            "workflow": "order_lifecycle",
            "workflow_version": "1",
            "definitions": "1",
            "state": "draft",
            "started_at": at,
        }
        run(CASE, [case.get(name) for name in CASE_COLUMNS])
        event = {**base, "id": new_key(), "actor": user, "actor_name": "bench", "name": "create", "to_state": "draft"}
        run(EVENT, [event.get(name) for name in EVENT_COLUMNS])
        changes = {name: [None, value] for name, value in values.items() if value is not None}
        changes |= {f"lines.[{line['id']}]": [None, line] for line in lines}
        told = {
            **base,
            "id": new_key(),
            "actor": user,
            "actor_name": "bench",
            "record_version": 1,
            "act": "create",
            "event": event["id"],
            "changes": orjson.dumps(changes, default=default).decode(),
            "definitions": "1",
        }
        run(HISTORY, [told.get(name) for name in HISTORY_COLUMNS])
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    answer = {**values, "lines": lines}
    return Response(
        orjson.dumps(answer, default=default),
        201,
        media_type="application/json",
        headers={"etag": '"1"', "location": f"/api/order/{key}"},
    )


app = Starlette(routes=[Route("/api/order", post_order, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
