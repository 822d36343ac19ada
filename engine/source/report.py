"""Problems as people and programs read them: text with carets, JSON, GitHub annotations, SARIF 2.1.0."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args
from urllib.parse import quote

from engine.errors import PROBLEM_CODES, Problem, Span
from engine.source.text import SourceText

Format = Literal["text", "json", "github", "sarif"]
FORMATS: tuple[Format, ...] = get_args(Format)

TOOL = "orderloom"
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: A longer source line is shown around the place only.
WIDEST = 160


def render(problems: Iterable[Problem], format: Format, texts: Mapping[str, SourceText]) -> str:
    """The problems in that format, in the order given. ``texts`` are those of the files, for showing their lines."""
    found = list(problems)
    if format == "json":
        return json.dumps([_plain(problem) for problem in found], ensure_ascii=False, indent=2)
    if format == "github":
        return "\n".join(map(_annotation, found))
    if format == "sarif":
        return json.dumps(_sarif(found), ensure_ascii=False, indent=2)
    return "\n".join([*(str(problem) + _excerpt(problem.span, texts) for problem in found), _summary(found)])


def _summary(problems: list[Problem]) -> str:
    """How many there are: ``2 errors in 1 file``."""
    if not problems:
        return "no problems"
    files = {problem.span.file for problem in problems if problem.span}
    warnings = sum(problem.severity == "warning" for problem in problems)
    counts = [(len(problems) - warnings, "error"), (warnings, "warning")]
    said = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)
    return f"{said} in {len(files)} file{'s' if len(files) != 1 else ''}" if files else said


def _excerpt(span: Span | None, texts: Mapping[str, SourceText]) -> str:
    """The line of the span, and a caret line below; empty when there is no such line."""
    source = texts.get(span.file) if span else None
    line = source.line(span.line) if source and span else ""
    if span is None or not line.strip():
        return ""
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    first = max(0, start - WIDEST // 2) if len(line) > WIDEST else 0
    shown = line[first : first + WIDEST]
    before = "".join("\t" if letter == "\t" else " " * _width(letter) for letter in shown[: start - first])
    carets = "^" * max(1, sum(map(_width, shown[start - first : max(end, start) - first])))
    number = f"{span.line:5}"
    return f"\n{number} | {shown}\n{' ' * len(number)} | {before}{carets}"


def _width(letter: str) -> int:
    """How many columns of a terminal the character takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _said(problem: Problem) -> str:
    return problem.message + (f"; {problem.hint}" if problem.hint else "")


def _plain(problem: Problem) -> dict[str, Any]:
    """The problem as JSON."""
    span = problem.span
    place = {
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
    }
    said = {"code": problem.code, "severity": problem.severity, "message": problem.message, "hint": problem.hint}
    return {**said, **place}


def _annotation(problem: Problem) -> str:
    """The problem as a workflow command, as GitHub's "Workflow commands for GitHub Actions" spells them."""
    values: dict[str, object] = {"title": problem.code}
    if problem.span is not None:
        span = problem.span
        values = {"file": span.file, "line": span.line, "endLine": span.end_line, "title": problem.code}
        if span.line == span.end_line:  # columns are not allowed for several lines
            values |= {"col": span.column, "endColumn": max(span.column, span.end_column - 1)}
    said = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in values.items())
    return f"::{problem.severity} {said}::{_escaped(_said(problem), '')}"


def _escaped(text: str, also: str) -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _sarif(problems: list[Problem]) -> dict[str, Any]:
    """OASIS SARIF 2.1.0. Columns count characters, ends are exclusive: just what a Span holds."""
    codes = sorted({problem.code for problem in problems})
    rules = [{"id": code, "shortDescription": {"text": PROBLEM_CODES[code]}} for code in codes]
    run = {
        "tool": {"driver": {"name": TOOL, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code)) for problem in problems],
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _said(problem)},
    }
    if problem.span is not None:
        span = problem.span
        region = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
        place = {"artifactLocation": {"uri": quote(span.file)}, "region": region}
        result["locations"] = [{"physicalLocation": place}]
    return result
