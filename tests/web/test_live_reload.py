"""A channel while the server runs: one file more, and its payload is accepted; with a mistake in it, nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_desk import Api, code, give_passwords, open_api
from tests.web.channel_files import PORTAL, SHEET, add_channel, definitions_copy, signed, wish
from tests.web.desk_app import open_desk

#: Nothing is measured: so long is waited before a change is taken for lost.
PATIENCE = 60.0

#: What a channel may bring along: a model of its own, and fields for the model that it feeds.
MORE = """
---
model: cost_centre
key: code
fields: {code: {type: text, max: 10, required: true, unique: true}, name: text}
---
extend: request
fields: {cost_centre: {type: link, to: cost_centre}}
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The desk, watching its files, with one channel."""
    app_dir = definitions_copy(tmp_path, portal=PORTAL)
    with open_desk(tmp_path, app_dir=app_dir) as desk, open_api(desk) as opened:
        desk.engine.prepare()
        desk.engine.holder.start(0.02)
        yield opened
        desk.engine.holder.stop()


def folder(api: Api) -> Path:
    return api.desk.engine.holder.app_dir


def until(wanted: Callable[[], Any]) -> Any:
    """What is wanted, once it is there."""
    end = time.monotonic() + PATIENCE
    while not (found := wanted()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def ready(api: Api, who: str | None = "administrator") -> Any:
    return api.get("/readyz", who).json()["definitions"]


def test_a_new_channel_serves_without_a_restart(api: Api) -> None:
    csv = {"content": b"No,On,Item,Quantity\nA1,2026-12-24,P201,2\n", "headers": {"Content-Type": "text/csv"}}
    assert code(api.send("POST", "/intake/sheet", "administrator", **csv)) == (404, "NOT_FOUND")
    add_channel(folder(api), "sheet", SHEET + MORE)
    until(lambda: "/intake/sheet" in api.get("/openapi.json").json()["paths"])
    answer = api.send("POST", "/intake/sheet", "administrator", **csv)
    assert answer.json()["counts"] == {"created": 1}
    assert api.post("/api/cost_centre", {"code": "C1"}, "administrator").status_code == 201
    record = answer.json()["items"][0]["record"]
    changed = api.patch(f"/api/request/{record}", {"cost_centre": "C1"}, "administrator")
    assert changed.status_code == 200
    assert api.client.post("/intake/portal", **signed([wish("W1")])).json()["counts"] == {"created": 1}


def test_a_mistake_leaves_everything_as_it_was(api: Api) -> None:
    before = ready(api)["fingerprint"]
    add_channel(folder(api), "sheet", SHEET.replace("$.Item", "$.Item, colour: $.Colour"))
    [problem] = until(lambda: ready(api).get("problems"))
    assert "definitions/channels/sheet.yaml:10:50: E303" in problem
    assert "colour" in problem
    assert ready(api)["fingerprint"] == before
    assert ready(api)["files"] == "refused"
    assert api.get("/readyz", None).status_code == 200, "what served before goes on serving"
    assert "problems" not in ready(api, None), "definitions are nobody else's business"
    assert "problems" not in ready(api, "clerk")
    give_passwords(api)
    for who, told in (("administrator", True), ("clerk", False)):
        api.log_in(who)
        assert ("sheet.yaml:10:50: E303" in api.client.get("/m/request").text) == told
    assert "definition_problems 1.0" in api.get("/metrics").text
    assert code(api.client.post("/intake/sheet", content=b"x")) == (404, "NOT_FOUND")
    assert api.client.post("/intake/portal", **signed([wish("W1")])).json()["counts"] == {"created": 1}
    add_channel(folder(api), "sheet", SHEET)
    until(lambda: "/intake/sheet" in api.get("/openapi.json").json()["paths"])
    assert ready(api)["files"] == "in use"


def test_what_takes_something_away_waits(api: Api) -> None:
    path = folder(api) / "definitions" / "desk.yaml"
    text = path.read_text("utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("days:")]
    changed = "".join(lines).replace(
        "supplier_days: {type: lookup, from: supplier.days", "supplier_days: {type: integer"
    )
    path.write_text(changed.replace(", supplier.days, status", ", status"), "utf-8")
    refused = until(lambda: ready(api).get("refused") or ready(api).get("problems"))
    assert "orderloom plan" in str(refused)
    assert api.get("/api/supplier").json()["items"][0]["days"] == 7
