"""What a YAML parser's complaint means for the person who wrote the text."""

from __future__ import annotations

import yaml

from engine.errors import Problem
from engine.source.text import SourceText

#: What the parser says → what it comes from most often. The first entry that is part of its words counts.
LIKELY_FIX: tuple[tuple[str, str], ...] = (
    ("'\\t'", "indent with spaces, not with tabs"),
    ("tab", "indent with spaces, not with tabs"),
    ("mapping values are not allowed", "quote a text that holds ': ', or look at the indentation"),
    ("block sequence entries are not allowed", "quote a text that begins with '- '"),
    ("cannot start any token", "quote a text that begins with '@', '`' or '%'"),
    ("unknown escape", "double the backslash, or use single quotes"),
    ("found undefined tag handle", "quote a text that begins with '!'"),
    ("did not find expected tag", "quote a text that begins with '!'"),
    ("expected alphabetic or numeric character", "quote a text that begins with '*' or '&'"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("could not find expected ':'", "a key needs ': ' behind it; look at the indentation"),
    ("did not find expected ',' or", "quote a text that holds , [ ] { }, or close the bracket"),
    ("expected ',' or", "quote a text that holds , [ ] { }, or close the bracket"),
    ("did not find expected key", "look at the indentation, and close all quotes and brackets"),
    ("did not find expected '-' indicator", "look at the indentation"),
    ("did not find expected node content", "quote a text that holds , [ ] { }"),
    ("did not find expected <document start>", "look at the indentation"),
)


def explain(error: yaml.YAMLError, source: SourceText) -> Problem:
    """The problem with its place and, where one is known, the likely fix."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or error)
    context = getattr(error, "context", None)
    index = min(mark.index, len(source.text)) if mark is not None else 0
    message = f"this is not YAML: {said}" + (f", {context}" if context else "")
    hint = next((fix for words, fix in LIKELY_FIX if words in said), None)
    if "\t" in source.text[max(index - 1, 0) : index + 1]:
        hint = LIKELY_FIX[0][1]
    return Problem("E101", message, source.span(index, index + 1), hint)
