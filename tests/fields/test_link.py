"""Links, users, files, lookups."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import EngineError
from engine.expressions.types import DECIMAL, TEXT, RecordType
from engine.fields.field import ValueFault
from engine.fields.file import FileField
from engine.fields.link import LinkField, LookupField
from tests.fields.making import TestLinker, described, linked, make

ID = "0193a5f2-7c1e-7000-8000-000000000001"


def test_a_link_is_put_in_as_id_or_key() -> None:
    field = make("{type: link, to: place}")
    assert isinstance(field, LinkField)
    assert field.target == "place"
    assert field.parse(ID) == ID
    assert field.parse(" W1 ") == "W1"
    assert field.parse({"id": ID, "code": "W1"}) == ID
    assert field.wire({"id": ID, "code": "W1"}) == ID
    assert field.display("Shanghai", "zh") == "Shanghai"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (1, "VALUE_TYPE"),
        ({}, "VALUE_TYPE"),
        ("", "VALUE_LENGTH"),
        ("a\x00", "VALUE_CHARACTERS"),
        ("x" * 401, "VALUE_LENGTH"),
    ],
)
def test_what_is_no_link(raw: object, code: str) -> None:
    with pytest.raises(ValueFault) as caught:
        make("{type: link, to: place}").parse(raw)
    assert caught.value.code == code


def test_expressions_see_the_linked_record() -> None:
    fields, problems = linked("it: {type: link, to: place, default: \"'W1'\"}\nrate: {type: decimal, value: it.rate}")
    assert not problems
    type_ = fields["it"].expression_type(TestLinker(described("model: place\nfields: {a: text}")).shape)
    assert isinstance(type_, RecordType)
    assert type_.name == "place"


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{type: link, to: plase}", "E302"),
        ("{type: link, to: place.lines}", "E303"),
        ("{type: link, to: thing.lines}", "E405"),
        ("{type: user, to: place}", "E107"),
        ("{type: file, to: place}", "E107"),
        ("{type: file, accept: png}", "E107"),
        ("{type: file, max_size: 0}", "E107"),
    ],
)
def test_wrong_links_are_reported(field: str, code: str) -> None:
    _, problems = linked(f"it: {field}\nlines: {{type: rows, of: {{a: text}}}}")
    assert [found.code for found in problems] == [code]


def test_an_input_may_link_to_rows() -> None:
    thing, cut = described("""
model: thing
fields: {lines: {type: rows, of: {a: text}}}
---
model: cut
fields: {line: {type: link, to: thing.lines}}
""")
    cut.document.kind = "action"
    linker = TestLinker([thing])
    for field in cut.fields.values():
        field.link(linker, linker.scope(None))
    assert not linker.problems


def test_files_have_kinds_and_sizes() -> None:
    field = make("{type: file, accept: [image/*, application/pdf], max_size: 1000}")
    assert isinstance(field, FileField)
    assert field.target == "file"
    assert field.accepts("image/png")
    assert field.accepts("application/pdf")
    assert not field.accepts("text/html")


def test_a_lookup_is_written_and_shown_as_its_source() -> None:
    fields, problems = linked("place: {type: link, to: place}\nit: {type: lookup, from: place.rate}")
    assert not problems
    it = fields["it"]
    assert isinstance(it, LookupField)
    assert it.generated
    assert not it.stored
    assert it.steps == ("place", "rate")
    assert it.wire(Decimal("0.5000")) == "0.5000"
    assert it.display(Decimal("0.5000"), "en") == "0.5"
    assert it.schema()["readOnly"] is True
    assert it.from_.expression({"place": {"id": ID, "rate": Decimal("0.5")}}, {}) == Decimal("0.5")


def test_a_lookup_may_lead_further_and_to_rows_and_through_lookups() -> None:
    fields, problems = linked("""
place: {type: link, to: place}
chief: {type: lookup, from: place.near.chief}
name: {type: lookup, from: chief.name}
rate: {type: lookup, from: place.rate}
twice: {type: decimal, value: rate * 2}
lines: {type: rows, of: {at: {type: link, to: place}, code: {type: lookup, from: at.code}}}
""")
    assert not problems
    name, lines = fields["name"], fields["lines"]
    assert isinstance(name, LookupField)
    assert name.source.type_name == "text"
    assert lines.of["code"].source.type_name == "text"  # type: ignore[attr-defined]
    assert name.mask("Anna") == "A***"


def test_shapes_know_a_lookup_before_it_is_linked() -> None:
    models = described("""
model: place
fields: {rate: decimal, name: text}
---
model: thing
fields:
  place: {type: link, to: place}
  rate: {type: lookup, from: place.rate}
  lines: {type: rows, of: {at: {type: link, to: place}, name: {type: lookup, from: at.name}}}
""")
    linker = TestLinker(models)
    thing, lines = linker.shape("thing"), linker.shape("thing.lines")
    assert thing is not None
    assert lines is not None
    assert thing.member("rate").type == DECIMAL  # type: ignore[union-attr]
    assert lines.member("name").type == TEXT  # type: ignore[union-attr]


def test_lookups_in_a_circle_end() -> None:
    models = described("model: thing\nfields: {a: {type: lookup, from: b.x}, b: {type: lookup, from: a.x}}")
    assert TestLinker(models).shape("thing").member("a") is not None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{type: lookup, from: place}", "E107"),
        ("{type: lookup, from: place.rate * 2}", "E107"),
        ("{type: lookup, from: place.nothing}", "E204"),
        ("{type: lookup, from: nowhere.rate}", "E203"),
        ("{type: lookup, from: place.rate, unique: true}", "E404"),
        ("{type: lookup, from: place.rate, default: 1}", "E110"),
        ("{type: lookup, from: lines.a}", "E404"),
    ],
)
def test_wrong_lookups_are_reported(field: str, code: str) -> None:
    _, problems = linked(f"place: {{type: link, to: place}}\nlines: {{type: rows, of: {{a: text}}}}\nit: {field}")
    assert [found.code for found in problems] == [code]


def test_an_unlinked_lookup_says_so() -> None:
    (model,) = described("model: thing\nfields: {it: {type: lookup, from: a.b}}")
    with pytest.raises(EngineError, match="not been linked"):
        model.fields["it"].parse("x")  # type: ignore[index]
