"""Renames, conversions and losses: what nobody applies without having seen the plan."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine.store.database import Database
from engine.store.migrate.apply import Impossible, LossRefused
from engine.store.migrate.compare import wanted
from engine.store.tables import Tables
from tests.databases import fill
from tests.store.conftest import NOON, plain
from tests.store.migrating import Yard, catalog_of

CRATE = """
model: crate
key: code
fields:
  number: {type: sequence, format: "C{seq:3}"}
  code: {type: text, max: 20, unique: true}
  weight: {type: decimal, digits: 3}
  size: text
  packed: date
  inside: {type: link, to: crate, back: content}
  items: {type: rows, of: {line: integer, note: text, parts: {type: rows, of: {serial: text}}}}
unique: [[code, weight]]
index: [[size]]
"""


@pytest.fixture
def yard(database_url: str) -> Iterator[Yard]:
    database = Database.open(database_url, durable=False)
    yield Yard(database)
    database.close()


@pytest.fixture
def filled(database_url: str) -> Iterator[Yard]:
    """With a crate in a crate."""
    fill(database_url, "a crate in a crate", _crates)
    database = Database.open(database_url, durable=False)
    yield Yard(database)
    database.close()


def _crates(url: str) -> None:
    database = Database.open(url, durable=False)
    yard = Yard(database)
    yard.apply(CRATE)
    desk = yard.desk(CRATE)
    outer = desk.add("crate", code="A", weight=Decimal("1.250"), size="12", packed=NOON.date())
    items = [{"line": 1, "note": "x", "parts": [{"serial": "s1"}, {"serial": "s2"}]}, {"line": 2}]
    desk.add("crate", code="B", weight=Decimal("2.125"), size="wide", inside={"id": outer}, items=items)
    database.close()


def matches(yard: Yard, definitions: str) -> bool:
    """Whether the tables are those that a fresh database would get."""
    ours = {name: table for name, table in yard.schema.items() if name != "guest"}
    return ours == wanted(Tables(catalog_of(definitions)), yard.database.dialect)


# Renames --------------------------------------------------------------------------------------------------------------

BOX = """
model: box
was: crate
key: label
fields:
  serial: {type: sequence, format: "C{seq:3}", was: number}
  label: {type: text, max: 20, unique: true, was: code}
  mass: {type: decimal, digits: 3, was: weight}
  size: text
  packed: date
  inside: {type: link, to: box, back: content}
  goods:
    type: rows
    was: items
    of:
      line: integer
      remark: {type: text, was: note}
      pieces: {type: rows, was: parts, of: {serial: text}}
