"""The schemas for editors say of whole documents what the reader says."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.catalog.builder import system_documents
from engine.catalog.builtins import BUILTINS
from engine.catalog.schema import document_schema, kind_schemas
from engine.source.problems import Problems
from engine.source.reader import read_text
from tests.catalog.sample import PARCELS

ANY = Draft202012Validator(document_schema())
CASES = Path(__file__).parents[1] / "cases"


def test_every_kind_has_a_sound_schema() -> None:
    schemas = kind_schemas()
    assert schemas.keys() == BUILTINS.kinds.keys()
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_parts_of_one_name_are_the_same_in_all_kinds() -> None:
    seen: dict[str, object] = {}
    for schema in kind_schemas().values():
        for name, part in schema["$defs"].items():
            assert seen.setdefault(name, part) == part, name


@pytest.mark.parametrize(
    "document", [*system_documents(), *read_text(PARCELS, "base.yaml", Problems())], ids=lambda d: d.name
)
def test_sound_documents_fit(document: object) -> None:
    errors = [error.message for error in ANY.iter_errors(document.data)]  # type: ignore[attr-defined]
    assert errors == []


@pytest.mark.parametrize(
    "text",
    [
        "modle: a\n",
        "model: a\nfields: {x: txet}\n",
        "model: a\n",
        "model: a\nfields: {X: text}\n",
        "view: v\nfor: a\ncolumns: x\nsort: {}\n",
        "action: a\nsteps: [{fetch: x}]\n",
    ],
)
def test_what_the_reader_refuses_does_not_fit(text: str) -> None:
    (document,) = read_text(text, "a.yaml", Problems())
    assert not ANY.is_valid(document.data)


def test_a_patch_may_leave_out_and_remove() -> None:
    (document,) = read_text(
        "workflow: w\nfor: parcel\nextends: v\nstates: {a: null, b: {next: {c: null}}}\n", "a.yaml", Problems()
    )
    assert ANY.is_valid(document.data)
    (document,) = read_text("workflow: w\nfor: parcel\nextends: v\nstates: {a: {nxet: null}}\n", "a.yaml", Problems())
    assert not ANY.is_valid(document.data)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("routing: r\nfor: parcel\ncandidates: {a: {from: site}}\nsplit: false\n", True),
        ("routing: r\nfor: parcel\nextends: s\nrank: {near: x}\n", True),
        ("routing: r\nfor: parcel\nneed: {item: a, quantity: b}\ncandidates: {a: {from: site}}\n", False),
        ("routing: r\nfor: parcel\nsplit: fewer\n", False),
    ],
)
def test_a_routing_is_whole_or_laid_over_another(text: str, fits: bool) -> None:
    (document,) = read_text(text, "a.yaml", Problems())
    assert ANY.is_valid(document.data) is fits
