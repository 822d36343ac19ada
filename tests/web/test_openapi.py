"""The description of the API: it is valid, and what it says is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine.catalog.builder import load
from engine.web.openapi import document
from tests.web.api_desk import REQUEST, Api, code, give_passwords, open_api
from tests.web.channel_files import PORTAL, definitions_copy
from tests.web.desk_app import FOLDER, open_desk, serve

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
REFERENCE = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("app_dir", "language"),
    [(FOLDER, "zh"), (FOLDER, "en"), (REFERENCE, "zh")],
    ids=["desk in Chinese", "desk in English", "reference"],
)
def test_the_description_is_valid(app_dir: Path, language: str) -> None:
    validate(document(load(app_dir), language))


def test_it_is_for_who_may_log_in(api: Api) -> None:
    assert code(api.get("/openapi.json", None)) == (401, "NOT_LOGGED_IN")
    described = api.get("/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    assert described["info"]["title"] == "Purchase desk"


def test_it_names_every_model_event_and_method(api: Api) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    assert set(paths["/api/request"]) == {"get", "post"}
    assert {"get", "patch", "delete"} <= set(paths["/api/request/{id}"])
    assert "/api/request/{id}/events/refuse" in paths
    assert "/api/user" in paths


def test_answers_fit_their_schemas(api: Api) -> None:
    described = api.get("/openapi.json").json()

    def fits(value: Any, schema: str) -> None:
        whole = {"$ref": f"#/components/schemas/{schema}", "components": described["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)

    record = api.made(discount="1.50", tags=["heavy"], meeting="2026-12-01T09:00:00+08:00")
    path = f"/api/request/{record['id']}"
    fits(REQUEST, "request.new")
    fits(record, "request")
    fits(api.get(f"{path}?expand=supplier,lines.item").json(), "request")
    fits(api.get(path, "boss").json(), "request")
    fits(api.get(f"{path}/history").json(), "History")
    fits(api.get(f"{path}/events").json(), "Offers")
    fits(api.post("/api/request/bulk", {"items": [REQUEST, {}], "mode": "each"}).json(), "Outcomes")
    fits(api.post("/api/request", {}).json(), "Problem")
    with pytest.raises(jsonschema.ValidationError):
        fits({**REQUEST, "nonsense": 1}, "request.new")


def test_the_reference_shows_what_its_reader_may_see(api: Api) -> None:
    give_passwords(api)
    assert api.client.get("/docs", follow_redirects=False).headers["location"].startswith("/login")
    api.log_in("guest")
    page = api.client.get("/docs").text
    assert "/api/request" in page
    assert "/api/supplier" not in page
    assert "note" not in page, "a field that the guest never sees"


def test_codes_are_explained(api: Api) -> None:
    give_passwords(api)
    api.log_in("guest")
    problem = api.post("/api/request", {}).json()
    page, anchor = problem["type"].split("#")
    assert f'id="{anchor}"' in api.client.get(page).text


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_sent_the_answer_is_one_that_is_described(tmp_path: Path, mode: GenerationMode) -> None:
    """Requests that fit the description, and such that almost do: no answer is a mistake of ours, each fits its
    schema."""
    with open_desk(tmp_path, app_dir=definitions_copy(tmp_path, portal=PORTAL)) as desk, open_api(desk) as api:
        for _ in range(3):
            api.made()
        schema = schemathesis.openapi.from_dict(described(api, r"/api/(request|supplier|tasks)\b|/intake|/readyz"))
        with serve(api.client.app) as address:
            headers = {"Authorization": f"Bearer {api.tokens['administrator']}"}
            for found in schema.get_all_operations():
                operation = found.ok()
                try:
                    holds(operation, mode, address, headers)
                except Unsatisfiable:
                    assert mode is GenerationMode.NEGATIVE, f"nothing fits {operation.label}"


def described(api: Api, paths: str) -> dict[str, Any]:
    """The description of the API, of the paths that match."""
    whole: dict[str, Any] = api.get("/openapi.json").json()
    return {**whole, "paths": {path: said for path, said in whole["paths"].items() if re.match(paths, path)}}


def holds(operation: Any, mode: GenerationMode, address: str, headers: dict[str, str]) -> None:
    """Sends requests of that mode to the operation, and holds each answer to the description."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def call(case: schemathesis.Case) -> None:
        response = case.call(base_url=address, headers=headers)
        case.validate_response(response, checks=CHECKS, headers=headers)

    call()
