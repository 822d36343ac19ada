"""Problems as text, JSON, annotations and SARIF."""

from __future__ import annotations

import json

import pytest

from engine.errors import DefinitionError, Problem, Span
from engine.source.problems import Problems
from engine.source.reader import read_text
from engine.source.report import FORMATS, WIDEST, render
from engine.source.text import SourceText

TEXTS = {
    "a.yaml": SourceText("a.yaml", "model: a\n订单: {类型: txet, b: 1}\n\tx: y\n\n" + "y" * 300 + "\n"),
    "b c.yaml": SourceText("b c.yaml", "model: b"),
}
TYPE = Problem("E107", "'txet' is no type", Span("a.yaml", 2, 10, 2, 14), "did you mean 'text'?")
SEVERAL = Problem("E106", "100% wrong:\nall, really", Span("a.yaml", 2, 5, 3, 3), severity="warning")
NOWHERE = Problem("E405", "nothing is right")


def test_text_points_at_the_place_under_wide_characters() -> None:
    assert render([TYPE], "text", TEXTS).splitlines() == [
        "a.yaml:2:10: E107 'txet' is no type; did you mean 'text'?",
        "    2 | 订单: {类型: txet, b: 1}",
        "      |              ^^^^",
        "1 error in 1 file",
    ]


def test_text_keeps_tabs_and_marks_at_least_one_place() -> None:
    shown = render([Problem("E101", "x", Span("a.yaml", 3, 2, 3, 2))], "text", TEXTS).splitlines()
    assert shown[1:3] == ["    3 | \tx: y", "      | \t^"]


def test_text_cuts_a_span_of_several_lines_at_the_first() -> None:
    shown = render([SEVERAL], "text", TEXTS).splitlines()
    assert shown[-2] == "      |       ^^^^^^^^^^^^^^^^^^"
    assert shown[-1] == "1 warning in 1 file"


def test_text_shows_only_the_neighbourhood_in_a_long_line() -> None:
    shown = render([Problem("E101", "x", Span("a.yaml", 5, 200, 5, 202))], "text", TEXTS).splitlines()
    assert len(shown[1]) == len("    5 | ") + WIDEST
    assert shown[2].endswith(" " * (WIDEST // 2 - 1) + "^^")


def test_text_does_without_a_line() -> None:
    elsewhere = Problem("E100", "gone", Span("gone.yaml", 1, 1, 1, 1))
    empty = Problem("E101", "x", Span("a.yaml", 4, 1, 4, 1))
    assert render([NOWHERE, elsewhere, empty], "text", TEXTS).splitlines() == [
        "E405 nothing is right",
        "gone.yaml:1:1: E100 gone",
        "a.yaml:4:1: E101 x",
        "3 errors in 2 files",
    ]
    assert render([], "text", TEXTS) == "no problems"
    assert render([NOWHERE], "text", {}).endswith("\n1 error")


def test_json() -> None:
    assert json.loads(render([TYPE, NOWHERE], "json", TEXTS)) == [
        {
            "code": "E107",
            "severity": "error",
            "message": "'txet' is no type",
            "hint": "did you mean 'text'?",
            "file": "a.yaml",
            "line": 2,
            "column": 10,
            "end_line": 2,
            "end_column": 14,
        },
        {
            "code": "E405",
            "severity": "error",
            "message": "nothing is right",
            "hint": None,
            "file": None,
            "line": None,
            "column": None,
            "end_line": None,
            "end_column": None,
        },
    ]


def test_github_annotations_are_escaped() -> None:
    assert render([TYPE, SEVERAL, NOWHERE], "github", TEXTS).splitlines() == [
        "::error file=a.yaml,line=2,endLine=2,title=E107,col=10,endColumn=13::'txet' is no type; did you mean 'text'?",
        "::warning file=a.yaml,line=2,endLine=3,title=E106::100%25 wrong:%0Aall, really",
        "::error title=E405::nothing is right",
    ]
    odd = Problem("E101", "x", Span("a,b:c.yaml", 1, 1, 1, 1))
    assert render([odd], "github", {}).startswith("::error file=a%2Cb%3Ac.yaml,")


def test_sarif() -> None:
    log = json.loads(render([TYPE, SEVERAL, NOWHERE], "sarif", TEXTS))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E106", "E107", "E405"]
    assert [(r["ruleId"], r["ruleIndex"], r["level"]) for r in run["results"]] == [
        ("E107", 1, "error"),
        ("E106", 0, "warning"),
        ("E405", 2, "error"),
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 14}
    assert run["columnKind"] == "unicodeCodePoints"
    assert "locations" not in run["results"][2]
    spaced = Problem("E101", "x", Span("b c.yaml", 1, 1, 1, 1))
    assert '"uri": "b%20c.yaml"' in render([spaced], "sarif", TEXTS)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_no_problem_at_all(format: str) -> None:
    render([], format, {})  # type: ignore[arg-type]


def test_problems_come_in_the_order_of_files_and_lines() -> None:
    problems = Problems()
    problems.report("E104", "b", Span("b.yaml", 1, 1, 1, 2))
    problems.report("E104", "late", Span("a.yaml", 10, 1, 10, 2))
    problems.add(Problem("E104", "early", Span("a.yaml", 2, 7, 2, 8)))
    problems.report("E405", "all")
    assert [problem.message for problem in problems] == ["all", "early", "late", "b"]


def test_warnings_do_not_stop_anything() -> None:
    problems = Problems()
    problems.add(SEVERAL)
    problems.raise_errors()
    problems.add(TYPE)
    assert problems.errors == (TYPE,)
    with pytest.raises(DefinitionError, match="txet") as raised:
        problems.raise_errors()
    assert set(raised.value.problems) == {TYPE, SEVERAL}


def test_a_real_problem_from_end_to_end() -> None:
    problems = Problems()
    read_text("model: 订单\nmodel: again\n", "a.yaml", problems)
    texts = {"a.yaml": SourceText("a.yaml", "model: 订单\nmodel: again\n")}
    assert render(problems, "text", texts).splitlines() == [
        "a.yaml:2:1: E102 the key 'model' stands twice; it stands first on line 1",
        "    2 | model: again",
        "      | ^^^^^",
        "1 error in 1 file",
    ]
