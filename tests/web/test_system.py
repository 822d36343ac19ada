"""Health, readiness, metrics; and what becomes of a mistake of ours."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.runtime.service import Service
from engine.store.database import Database
from tests.web.api_desk import REQUEST, Api, code, give_passwords, open_api
from tests.web.desk_app import Desk


def test_alive_and_ready(api: Api) -> None:
    assert api.client.get("/healthz").json() == {"status": "ok"}
    ready = api.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")
    assert ready.json()["definitions"]["fingerprint"] == api.desk.engine.catalog.fingerprint


def test_not_ready_without_its_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(Database, "read", broken)
    ready = api.client.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, "unreachable")
    assert "no disk" not in ready.text
    assert api.client.get("/healthz").status_code == 200


def test_metrics_count_routes_and_not_addresses(api: Api) -> None:
    path = f"/api/request/{api.made()['id']}"
    for _ in range(3):
        api.get(path)
    api.client.request("BREW", "/nothing/to/see")
    text = api.get("/metrics").text
    assert 'http_request_seconds_count{method="GET",route="/api/{model}/{id}",status="200"} 3.0' in text
    assert 'method="other",route="none"' in text
    assert path not in text


def test_metrics_are_for_this_machine_and_for_tokens(desk: Desk) -> None:
    with open_api(desk) as api:
        assert code(api.client.get("/metrics")) == (403, "ACCESS_DENIED")
    with open_api(desk, client=("127.0.0.1", 1)) as api:
        assert api.client.get("/metrics").status_code == 200


SECRET = "the password of the database is 12345"


@pytest.fixture
def broken(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The application with a mistake in it."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(Service, "create", fail)
    monkeypatch.setattr("engine.web.pages.home._groups", fail)
    return api


def test_a_mistake_of_ours_tells_a_number_that_the_log_knows(broken: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = broken.post("/api/request", REQUEST)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "INTERNAL_ERROR"
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-security-policy"]
    [record] = [record for record in caplog.records if problem["number"] in record.getMessage()]
    assert record.exc_info is not None
    assert SECRET in str(record.exc_info[1])


def test_people_see_a_page_instead(broken: Api) -> None:
    give_passwords(broken)
    broken.log_in()
    answer = broken.client.get("/")
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert re.search(r">[0-9a-f]{12}<", answer.text)
    assert SECRET not in answer.text


def test_what_has_failed_left_nothing_behind(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.web.call.Reply.of_record", lambda *_, **__: 1 / 0)
    assert api.post("/api/request", REQUEST, headers={"Idempotency-Key": "k"}).status_code == 500
    monkeypatch.undo()
    assert api.count() == 0
    assert api.post("/api/request", REQUEST, headers={"Idempotency-Key": "k"}).status_code == 201


def test_what_is_over_is_removed_now_and_then(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.web.app.PURGE", 0.01)
    purged: list[str] = []
    monkeypatch.setattr("engine.runtime.logins.Logins.purge", lambda *_: purged.append("sessions"))
    monkeypatch.setattr("engine.web.once.Once.purge", lambda *_: purged.append("answers"))
    with open_api(desk) as api:
        while len(purged) < 2:
            assert isinstance(api.client, TestClient)
            api.client.get("/healthz")
    assert set(purged) == {"sessions", "answers"}
