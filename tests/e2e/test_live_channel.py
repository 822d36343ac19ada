"""A channel while the server runs: one file is copied into the application, and its payload is accepted."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner

from engine.cli import app
from tests.serving import ROOT, Served, copy_of_application, serve, until

CHANNEL = ROOT / "tests/reference/group_buying_intake.yaml"
SECRET = "between the platform and us"

#: The server goes by the clock of this machine, so what arrives is from yesterday, whenever that is.
YESTERDAY = (datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=1)).date()
TODAY = YESTERDAY + timedelta(days=1)


def of_yesterday(payload: Path) -> bytes:
    """A payload of 2026-11-22, as if it had been written yesterday."""
    return payload.read_bytes().replace(b"2026-11-22", YESTERDAY.isoformat().encode())


PAYLOAD = of_yesterday(ROOT / "tests/reference/payloads/group_buying.json")
WEB_SHOP = of_yesterday(ROOT / "definitions/tests/payloads/ecommerce.json")

#: What the payload speaks of, and no file can know.
RECORDS: list[tuple[str, dict[str, Any]]] = [
    ("gb_leader", {"code": "L01", "name": "团长"}),
    ("gb_pickup", {"code": "PU-310115-007", "leader": "L01", "address": "花木路 7 号", "region_code": "310115"}),
    ("gb_batch", {"batch_no": "B20261122-L01", "leader": "L01", "cutoff": f"{YESTERDAY}T23:00:00+08:00"}),
    ("product", {"code": "G-8801", "name": "车厘子 1kg", "list_price": "39.90", "cost": "25.00"}),
    ("product", {"code": "G-8802", "name": "三文鱼 500g", "list_price": "55.50", "cost": "38.00"}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the application."""
    return copy_of_application(tmp_path)


@pytest.fixture
def server(folder: Path) -> Iterator[Served]:
    """It, running."""
    with serve(folder, "--demo", environment={"GROUP_BUYING_SECRET": SECRET}) as served:
        yield served


@pytest.fixture
def admin(server: Served) -> Iterator[httpx.Client]:
    """Somebody who may do everything."""
    with server.visitor("admin") as client:
        yield client


def arrive(server: Served, body: bytes = PAYLOAD) -> httpx.Response:
    """The answer to a payload of the new channel, signed."""
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": signature}
    return httpx.post(f"{server.address}/intake/group_buying", content=body, headers=headers, timeout=60)


def put(admin: httpx.Client, model: str, values: dict[str, Any]) -> None:
    answer = admin.post(f"/api/{model}", json=values)
    assert answer.status_code == 201, answer.text


def channels(admin: httpx.Client) -> set[str]:
    """The channels whose address the API describes."""
    return {path for path in admin.get("/openapi.json").json()["paths"] if path.startswith("/intake/")}


def test_a_file_makes_a_channel_without_a_restart(server: Served, admin: httpx.Client, folder: Path) -> None:
    before = channels(admin)
    assert arrive(server).status_code == 404
    shutil.copy(CHANNEL, folder / "definitions")
    until(lambda: arrive(server).status_code == 200, "the channel")
    assert channels(admin) == {*before, "/intake/group_buying"}
    for model, values in RECORDS:
        put(admin, model, values)
    [item] = arrive(server).json()["items"]
    assert item["result"] == "created", item
    record = admin.get(f"/api/order/{item['record']}", params={"expand": "batch,customer"}).json()
    assert (record["channel_order_no"], record["payable_amount"]) == ("GB261122000317", "130.00")
    assert record["required_delivery_at"] == f"{TODAY}T08:00:00Z"  # 16:00 in Shanghai
    assert record["batch"]["batch_no"] == "B20261122-L01"
    assert arrive(server).json()["counts"] == {"duplicate": 1}
    refused = httpx.post(f"{server.address}/intake/group_buying", content=PAYLOAD, headers={"X-Signature": "0" * 64})
    assert refused.status_code == 401


def test_the_other_channels_are_as_they_were(server: Served, admin: httpx.Client, folder: Path) -> None:
    shop = json.loads(WEB_SHOP)

    made = CliRunner().invoke(app, ["--app", str(folder), "token", "create", "admin", "--name", "shop"])
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}

    def sell(number: str) -> dict[str, Any]:
        shop["trade"]["tid"] = number
        answer = httpx.post(f"{server.address}/intake/ecommerce", json=shop, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["items"][0]
        return found

    first = sell("live-1")
    shutil.copy(CHANNEL, folder / "definitions")
    until(lambda: arrive(server).status_code == 200, "the channel")
    second = sell("live-2")
    assert (first["result"], second["result"]) == ("created", "created")
    old, new = (admin.get(f"/api/order/{item['record']}").json() for item in (first, second))
    assert old["status"] == new["status"]
    assert old["payable_amount"] == new["payable_amount"]


def test_with_one_mistake_in_it_nothing_of_it_loads(server: Served, admin: httpx.Client, folder: Path) -> None:
    before = channels(admin), admin.get("/readyz").json()["definitions"]["fingerprint"]
    text = CHANNEL.read_text("utf-8")
    file = folder / "definitions" / CHANNEL.name
    file.write_text(text.replace("discount_amount: {from", "discount_amout: {from"), "utf-8")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "discount_amount: {from" in line)
    server.said(f"definitions/{CHANNEL.name}:{line}:3: E303 order has no field 'discount_amout'")
    definitions = admin.get("/readyz").json()["definitions"]
    assert (channels(admin), definitions["fingerprint"]) == before
    assert definitions["files"] == "refused"
    assert arrive(server).status_code == 404
    assert admin.get("/api/gb_pickup").status_code == 404
    assert admin.get("/api/order?limit=1").status_code == 200
    file.write_text(text, "utf-8")
    until(lambda: arrive(server).status_code == 200, "the mended channel")
