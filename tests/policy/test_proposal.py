"""What is proposed, as differences: put in again they make the record that was proposed, whatever else has happened."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.errors import Complaint
from engine.policy.proposal import number_rows, patch, put_in
from engine.policy.values import Reader, merge_rows
from engine.ports import Record
from engine.store.changes import Changes

MODEL = """
app: shed
---
model: box
fields:
  name: text
  count: {type: integer, default: 1}
  seen: {type: integer, system: true}
  twice: {type: integer, value: count * 2}
  rows:
    type: rows
    key: line
    of:
      line: integer
      pieces: {type: decimal, digits: 1}
      gone: {type: integer, system: true}
      parts: {type: rows, of: {size: text, left: {type: integer, system: true}}}
"""


@cache
def shed() -> Catalog:
    return build_texts({"definitions/app.yaml": MODEL})


NAMES = st.sampled_from(["a", "b", None])
PIECES = st.sampled_from([Decimal("1.0"), Decimal("2.5"), None])
PARTS = st.lists(st.tuples(st.integers(1, 3), NAMES), max_size=2, unique_by=lambda part: part[0])
ROWS = st.lists(st.tuples(st.integers(1, 4), PIECES, PARTS), max_size=3, unique_by=lambda row: row[0])
#: A record: name, count, rows by (line, pieces, parts); rows and parts of one number are the same row.
BOXES = st.tuples(NAMES, st.integers(0, 2), ROWS)


def box(name: str | None, count: int, rows: list[Any], seen: int = 0) -> Record:
    """The record, with what steps write told by ``seen``."""
    return {
        "id": "box",
        "name": name,
        "count": count,
        "seen": seen,
        "twice": count * 2,
        "rows": [
            {
                "id": f"r{line}",
                "line": line,
                "pieces": pieces,
                "gone": seen,
                "parts": [{"id": f"r{line}p{number}", "size": size, "left": seen} for number, size in parts],
            }
            for line, pieces, parts in rows
        ],
    }


def proposed(before: Record, after: Record) -> dict[str, list[Any]]:
    """What is kept of the proposal to make the one the other."""
    fields = shed().fields("box")
    own = {name: field for name, field in shed().models["box"].fields.items() if not field.read_only}
    return put_in(Changes(shed().models["box"].fields).between(before, after), fields, own)


def applied(record: Record, changes: dict[str, list[Any]]) -> tuple[Record, list[Complaint]]:
    """The record after the differences were put in, and what stood against them."""
    fields = shed().fields("box")
    reader = Reader(fields, "UTC", refused=frozenset(shed().system_fields("box")))
    made = patch(changes, fields, record)
    complaints: list[Complaint] = []
    result = deepcopy(record)
    for name, value in reader.read(made.values, complaints).items():
        if name == "rows":
            result[name] = merge_rows(fields[name], reader.rows[name], result[name], value, name, complaints, made.new)
        else:
            result[name] = value
    assert complaints == []
    number_rows(made, fields, result)
    return result, made.conflicts


def said(record: Record) -> Any:
    """What people put in, rows in the order of their numbers."""
    rows = [
        (row["line"], row["pieces"], sorted((part["id"], part["size"]) for part in row["parts"] if part["id"]))
        for row in sorted(record["rows"], key=lambda row: row["line"])
    ]
    return record["name"], record["count"], rows


@given(BOXES, BOXES, st.integers(0, 3))
def test_what_is_applied_is_what_was_proposed_and_nothing_else(before: Any, after: Any, seen: int) -> None:
    was, wished = box(*before), box(*after)
    changes = proposed(was, wished)
    now = box(*before, seen=seen)  # steps have written something meanwhile
    result, conflicts = applied(now, changes)
    assert conflicts == []
    assert [part[:2] for part in said(result)[2]] == [part[:2] for part in said(wished)[2]]
    assert said(result)[:2] == said(wished)[:2]
    assert result["seen"] == seen
    kept = {row["id"] for row in was["rows"]}
    assert all(row["gone"] == seen for row in result["rows"] if row["id"] in kept)
    assert {row["id"] for row in result["rows"]} == {row["id"] for row in wished["rows"]}
    assert (changes == {}) == (said(was) == said(wished))


@given(BOXES, BOXES, BOXES)
def test_a_change_of_the_same_field_is_a_conflict_and_of_another_is_none(before: Any, after: Any, other: Any) -> None:
    was, wished, now = box(*before), box(*after), box(*other)
    mine, theirs = proposed(was, wished), proposed(was, now)
    _, conflicts = applied(now, mine)
    for path in ("name", "count"):
        both = path in mine and path in theirs and mine[path] != theirs[path]
        assert any(one.at == path for one in conflicts) == both
    if not any(path.startswith("rows") for path in (*mine, *theirs)):
        assert all(not one.at.startswith("rows") for one in conflicts)
    if not mine.keys() & theirs.keys() and not any(path.startswith("rows") for path in theirs):
        assert conflicts == []


def test_a_row_of_a_number_that_somebody_else_has_given_meanwhile() -> None:
    was = box("a", 1, [(1, None, [])])
    mine = proposed(was, box("a", 1, [(1, None, []), (2, Decimal(1), [])]))
    [other] = [box("a", 1, [(1, None, []), (2, Decimal(9), [])])]
    other["rows"][1]["id"] = "elsewhere"
    _, [conflict] = applied(other, mine)
    assert (conflict.at, conflict.code) == ("rows", "CHANGED_MEANWHILE")


def test_rows_may_be_known_by_what_they_link_to() -> None:
    text = """
app: shed
---
model: tool
fields: {name: text}
---
model: chest
fields: {tools: {type: rows, key: tool, of: {tool: {type: link, to: tool}, pieces: integer}}}
"""
    fields = build_texts({"definitions/app.yaml": text}).models["chest"].fields

    def chest(**rows: str) -> Record:
        return {"id": "c", "tools": [{"id": key, "tool": {"id": tool}, "pieces": 1} for key, tool in rows.items()]}

    mine = put_in(Changes(fields).between(chest(a="saw"), chest(a="saw", b="axe")), fields, fields)
    assert patch(mine, fields, chest(a="saw")).conflicts == []
    [conflict] = patch(mine, fields, chest(a="saw", c="axe")).conflicts
    assert conflict.at == "tools"


def test_a_row_that_is_gone_and_a_field_that_is_no_more() -> None:
    was = box("a", 1, [(1, None, []), (2, None, [])])
    mine = proposed(was, box("a", 1, [(1, Decimal(1), []), (2, None, [])]))
    _, [gone] = applied(box("a", 1, [(2, None, [])]), mine)
    assert (gone.at, gone.message) == (
        "rows",
        {
            "zh": "rows：要修改的行已被删除",
            "en": "rows: a row that would change has been taken away since",
        },
    )
    made = patch({"colour": ["red", "blue"]}, shed().fields("box"), was)
    assert [one.at for one in made.conflicts] == ["colour"]


def test_fields_that_are_gone_or_of_another_sort_now_are_told() -> None:
    fields = shed().fields("box")
    before = box("a", 1, [(1, Decimal("1.0"), [])])
    for changes in ({"rows": ["x", "y"]}, {"name.[r1].pieces": ["1.0", "2.0"]}, {"color": ["red", "blue"]}):
        made = patch(changes, fields, before)
        assert [(one.at, one.code) for one in made.conflicts] == [
            (next(iter(changes)).split(".")[0], "CHANGED_MEANWHILE")
        ]
        assert made.values == {}
