"""What the catalogue answers."""

from __future__ import annotations

import pytest

from engine.catalog.catalog import MOST_COMPILED
from engine.catalog.shapes import BackLink
from engine.errors import BadRequest
from engine.expressions.language import ExpressionProblems  # type: ignore[attr-defined]
from engine.expressions.types import BOOLEAN, DECIMAL, ChoiceType, ListType
from tests.catalog.sample import parcels

CATALOG = parcels()


def test_fields_are_the_system_columns_then_the_models_own() -> None:
    names = list(CATALOG.fields("parcel"))
    system = ["id", "version", "status", "owner", "team", "created_at", "created_by", "updated_at", "deleted_at"]
    assert names[: len(system)] == system == list(CATALOG.system_fields("parcel"))
    assert names[len(system) :] == ["number", "client", "limit", "note", "size", "discount", "total", "lines"]
    assert list(CATALOG.row_fields("parcel", ("lines",))) == [
        "line_no",
        "product",
        "quantity",
        "price",
        "amount",
        "off",
    ]


def test_status_offers_the_states_of_all_workflows() -> None:
    catalog = parcels("workflow: other\nfor: parcel\nextends: parcel_life\nstates: {wet: {after: checked}}\n")
    member = catalog.shape("parcel").member("status")
    assert member is not None
    assert isinstance(member.type, ChoiceType)
    assert (
        set(member.type.options)
        == {"draft", "checked", "waiting", "sent", "lost", "wet"}
        == catalog.states("parcel").keys()
    )
    assert CATALOG.fields("product")["status"].type_name == "text"


def test_back_links_and_holds_are_lists() -> None:
    assert CATALOG.back_links("client") == {"parcels": BackLink("parcel", "client")}
    for model, name in (("client", "parcels"), ("client", "holds"), ("hold", "holds")):
        member = CATALOG.shape(model).member(name)
        assert member is not None
        assert isinstance(member.type, ListType)


def test_the_user_of_the_scope_has_roles_and_teams_to_look_in() -> None:
    compiled = CATALOG.compile(
        '"clerk" in user.roles and team in user.teams and owner == user', CATALOG.scope("parcel"), BOOLEAN
    )
    team = {"id": "t1"}
    record = {"team": team, "owner": {"id": "u1"}}
    assert compiled(record, {"user": {"id": "u1", "roles": ["clerk"], "teams": [team]}}) is True
    assert compiled(record, {"user": {"id": "u2", "roles": ["clerk"], "teams": [team]}}) is False


def test_in_rows_the_record_around_goes_by_record_and_by_its_model() -> None:
    scope = CATALOG.rows_scope("parcel", ("lines",))
    compiled = CATALOG.compile("quantity > 1 and parcel.note == record.note", scope, BOOLEAN)
    around = {"note": "x"}
    assert compiled({"quantity": 2}, {"parcel": around, "record": around}) is True


def test_a_workflow_is_the_channels_or_the_models() -> None:
    channel = """channel: web
intake: {format: json}
identity: {key: [note]}
map: {note: $.note}
workflow: quick
---
workflow: quick
for: parcel
start: sent
states: {sent: {}}
"""
    catalog = parcels(channel)
    names = [
        flow.name if (flow := catalog.workflow_for(*asked)) else None
        for asked in [("parcel",), ("parcel", "web"), ("client", "web")]
    ]
    assert names == ["parcel_life", "quick", None]


def test_computations_come_after_what_they_need_and_without_live_ones() -> None:
    assert [(made.path, made.name) for made in CATALOG.computations("parcel")] == [
        ((), "limit"),
        (("lines",), "amount"),
        ((), "total"),
        (("lines",), "off"),
    ]
    assert list(CATALOG.live_fields("client")) == ["owed"]
    assert CATALOG.computations("client") == ()
    spread = CATALOG.computations("parcel")[-1]
    assert spread.spread == ("discount", "amount", 2)


def test_who_uses_a_field() -> None:
    def lines(model: str, name: str) -> list[int]:
        return [span.line for span in CATALOG.uses(model, name)]

    text = CATALOG.sources["base.yaml"].splitlines()
    assert all("limit" in text[line - 1] for line in lines("client", "limit"))
    assert len(lines("client", "limit")) == 3  # the lookup, and the update's condition and value
    assert any("quantity * price" in text[line - 1] for line in lines("parcel.lines", "quantity"))
    assert CATALOG.uses("client", "phone") == ()


@pytest.mark.parametrize(
    ("name", "text", "record", "holds"),
    [
        ("note", 'a "quoted" \\ note', {"note": 'a "quoted" \\ note'}, True),
        ("note", "", {"note": None}, True),
        ("status", "draft", {"status": "draft"}, True),
        ("client", "ACME", {"client": {"id": "1", "code": "ACME"}}, True),
        (
            "client",
            "0192d3b0-7c1e-7000-8000-000000000000",
            {"client": {"id": "0192d3b0-7c1e-7000-8000-000000000000", "code": "B"}},
            True,
        ),
        ("discount", "12.30", {"discount": 12}, False),
        ("version", "3", {"version": 3}, True),
    ],
)
def test_equality_reads_a_text_as_the_field_does(name: str, text: str, record: dict[str, object], holds: bool) -> None:
    assert CATALOG.equality("parcel", name, text)(record, {}) is holds


def test_equality_refuses_what_the_field_cannot_be() -> None:
    for name, text in (("version", "three"), ("discount", "1.234"), ("created_at", "yesterday")):
        with pytest.raises(BadRequest):
            CATALOG.equality("parcel", name, text)


def test_private_data_is_private_however_it_is_reached() -> None:
    catalog = parcels("""extend: parcel
fields:
  call: {type: lookup, from: client.phone}
  shown: {type: lookup, private: false, from: client.phone}
  long: {type: integer, value: len(client.phone)}
  notes: {type: rows, of: {text: {type: text, value: parcel.call}, other: {type: text, value: parcel.note}}}
""")
    paths = catalog.private_paths("parcel")
    assert ("client", "phone") in paths
    assert ("owner", "manager", "manager", "email") in paths
    assert ("lines", "quantity") not in paths
    assert ("client", "name") not in paths
    fields = catalog.fields("parcel")
    marked = {name: fields[name].private for name in ("call", "shown", "long", "note")}
    assert marked == {"call": True, "shown": False, "long": True, "note": None}
    rows = catalog.row_fields("parcel", ("notes",))
    assert (rows["text"].private, rows["other"].private) == (True, None)


def test_measures_see_the_values_of_a_group() -> None:
    compiled = CATALOG.compile("sum(total)", CATALOG.measure_scope("parcel"), DECIMAL)
    assert compiled({"total": [1, 2]}, {}) == 3


def test_expressions_of_requests_are_kept_up_to_a_bound() -> None:
    scope = CATALOG.scope("product")
    first = CATALOG.compile("price > 1", scope)
    assert CATALOG.compile("price > 1", scope) is first
    for number in range(MOST_COMPILED + 1):
        CATALOG.compile(f"price > {number}.5", scope)
    assert CATALOG.compile("price > 1", scope) is not first
    with pytest.raises(ExpressionProblems):
        CATALOG.compile("prise > 1", scope)


def test_what_higher_floors_keep_is_made_once() -> None:
    made: list[int] = []

    def build() -> list[int]:
        made.append(1)
        return CATALOG.memo("inner of a test", lambda: made)

    assert CATALOG.memo("outer of a test", build) is CATALOG.memo("outer of a test", build)
    assert made == [1]


def test_unknown_models_are_no_shape() -> None:
    with pytest.raises(KeyError):
        CATALOG.shape("nothing")