unique: [[label, mass]]
index: [[size]]
"""


def test_renames_keep_everything(filled: Yard) -> None:
    before = {plain(record)["code"]: plain(record) for record in records(filled, CRATE, "crate")}
    found = filled.plan(BOX)
    assert not found.lossy
    assert not found.additive
    assert "rename table crate__items__parts to box__goods__pieces" in found.text()
    assert "rename column box.weight to mass" in found.text()
    assert {"+ /api/box", "- /api/crate"} <= set(found.endpoints.lines())
    filled.apply(BOX)
    assert matches(filled, BOX)
    after = {plain(record)["label"]: plain(record) for record in records(filled, BOX, "box")}
    assert after.keys() == before.keys()
    for code, old in before.items():
        new = after[code]
        assert (new["id"], new["serial"], new["mass"], new["size"], new["packed"], new["inside"]) == tuple(
            old[name] for name in ("id", "number", "weight", "size", "packed", "inside")
        )
        assert [(row["id"], row["line"], row["remark"]) for row in new["goods"]] == [
            (row["id"], row["line"], row["note"]) for row in old["items"]
        ]
        assert [row["pieces"] for row in new["goods"]] == [row["parts"] for row in old["items"]]


def records(yard: Yard, definitions: str, model: str) -> list[dict[str, object]]:
    keys = [key for (key,) in yard.rows(f'SELECT CAST(id AS VARCHAR(36)) FROM "{model}"')]
    desk = yard.desk(definitions)
    return [desk.get(model, key) for key in keys]


def test_a_rename_that_was_followed_has_no_effect_any_more(filled: Yard) -> None:
    filled.apply(BOX)
    assert not filled.plan(BOX).changes
    more = BOX + "label: Kiste\n"
    assert filled.plan(more).operations == ()
    filled.apply(more)
    assert matches(filled, BOX)


def test_a_renamed_sequence_goes_on_counting(filled: Yard) -> None:
    numbers = {row[0] for row in filled.rows("SELECT number FROM crate")}
    assert numbers == {"C001", "C002"}
    filled.apply(BOX)
    desk = filled.desk(BOX)
    new = desk.get("box", desk.add("box", label="C"))["serial"]
    assert new not in numbers


def test_what_system_models_keep_of_a_renamed_model_follows(filled: Yard) -> None:
    desk = filled.desk(CRATE)
    key = records(filled, CRATE, "crate")[0]["id"]
    desk.add("alias", model="crate", text="my crate", target=key)
    desk.add("history", at=NOON, model="crate", record=key, act="create")
    desk.add("history", at=NOON, model="place", record=key, act="create")
    filled.apply(BOX)
    assert filled.rows("SELECT model FROM alias") == [("box",)]
    assert sorted(filled.rows("SELECT model FROM history")) == [("box",), ("place",)]


# Losses ---------------------------------------------------------------------------------------------------------------


def test_a_renamed_field_without_was_is_a_loss_and_refused(filled: Yard) -> None:
    renamed = CRATE.replace("size", "format")
    found = filled.plan(renamed)
    assert [(loss.table, loss.column, loss.count) for loss in found.losses] == [("crate", "size", 2)]
    before = filled.dump()
    with pytest.raises(LossRefused, match=r"column crate\.size: 2 values"):
        filled.apply(renamed)
    assert filled.dump() == before
    assert not filled.plan(CRATE).changes
    filled.apply(renamed, allow_loss=True)
    assert matches(filled, renamed)


def test_a_model_that_goes_takes_its_rows_tables_along(filled: Yard) -> None:
    other = "model: other\nfields: {name: text}\n"
    found = filled.plan(other)
    assert {loss.table: loss.count for loss in found.losses} == {
        "crate": 2,
        "crate__items": 2,
        "crate__items__parts": 2,
    }
    filled.apply(other, allow_loss=True)
    assert matches(filled, other)


def test_what_is_empty_is_dropped_without_asking(yard: Yard) -> None:
    yard.apply(CRATE)
    found = yard.plan("model: other\nfields: {name: text}\n")
    assert not found.lossy
    assert not found.additive
    yard.apply("model: other\nfields: {name: text}\n")
    assert "crate" not in yard.schema


# Conversions ----------------------------------------------------------------------------------------------------------


def test_a_wider_decimal_keeps_all_values(filled: Yard) -> None:
    wider = CRATE.replace("digits: 3", "digits: 5")
    found = filled.plan(wider)
    assert not found.lossy
    assert "convert column crate.weight from decimal(18, 3) to decimal(18, 5)" in found.text()
    filled.apply(wider)
    assert matches(filled, wider)
    weights = {record["code"]: record["weight"] for record in records(filled, wider, "crate")}
    assert weights == {"A": Decimal("1.25"), "B": Decimal("2.125")}
    assert {str(weight) for weight in weights.values()} == {"1.25000", "2.12500"}


def test_a_narrower_decimal_is_a_loss_where_digits_go(filled: Yard) -> None:
    narrower = CRATE.replace("digits: 3", "digits: 2")
    found = filled.plan(narrower)
    assert [(loss.column, loss.count) for loss in found.losses] == [("weight", 1)]
    with pytest.raises(LossRefused):
        filled.apply(narrower)
    filled.apply(narrower, allow_loss=True)
    assert matches(filled, narrower)
    weights = {record["code"]: str(record["weight"]) for record in records(filled, narrower, "crate")}
    assert weights == {"A": "1.25", "B": "2.13"}


@pytest.mark.parametrize(
    ("before", "after", "lost", "kept"),
    [
        ("size: text", "size: integer", 1, {"A": 12, "B": None}),
        ("size: text", "size: {type: money}", 1, {"A": Decimal("12.00"), "B": None}),
        ("size: text", "size: json", 2, {"A": None, "B": None}),
        ("packed: date", "packed: text", 0, {"A": "2026-11-22", "B": None}),
        ("weight: {type: decimal, digits: 3}", "weight: text", 0, {"A": "1.250", "B": "2.125"}),
        ("weight: {type: decimal, digits: 3}", "weight: integer", 2, {"A": 1, "B": 2}),
        ("size: text", "size: {type: choice, of: ['12', wide]}", 0, {"A": "12", "B": "wide"}),
    ],
    ids=lambda value: value.split(": ", 1)[1] if isinstance(value, str) else None,
)
def test_values_become_what_the_field_is_now(
    filled: Yard, before: str, after: str, lost: int, kept: dict[str, object]
) -> None:
    changed = CRATE.replace(before, after)
    if after.endswith("json"):
        # No index over what cannot be compared; and a bare 12 is JSON, so nothing of it is lost.
        changed, lost, kept = changed.replace("index: [[size]]", ""), 1, {"A": 12, "B": None}
    found = filled.plan(changed)
    assert sum(loss.count for loss in found.losses) == lost
    assert found.failing == ()
    filled.apply(changed, allow_loss=lost > 0)
    assert matches(filled, changed)
    name = before.split(":", 1)[0]
    assert {record["code"]: record[name] for record in records(filled, changed, "crate")} == kept


def test_a_converted_column_does_not_touch_the_rows_below(filled: Yard) -> None:
    """SQLite would delete them with the table, if it were rebuilt."""
    rows = filled.rows("SELECT * FROM crate__items__parts")
    filled.apply(CRATE.replace("weight: {type: decimal, digits: 3}", "weight: text"))
    assert filled.rows("SELECT * FROM crate__items__parts") == rows
    assert len(rows) == 2


def test_a_column_is_renamed_and_converted_at_once(filled: Yard) -> None:
    changed = CRATE.replace("  weight: {type: decimal, digits: 3}", "  mass: {type: text, was: weight}").replace(
        "[code, weight]", "[code, mass]"
    )
    filled.apply(changed)
    assert matches(filled, changed)
    assert {record["code"]: record["mass"] for record in records(filled, changed, "crate")} == {
        "A": "1.250",
        "B": "2.125",
    }


# Rules that rows do not meet ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "place", "rows"),
    [
        ("packed: date", "packed: {type: date, required: true}", "crate.packed", 1),
        ("packed: date", "packed: date\n  colour: {type: text, required: true}", "crate.colour", 2),
        ("size: text", "size: {type: text, max: 3}", "crate.size", 1),
        ("size: text", "size: {type: text, pattern: '[0-9]+'}", "crate.size", 1),
        ("size: text", "size: {type: choice, of: [small, wide]}", "crate.size", 1),
        ("digits: 3}", "digits: 3, max: 2}", "crate.weight", 1),
        ("line: integer", "line: {type: integer, min: 2}", "crate.items.line", 1),
        ("note: text", "note: {type: text, required: true}", "crate.items.note", 1),
    ],
)
def test_rows_that_do_not_meet_a_new_rule_are_counted(
    filled: Yard, before: str, after: str, place: str, rows: int
) -> None:
    changed = CRATE.replace(before, after)
    found = filled.plan(changed)
    assert [(rule.place, rule.rows, rule.blocks) for rule in found.failing] == [(place, rows, False)]
    assert not found.additive
    # It is no obstacle: who opens such a record next has to mend it.
    filled.apply(changed)
    assert filled.plan(changed).failing == ()


def test_a_rule_that_was_there_is_not_told_again(filled: Yard) -> None:
    changed = CRATE.replace("size: text", "size: {type: text, max: 3}")
    filled.apply(changed)
    assert filled.plan(changed.replace("max: 3", "max: 4")).failing == ()
    assert filled.plan(changed + "label: Kiste\n").failing == ()


def test_records_in_the_trash_meet_no_rules(filled: Yard) -> None:
    with filled.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE crate SET deleted_at = updated_at WHERE code = 'B'")
    assert filled.plan(CRATE.replace("size: text", "size: {type: text, max: 3}")).failing == ()


def test_values_that_are_not_unique_stand_against_a_unique_index(filled: Yard) -> None:
    filled.desk(CRATE).add("crate", code="C", size="12")
    changed = CRATE.replace("unique: [[code, weight]]", "unique: [[code, weight], [size]]")
    found = filled.plan(changed)
    assert [(rule.place, rule.rows, rule.blocks) for rule in found.failing] == [("crate (size)", 2, True)]
    assert "NOT POSSIBLE" in found.text()
    before = filled.dump()
    with pytest.raises(Impossible, match=r"crate \(size\): 2 rows, not unique"):
        filled.apply(changed, allow_loss=True)
    assert filled.dump() == before
    with filled.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE crate SET deleted_at = updated_at WHERE code = 'C'")
    filled.apply(changed)
    assert matches(filled, changed)


def test_the_same_default_for_all_is_no_unique_value(filled: Yard) -> None:
    changed = CRATE.replace("packed: date", "packed: date\n  tag: {type: text, unique: true, default: '\"x\"'}")
    before = filled.dump()
    with pytest.raises(Impossible):
        filled.apply(changed)
    assert filled.dump() == before


def test_links_to_another_model_are_counted(filled: Yard) -> None:
    changed = CRATE.replace("to: crate, back: content", "to: shelf") + "---\nmodel: shelf\nfields: {name: text}\n"
    found = filled.plan(changed)
    assert [(rule.place, rule.rows) for rule in found.failing] == [("crate.inside", 1)]
