"""The model document of the order holds exactly the 32 agreed fields: what else is needed stands in extensions."""

from __future__ import annotations

from pathlib import Path

import yaml

from engine.catalog.catalog import Catalog
from engine.fields.rows import RowsField

#: The agreed vocabulary, in its order.
HEADER = [
    "order_no", "channel", "channel_order_no", "shop_code", "order_type", "customer", "order_time", "currency",
    "goods_amount", "discount_amount", "freight_amount", "tax_amount", "payable_amount", "paid_amount", "payment_terms",
    "settlement_mode", "consignee_name", "consignee_phone", "region_code", "delivery_address", "delivery_mode",
    "required_delivery_at", "invoice_profile", "insured_amount",
]  # fmt: skip
LINE = ["sku", "line_no", "quantity", "uom", "unit_price", "line_discount", "tax_rate", "line_amount"]


def test_the_order_has_exactly_the_agreed_fields(root: Path) -> None:
    document = yaml.safe_load((root / "definitions/models/order.yaml").read_text("utf-8"))
    fields = document["fields"]
    assert [name for name in fields if name != "lines"] == HEADER
    assert list(fields["lines"]["of"]) == LINE
    assert len(HEADER) + len(LINE) == 32


def test_links_lead_where_they_should(application: Catalog) -> None:
    order = application.fields("order")
    lines = order["lines"]
    assert isinstance(lines, RowsField)
    targets = {name: field.target for name in ("channel", "customer") if hasattr(field := order[name], "target")}
    assert targets == {"channel": "channel", "customer": "customer"}
    assert {name: lines.of[name].target for name in ("sku", "uom")} == {"sku": "product", "uom": "uom"}  # type: ignore[attr-defined]


def test_what_fulfilment_counts_is_nobodys_to_put_in(application: Catalog) -> None:
    lines = application.row_fields("order", ("lines",))
    counters = ("reserved", "shipped", "delivered", "cancelled", "returned", "invoiced", "allocated_discount")
    assert all(lines[name].read_only for name in counters)
    assert not lines["quantity"].read_only
