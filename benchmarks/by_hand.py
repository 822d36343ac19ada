"""The order by hand, without its database: what is checked, what is worked out. Shared by the
hand-written endpoints."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

CENT, MILLI, TENTH_MILLI, ZERO = Decimal("0.01"), Decimal("0.001"), Decimal("0.0001"), Decimal(0)
ORDER_TYPES = {"retail", "wholesale", "replenish", "group", "presale", "exchange"}
TERMS = {"prepaid", "cod", "net7", "net30", "net45", "net60", "monthly"}
SETTLEMENT = {"platform", "statement", "immediate", "consignment", "commission"}
MODES = {"express", "freight", "store_delivery", "carry_out", "next_day_pickup"}
RATES = {Decimal("0.13"), Decimal("0.09"), Decimal("0.06"), Decimal("0.03"), ZERO}


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


def worked_out(
    body: dict[str, Any], now: datetime, products: dict[str, Any], units: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values of the header and of the lines. ``products`` are (id, …) by code, ``units`` ids by code."""
    values = header(body, now)
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
    amounts = {"goods_amount": goods, "tax_amount": tax, "payable_amount": payable, "open_amount": payable}
    return {**values, **amounts, "priced_by": "channel"}, lines
