"""What the check of a table finds is what trying every case finds."""

from __future__ import annotations

from hypothesis import given, settings

from engine.tables.analysis import Analysis
from engine.tables.rules import Rules
from tests.tables.random_tables import every_case, rules, taken

EVERYTHING = 10**9


def inside(table: Rules, box: tuple[int, ...], values: tuple[object, ...]) -> bool:
    return all(pieces >> axis.piece(value) & 1 for axis, pieces, value in zip(table.axes, box, values, strict=True))


@settings(max_examples=80, deadline=None)
@given(rules())
def test_gaps_are_exactly_the_cases_that_no_row_takes(table: Rules) -> None:
    gaps, complete = table.analysis().gaps(exact=True, most=EVERYTHING)
    assert complete
    for values in every_case(table.inputs):
        in_gap = any(inside(table, gap, values) for gap in gaps)
        assert in_gap == (not taken(table.tests, values)), values
    for gap in gaps:  # none is empty: some case lies in it
        assert all(pieces & axis.domain for pieces, axis in zip(gap, table.axes, strict=True))


@settings(max_examples=80, deadline=None)
@given(rules())
def test_overlaps_are_exactly_the_pairs_that_share_a_case(table: Rules) -> None:
    expected = set()
    for values in every_case(table.inputs):
        rows = taken(table.tests, values)
        expected |= {(one, other) for one in rows for other in rows if one < other}
    assert set(table.analysis().overlaps()) == expected


@settings(max_examples=80, deadline=None)
@given(rules(hit="first"))
def test_masked_rows_are_exactly_those_that_are_never_first(table: Rules) -> None:
    first, ever = set(), set()
    for values in every_case(table.inputs):
        rows = taken(table.tests, values)
        ever |= set(rows)
        first |= set(rows[:1])
    analysis = table.analysis()
    masked, complete = analysis.masked()
    assert complete
    assert {row for row, _ in masked} == ever - first
    assert {row for row, _ in analysis.never()} == set(range(len(table.rows))) - ever
    for row, by in masked:
        if by is not None:
            assert by < row
            for values in every_case(table.inputs):
                rows = taken(table.tests, values)
                assert row not in rows or by in rows


@settings(max_examples=50, deadline=None)
@given(rules(hit="first", most_rows=8))
def test_work_is_bounded_and_a_stopped_search_says_so(table: Rules) -> None:
    analysis = Analysis(table.axes, table.tests, most_steps=1)
    gaps, complete = analysis.gaps(exact=True)
    everything, _ = table.analysis().gaps(exact=True, most=EVERYTHING)
    if complete:
        assert {tuple(gap) for gap in gaps} == {tuple(gap) for gap in everything}
    else:
        assert gaps == []
