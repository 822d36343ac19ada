"""Prints docs/codes.md: what every code of a problem or of an HTTP answer means. `make docs` writes the file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from engine.errors import PROBLEM_CODES, REQUEST_CODES, RequestError
from engine.fields.field import VALUE_CODES

INTRODUCTION = """\
# Codes

<!-- Written by `make docs` from engine/errors.py and engine/fields/field.py: change it there. -->

A code never changes its meaning, so a program may rely on it; the words beside it may change.
"""

PROBLEMS = """
## Problems in definitions

`orderloom check` prints them with file, line and column, and so does a server that reloads.

"""

ANSWERS = """
## Answers of the API

The `code` of an `application/problem+json` body ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), and of each entry
of its `errors`. An application adds codes of its own with `code:` beside a `require`.

"""


def error_classes(parent: type[RequestError] = RequestError) -> Iterator[type[RequestError]]:
    """The request errors of the engine, each parent before its children."""
    yield parent
    for child in parent.__subclasses__():
        yield from error_classes(child)


def request_codes() -> dict[str, str]:
    """Each code of an answer: its status, where it always has the same one, and its meaning."""
    whole = {error.default_code: f"{error.status}: {error.title}" for error in error_classes()}
    return whole | dict(REQUEST_CODES) | dict(VALUE_CODES)


def table(rows: Iterable[tuple[str, str]]) -> str:
    """A Markdown table of codes and their meanings."""
    return "| code | meaning |\n|---|---|\n" + "".join(f"| `{code}` | {meaning} |\n" for code, meaning in rows)


def page() -> str:
    """The whole text of docs/codes.md."""
    problems = table(PROBLEM_CODES.items())
    answers = table(sorted(request_codes().items()))
    return INTRODUCTION + PROBLEMS + problems + ANSWERS + answers


if __name__ == "__main__":
    sys.stdout.write(page())
