"""Warnings about tables, and what a sound one is known to do. Errors are in ``tests/cases/tables.yaml``."""

from __future__ import annotations

from datetime import date

from engine.catalog.builder import build
from engine.catalog.catalog import Catalog
from engine.source.problems import Problems
from engine.source.reader import Sources, read_text
from engine.source.text import SourceText


def built(text: str) -> tuple[Catalog, list[str]]:
    """The catalogue, and its warnings as ``line code message``."""
    problems = Problems()
    whole = f"app: club\n---\n{text}"
    sources = Sources(tuple(read_text(whole, "it.yaml", problems)), {"it.yaml": SourceText("it.yaml", whole)})
    catalog = build(sources, problems=problems)
    assert all(problem.severity == "warning" for problem in problems)
    return catalog, [f"{each.span.line if each.span else 0} {each.code} {each.message}" for each in problems]


GRID = """\
table: it
inputs: {n: integer, kind: {of: [a, b]}}
outputs: {out: {of: [x, y]}}
rows: |
  id | n   | kind || out
  r1 | < 5 | -    || x
  r2 | >= 5 | a   || x
"""


def test_an_output_that_nothing_gives_is_a_warning() -> None:
    catalog, told = built(GRID + "  r3 | >= 5 | b || x\n")
    assert told == ["7 E407 nothing gives out y"]
    assert catalog.tables["it"][0].rules.proven
    assert built(GRID + "  r3 | >= 5 | b || y\n")[1] == []


def test_a_row_with_an_expression_may_fill_a_gap_which_is_said() -> None:
    catalog, told = built(GRID + "  r3 | >= 5 | {n > 3} || y\n")
    assert told == ["7 E406 only rows with an expression may decide n >= 5 and kind b"]
    rules = catalog.tables["it"][0].rules
    assert not rules.proven, "so that two rows for one case are noticed"
    assert rules.decide((9, "b")).value == {"out": "y"}
    assert built(GRID.replace("{of: [x, y]}", "{of: [x, y], default: y}") + "  r3 | >= 5 | {n > 3} || y\n")[1] == []


def test_a_default_fills_gaps() -> None:
    catalog, told = built(GRID.replace("{of: [x, y]}", "{of: [x, y], default: y}"))
    assert told == []
    decided = catalog.tables["it"][0].rules.decide((9, "b"))
    assert (decided.value, decided.rows) == ({"out": "y"}, ())


def test_a_check_that_stops_at_its_bound_says_so() -> None:
    steps = (3, 7, 11, 13, 17)
    inputs = ", ".join(f"i{step}: {{type: integer, range: '[0..100]'}}" for step in steps)
    heading = " | ".join(f"i{step}" for step in steps)
    cells = [[f"[{row * step % 71}..{row * step % 71 + 29}]" for step in steps] for row in range(71)]
    rows = "\n".join(f"  {' | '.join(row)} || {number}" for number, row in enumerate(cells))
    table = f"table: it\nhit: first\ninputs: {{{inputs}}}\noutputs: {{out: integer}}\n"
    _, told = built(f"{table}rows: |\n  {heading} || out\n{rows}\n")
    assert told == [
        "8 E408 the table is too large to look for all cases that no row decides: the check has stopped at its limit"
    ]


def test_versions_are_found_by_the_day() -> None:
    def version(valid: str, out: int) -> str:
        head = f"table: it\nvalid: {{{valid}}}\ninputs: {{n: integer}}\noutputs: {{out: integer}}\n"
        return f"{head}rows: |\n  n || out\n  - || {out}\n"

    parts = [
        version("from: 2026-03-01", 3),
        version("to: 2026-01-31", 1),
        version("from: 2026-02-10, to: 2026-02-28", 2),
    ]
    catalog, _ = built("---\n".join(parts))

    def out(day: date) -> int | None:
        table = catalog.table_on("it", day)
        return table.rules.decide((0,)).value["out"] if table is not None else None

    days = [
        date(2025, 1, 1),
        date(2026, 1, 31),
        date(2026, 2, 1),
        date(2026, 2, 10),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert [out(day) for day in days] == [1, 1, None, 2, 2, 3]
    assert catalog.table_on("other", days[0]) is None
