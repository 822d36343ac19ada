"""The heat map of the order risks over HTTP: exact cells in sequence, the way to their findings, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from starlette.testclient import TestClient

from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins
from engine.runtime.scratch import scratch
from engine.runtime.service import SYSTEM
from engine.runtime.testing import TestRunner
from engine.web.app import create_app

#: The test document in whose company the map is asked for, and its moment.
STORY = "once a dealer buys too much, each of its orders of that day is found, wherever it goes"
SUNDAY = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)

ADDRESS = "/api/risks/order_risk/heatmap"


@pytest.fixture(scope="module")
def client(application: Catalog, root: Path) -> Iterator[TestClient]:
    """What sends requests; ``tokens`` of two people, by their roles, are among its headers when they are asked for."""
    with scratch(application) as database:
        [result] = TestRunner(database, root).run([application.tests[STORY]])
        assert result.passed, [str(failure) for failure in result.failures]
        engine = Engine(CatalogHolder(root, catalog=application), database.database, SetClock(SUNDAY))
        logins = Logins(engine.database, engine.clock)
        with TestClient(create_app(engine)) as client:
            for role in ("risk", "sales"):
                values = {"login": f"for_{role}", "name": role, "roles": [{"role": role}]}
                user = engine.write(lambda tx, given=values: engine.service.create(tx, SYSTEM, "user", given))
                token = engine.write(lambda tx, whose=user["id"]: logins.new_token(tx, whose, "test"))
                client.headers[f"X-{role}"] = token.text
            yield client


def ask(client: TestClient, address: str = ADDRESS, role: str = "risk") -> tuple[int, dict]:  # type: ignore[type-arg]
    answer = client.get(address, headers={"Authorization": f"Bearer {client.headers[f'X-{role}']}"})
    return answer.status_code, answer.json()


def test_cells_come_in_sequence_and_lead_to_their_findings(client: TestClient) -> None:
    status, found = ask(client)
    assert status == 200, found
    assert [(cell["row"], cell["column"], cell["value"]) for cell in found["cells"]] == [
        ("上海", "surge", "270.0000"),
        ("浙江省", "surge", "90.0000"),
    ]
    assert found["rows"] == [{"value": "上海", "total": "270.0000"}, {"value": "浙江省", "total": "90.0000"}]
    assert found["columns"] == [{"value": "surge", "total": "360.0000"}]
    assert (found["total"], found["until"]) == ("360.0000", "2026-11-22T02:30:00Z")
    numbers = []
    for cell in found["cells"]:
        status, page = ask(client, cell["findings"] + "&expand=order")
        assert status == 200, page
        numbers.append([finding["order"]["channel_order_no"] for finding in page["items"]])
    assert [sorted(each) for each in numbers] == [["H-2", "H-3", "R-4"], ["H-1"]]


def test_it_is_for_who_reads_all_findings(client: TestClient) -> None:
    status, problem = ask(client, role="sales")
    assert (status, problem["code"]) == (403, "ACCESS_DENIED")
    assert client.get(ADDRESS).status_code == 401


def test_what_it_cannot_mean_is_said(client: TestClient) -> None:
    status, problem = ask(client, "/api/risks/order_risks/heatmap")
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert "order_risk" in problem["detail"]
    status, problem = ask(client, f"{ADDRESS}?shadow=perhaps")
    assert (status, problem["code"]) == (400, "BAD_PARAMETER")
    status, problem = ask(client, f"{ADDRESS}?shadows=true")
    assert (status, problem["code"]) == (400, "UNKNOWN_PARAMETER")


def test_the_shadow_may_be_asked_for(client: TestClient) -> None:
    assert ask(client, f"{ADDRESS}?shadow=true")[1]["total"] == "360.0000", "nothing of this company is in the shadow"


def test_it_is_as_it_is_described(client: TestClient) -> None:
    _, described = ask(client, "/openapi.json")
    assert described["paths"][ADDRESS]["get"]["summary"]
    whole = {"$ref": "#/components/schemas/Heatmap", "components": described["components"]}
    jsonschema.Draft202012Validator(whole).validate(ask(client)[1])
