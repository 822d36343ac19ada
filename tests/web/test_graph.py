"""Drawings of workflows: everything is there, nothing lies on anything else, and the same looks the same."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.web.pages.graph import LAYER_GAP, Box, layout

NAMES = [f"s{number}" for number in range(40)]


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def test_a_chain_runs_from_left_to_right_or_down() -> None:
    sizes = dict.fromkeys(("a", "b", "c"), (100, 40))
    found = layout(sizes, [("a", "b"), ("b", "c")])
    assert [box.x for box in found.boxes.values()] == [22, 22 + 100 + LAYER_GAP, 22 + 2 * (100 + LAYER_GAP)]
    assert len({box.y for box in found.boxes.values()}) == 1
    assert found.paths["a", "b"] == ((122, 42), (178, 42))
    turned = layout(sizes, [("a", "b"), ("b", "c")], down=True)
    assert len({box.x for box in turned.boxes.values()}) == 1
    assert (turned.width, turned.height) == (144, 22 + 3 * 40 + 2 * LAYER_GAP + 22)


def test_loops_are_drawn_back_and_what_leads_to_itself_not_at_all() -> None:
    sizes = dict.fromkeys(("a", "b", "c"), (100, 40))
    found = layout(sizes, [("a", "b"), ("b", "c"), ("c", "a"), ("b", "b"), ("a", "elsewhere")])
    assert found.back == {("c", "a")}
    assert set(found.paths) == {("a", "b"), ("b", "c"), ("c", "a")}
    begins, *_, ends = found.paths["c", "a"]
    assert begins[0] > ends[0]


def test_groups_side_by_side() -> None:
    found = layout(dict.fromkeys(("a", "b", "c", "d"), (80, 30)), [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    assert found.boxes["b"].x == found.boxes["c"].x
    assert found.boxes["a"].y == found.boxes["d"].y


def test_nothing_at_all() -> None:
    assert layout({}, []).boxes == {}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(40, 220), st.integers(30, 60)), min_size=1, max_size=40),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=70),
    st.booleans(),
)
def test_every_box_is_there_and_none_lies_on_another(
    given_sizes: list[tuple[int, int]], arrows: list[tuple[str, str]], down: bool
) -> None:
    sizes = dict(zip(NAMES, given_sizes, strict=False))
    found = layout(sizes, arrows, down=down)
    assert {name: (box.width, box.height) for name, box in found.boxes.items()} == sizes
    assert all(apart(one, other) for one, other in combinations(found.boxes.values(), 2))
    assert all(box.x >= 0 and box.y >= 0 for box in found.boxes.values())
    assert all(box.x + box.width <= found.width and box.y + box.height <= found.height for box in found.boxes.values())
    wanted = {arrow for arrow in arrows if arrow[0] != arrow[1] and set(arrow) <= set(sizes)}
    assert set(found.paths) == wanted
    assert all(0 <= x <= found.width and 0 <= y <= found.height for path in found.paths.values() for x, y in path)
    assert layout(sizes, arrows, down=down) == found
