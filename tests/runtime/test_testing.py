"""The runner of test documents, on a small application of its own: what passes, what fails, and where it says so."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from engine.catalog.builder import FOLDERS, load
from engine.catalog.catalog import Catalog
from engine.runtime.mutants import Mutant, survivors
from engine.runtime.scratch import NotEmpty, scratch
from engine.runtime.testing import Result, TestRunner
from engine.source.problems import Problems
from engine.source.reader import read_folder

APPLICATION = """\
    app: parcels
    timezone: Asia/Shanghai
    ---
    model: place
    key: code
    fields: {code: {type: text, unique: true}}
    ---
    model: parcel
    key: number
    workflow: sending
    fields:
      number: {type: text, unique: true, required: true}
      weight: {type: decimal, digits: 2, min: 0}
      goes_to: {type: link, to: place}
      packed_at: {type: datetime, default: now}
      parts: {type: rows, of: {name: text, price: money}}
    checks:
      heavy: {require: weight < 100, at: weight}
    ---
    workflow: sending
    for: parcel
    start: open
    states:
      open: {events: {send: {to: sent, require: weight > 0, do: [{run: rules}]}}}
      sent: {}
    ---
    checks: rules
    for: parcel
    rules:
      not_too_light: {require: weight > 1, code: TOO_LIGHT, otherwise: [{hold: light, assign: {role: clerk}}]}
    ---
    access: clerk
    can: {place: {read: all}, parcel: {read: all, create: all, update: all, events: [send]}}
    ---
    access: guest
    can: {parcel: {read: all}}
    """

GOOD = """\
    test: a parcel is sent
    clock: 2026-11-20T10:00:00+08:00
    given:
      - {place: {code: SH}}
    do:
      - create: parcel
        as: clerk
        values: {number: P1, weight: 2.50, goes_to: SH, parts: [{name: a, price: 1}, {name: b, price: 2}]}
        into: p
      - {fire: send, record: p, as: clerk}
      - {wait: 30 min}
      - {update: parcel/P1, as: clerk, values: {weight: 3}}
    expect:
      - {of: p, status: sent, weight: 3.00, goes_to: SH, sum(parts.price): 3, parts.name: [a, b], count(holds): 0}
      - {of: p, packed_at: 2026-11-20T10:00:00+08:00, now: 2026-11-20T02:30:00+00:00}
      - {of: parcel, where: weight > 2, number: P1}
      - {count: parcel, is: 1}
      - {refused: {fire: send, record: p, as: clerk}, code: TRANSITION_REFUSED}
      - {refused: {create: parcel, as: guest, values: {number: P2}}, code: ACCESS_DENIED}
      - {refused: {create: parcel, as: clerk, values: {number: P2, weight: 100}}, at: weight}
    ---
    test: a light one is held
    do:
      - {create: parcel, as: clerk, values: {number: P1, weight: 1}, into: p}
      - {fire: send, record: p, as: clerk}
    expect:
      - {of: p, status: sent, count(holds): 1}
    ---
    test: and let go
    after: a light one is held
    do:
      - {release: light, record: p, as: clerk}
    expect:
      - {of: p, count(holds): 0}
    """


def write(folder: Path, tests: str) -> Path:
    """An application with these tests."""
    (folder / "definitions").mkdir(exist_ok=True)
    (folder / "definitions/app.yaml").write_text(dedent(APPLICATION), "utf-8")
    (folder / "definitions/tests.yaml").write_text(dedent(tests), "utf-8")
    return folder


def run(folder: Path) -> tuple[Catalog, TestRunner, list[Result]]:
    """The results of its tests."""
    catalog = load(folder)
    with scratch(catalog) as database:
        runner = TestRunner(database, folder)
        return catalog, runner, list(runner.run(list(catalog.tests.values())))


def failures(folder: Path, test: str) -> list[str]:
    """What fails in one test."""
    _, _, [result] = run(write(folder, test))
    return [str(failure) for failure in result.failures]


def test_what_comes_out_as_expected_passes(tmp_path: Path) -> None:
    _, runner, results = run(write(tmp_path, GOOD))
    assert [failure for result in results for failure in result.failures] == []
    transitions, rules, permissions = runner.coverage.report()
    assert transitions.missed == ()
    assert rules.missed == ()
    assert permissions.missed == ()


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ("{of: p, status: sent, weight: 1}", "status is open"),
        ("{of: p, weight: 2.51}", "weight is 2.50"),
        ("{of: p, goes_to: null}", "goes_to is SH"),
        ("{of: p, parts.name: [a]}", "parts.name is [a, b]"),
        ("{of: p, packed_at: 2026-11-20T10:00:01+08:00}", "packed_at is 2026-11-20T10:00:00+08:00"),
        ("{of: parcel, where: weight > 9, number: P1}", "0 records of parcel hold this condition"),
        ("{count: parcel, is: 2}", "there are 1"),
        ("{refused: {fire: send, record: p, as: clerk}}", "this was not refused"),
        ("{refused: {fire: send, record: p, as: guest}, code: HELD}", "refused, but with ACCESS_DENIED"),
    ],
)
def test_what_does_not_is_told_with_its_place(tmp_path: Path, expectation: str, said: str) -> None:
    test = f"""\
    test: one expectation
    clock: 2026-11-20T10:00:00+08:00
    given: [{{place: {{code: SH}}}}]
    do:
      - create: parcel
        as: clerk
        values: {{number: P1, weight: 2.50, goes_to: SH, parts: [{{name: a}}, {{name: b}}]}}
        into: p
    expect:
      - {expectation}
    """
    [failure] = failures(tmp_path, test)
    place, _, message = failure.partition(": ")
    assert message == said
    file, line, _ = place.split(":")
    assert (file, line) == ("definitions/tests.yaml", "10")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("{create: parcel, as: clerk, values: {number: P1, weight: -1}}", "weight: VALUE_RANGE"),
        ("{create: parcel, as: nobody, values: {number: P1}}", "'nobody' is neither a user nor a role"),
        ("{fire: send, record: p, as: clerk}", "nothing is called 'p' here"),
        ("{fire: send, record: parcel/P9, as: clerk}", "there is no parcel 'P9'"),
        ("{intake: mail, text: hello}", "there is no channel mail"),
    ],
)
def test_an_act_that_fails_ends_its_test(tmp_path: Path, act: str, said: str) -> None:
    test = f"""\
    test: one act
    do:
      - {act}
    expect:
      - {{count: parcel, is: 7}}
    """
    [failure] = failures(tmp_path, test)
    assert failure.startswith("definitions/tests.yaml:3:5: ")
    assert said in failure


def test_tests_that_go_on_from_each_other_are_refused(tmp_path: Path) -> None:
    _, _, results = run(write(tmp_path, "test: a\nafter: b\n---\ntest: b\nafter: a\n---\ntest: c\nafter: d\n"))
    assert [str(result.failures[0]) for result in results] == [
        "definitions/tests.yaml:5:8: these tests go on from each other",
        "definitions/tests.yaml:2:8: these tests go on from each other",
        "definitions/tests.yaml:8:8: there is no such test",
    ]


def test_a_database_with_something_in_it_is_not_touched(tmp_path: Path, database_url: str) -> None:
    catalog = load(write(tmp_path, GOOD))
    with scratch(catalog, database_url) as database:
        with pytest.raises(NotEmpty), scratch(catalog, database_url):
            pytest.fail("it was opened")
        assert database.database.read(lambda tx: database.store.records.resolve(tx, "parcel", ["P1"])) == {}


def test_a_mutant_is_noticed_by_tests_that_test_it(tmp_path: Path) -> None:
    assert surviving(write(tmp_path, GOOD)) == []


def test_and_survives_tests_that_do_not(tmp_path: Path) -> None:
    weak = (
        "test: nothing is held\ndo:\n  - {create: parcel, values: {number: P1}}\nexpect:\n  - {count: parcel, is: 1}\n"
    )
    assert surviving(write(tmp_path, weak)) == [
        "`require` turned round",
        "the rule `heavy` left out",
        "`require` turned round",
        "`require` turned round",
        "the rule `not_too_light` left out",
    ]


def surviving(folder: Path) -> list[str]:
    """What was done to the mutants that no test has noticed."""
    catalog = load(folder)
    sources = read_folder(folder, FOLDERS, Problems())
    seen: list[Mutant] = []
    with scratch(catalog) as database:
        tests = list(catalog.tests.values())
        found = list(survivors(sources, database, folder, tests, seen=lambda mutant, _: seen.append(mutant)))
    assert len(seen) == 5
    return [mutant.what for mutant in found]


ROUTES = """\
    table: route
    for: parcel
    hit: {hit}
    inputs: {{heavy: {{value: weight, range: "[0..)"}}}}
    outputs: {{by: {{of: [van, bike]}}, days: {{type: integer}}}}
    rows: |
      heavy   || by   | days
      >= 20   || van  | 3      # a lorry would do, too
      [5..20) || van  | 1
      {last}     || bike | 1
    {tests}
    ---
    extend: parcel
    fields: {{by: {{type: text, system: true}}, days: {{type: integer, system: true}}}}
    ---
    action: choose
    for: parcel
    steps:
      - {{decide: route, into: found}}
      - {{set: {{by: found.by, days: found.days}}}}
    """


def changed_tables(folder: Path, **parts: str) -> tuple[list[str], list[str]]:
    """What was done to the rows of the table, with the lines; and which of it no test has noticed."""
    write(folder, GOOD)
    text = dedent(ROUTES).format(**{"hit": "unique", "tests": "", "last": "< 5", **parts})
    (folder / "definitions" / "route.yaml").write_text(text, encoding="utf-8")
    catalog = load(folder)
    sources = read_folder(folder, FOLDERS, Problems())
    with scratch(catalog) as database:
        tests = list(catalog.tests.values())
        seen: list[Mutant] = []
        found = list(survivors(sources, database, folder, tests, seen=lambda mutant, _: seen.append(mutant)))
    of_table = [mutant for mutant in seen if mutant.original.kind == "table"]
    return [f"{mutant.span.line} {mutant.what}" for mutant in of_table], [
        f"{mutant.span.line} {mutant.what}" for mutant in found
    ]


def test_rows_of_tables_are_left_out_and_decide_otherwise(tmp_path: Path) -> None:
    tried, survived = changed_tables(tmp_path)
    changed = [
        "8 the row decides as that of line 9 does",
        "9 the row decides as that of line 10 does",
        "10 the row decides as that of line 8 does",
    ]
    assert sorted(tried) == sorted([*changed, *(f"{line} the row left out" for line in (8, 9, 10))])
    assert survived == changed, "a gap is noticed by the check, what decides otherwise by nobody"


def test_the_tests_inside_a_table_notice_it(tmp_path: Path) -> None:
    inside = "tests: |\n  heavy || by | days\n  20 || van | 3\n  5 || van | 1\n  4.99 || bike | 1"
    _, survived = changed_tables(tmp_path, tests=inside)
    assert survived == []


def test_a_row_left_out_that_leaves_no_gap_is_for_tests_to_notice(tmp_path: Path) -> None:
    _, survived = changed_tables(tmp_path, hit="first", last="-  ")
    assert {line for line in survived if line.endswith("left out")} == {"8 the row left out", "9 the row left out"}
