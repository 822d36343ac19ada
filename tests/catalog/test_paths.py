"""Paths into raw records, against walking them by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.catalog.paths import PathError, every, getter, parse_path
from engine.errors import DefinitionError

RAW = {"a": {"b c": [1, {"列名": "x"}]}, "it's": 0, "rows": [{"n": [1, 2]}, {"n": [3]}, {}, "odd"]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", RAW),
        ("$.a['b c'][0]", 1),
        ('$["a"]["b c"][-1].列名', "x"),
        (r"$['it\'s']", 0),
        ("$.nothing.at.all", None),
        ("$.a[0]", None),  # a list is wanted
        ("$.rows.n", None),  # an object is wanted
        ("$.rows[9]", None),
        ("$.rows[-9]", None),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(path: str, value: Any) -> None:
    assert getter(path)(RAW) == value


@pytest.mark.parametrize(
    ("path", "values"),
    [("$.rows[*].n[*]", [1, 2, 3]), ("$.rows[*].n[0]", [1, 3]), ("$.a", [RAW["a"]]), ("$.none[*]", []), ("$.a[*]", [])],
)
def test_every_value_comes_in_order(path: str, values: list[Any]) -> None:
    assert every(path)(RAW) == values


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$.a[", "$[x]", "$['a]", "$.a b", "$[1:2]", "$.a[?(@.b)]"]
)
def test_what_is_no_path_is_said_so(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path)


def test_one_value_is_not_many() -> None:
    with pytest.raises(PathError, match="many values"):
        getter("$.a[*]")


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)


@given(st.lists(NAMES | st.integers(0, 3), max_size=5), st.integers())
def test_any_names_can_be_written(parts: list[str | int], value: int) -> None:
    raw: Any = value
    for part in reversed(parts):
        raw = {part: raw} if isinstance(part, str) else [None] * part + [raw]
    path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f"['{_escaped(part)}']" for part in parts)
    assert parse_path(path) == tuple(parts)
    assert getter(path)(raw) == value
    assert every(path)(raw) == [value]


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))
)
def test_no_record_breaks_a_path(raw: Any) -> None:
    getter("$.a[0].b")(raw)
    every("$.a[*].b[*]")(raw)


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("code: $.code", "code: $..code", "E107"),
        ('version: "$.v"', 'version: "$.v[*]"', "E107"),
        ('each: "$.rows[*]"', 'each: "rows"', "E107"),
        ("encoding: gbk", "encoding: gkb", "E107"),
        ('delimiter: ";"', 'delimiter: ";;"', "E107"),
        ('"%Y-%m-%d"', '"%Y-%Q"', "E107"),
        ("name: $.name", 'name: {from: $.name, format: "%Y"}', "E405"),
        ("key: code", "key: name2", "E405"),
    ],
)
def test_a_channel_that_could_not_work_does_not_load(old: str, new: str, code: str) -> None:
    build_texts({"definitions/app.yaml": CHANNEL})
    assert old in CHANNEL
    with pytest.raises(DefinitionError) as caught:
        build_texts({"definitions/app.yaml": CHANNEL.replace(old, new)})
    assert [problem.code for problem in caught.value.problems] == [code]


CHANNEL = """
app: club
---
model: parcel
fields:
  code: text
  name: text
  name2: text
  day: date
  rows: {type: rows, of: {n: integer}}
---
channel: desk
for: parcel
intake: {format: csv, encoding: gbk, delimiter: ";"}
identity: {key: code, version: "$.v"}
map:
  code: $.code
  name: $.name
  day: {from: $.day, format: "%Y-%m-%d"}
  rows: {each: "$.rows[*]", map: {n: $.n}}
"""
