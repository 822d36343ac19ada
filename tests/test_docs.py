"""The documentation says what is so: every code has its meaning, every command that the README names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from engine.cli import app
from engine.errors import PROBLEM_CODES, REQUEST_CODES
from tools.codes import page, request_codes

ROOT = Path(__file__).parent.parent

#: How a code looks in the engine's source: `E104`, or words in capitals joined by underscores.
PROBLEM = re.compile(r"[EW]\d{3}")
REQUEST = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")

#: Texts of the engine that look like a code and are none: names of settings, and a state of DBOS.
NOT_CODES = re.compile(r"ORDERLOOM_\w+|SCHEMA_DIALECT|MAX_RECOVERY_ATTEMPTS_EXCEEDED")


def texts(folder: Path) -> set[str]:
    """Every text constant in the Python files below a folder."""
    trees = (ast.parse(path.read_text("utf-8")) for path in folder.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def code(markdown: str) -> list[str]:
    """The lines of a Markdown text's code: fenced, indented, and between backticks."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^(?: {4}|\t)(.*)$", markdown, re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", markdown)
    return [line for block in [*fenced, *indented, *spans] for line in block.splitlines()]


def commands(markdown: str) -> set[tuple[str, ...]]:
    """What a Markdown text tells the reader to run: ("make", target) and ("orderloom", command, subcommand …)."""
    found = set()
    for line in code(markdown):
        match = re.match(r"(?:\$ )?(?:\S*/)?(make|orderloom|python3? cli\.py)((?: +[^#|&;]\S*)*)", line.strip())
        if match:
            program = "make" if match[1] == "make" else "orderloom"
            given = re.sub(r"--app \S+", "", match[2])  # its value is no command
            words = [word for word in given.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
            found.add((program, *words[: 1 if program == "make" else 2]))
    return found


def missing(command: tuple[str, ...]) -> str | None:
    """What of a command does not exist, or None."""
    program, *words = command
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return next((f"make {word}" for word in words if word not in targets), None)
    here: click.Command = app
    context = click.Context(app)
    for word in words:
        if not isinstance(here, click.Group):
            return None  # the rest are arguments
        found = here.get_command(context, word)
        if found is None:
            # `new` takes a folder as well as the name of a subcommand.
            return f"orderloom {word}" if here is app else None
        here = found
    return None


def test_the_page_of_codes_is_up_to_date() -> None:
    assert (ROOT / "docs/codes.md").read_text("utf-8") == page(), "run: make docs"


def test_every_code_the_engine_names_has_its_meaning() -> None:
    known = set(PROBLEM_CODES) | set(request_codes())
    named = {text for text in texts(ROOT / "engine") if PROBLEM.fullmatch(text) or REQUEST.fullmatch(text)}
    assert not {text for text in named - known if not NOT_CODES.fullmatch(text)}


def test_every_code_with_a_meaning_is_in_use() -> None:
    uses = {path: path.read_text("utf-8") for path in (ROOT / "engine").rglob("*.py") if path.name != "errors.py"}
    assert not {
        code for code in {*PROBLEM_CODES, *REQUEST_CODES} if not any(f'"{code}"' in text for text in uses.values())
    }


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/running.md"])
def test_every_command_in_the_documents_exists(document: str) -> None:
    named = commands((ROOT / document).read_text("utf-8"))
    assert named, f"{document} names no command at all"
    assert not [gap for command in named if (gap := missing(command))]


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name
)
def test_every_file_that_a_document_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8"))
    assert not [link for link in links if "://" not in link and not (document.parent / link).exists()]


def test_commands_are_found_wherever_code_stands() -> None:
    fenced = "```sh\n$ orderloom --app shop user add ann --role sales\n```\n"
    markdown = f"Run `make check`, then:\n\n{fenced}\n    python cli.py plan\n"
    assert commands(markdown) == {("make", "check"), ("orderloom", "user", "add"), ("orderloom", "plan")}


@pytest.mark.parametrize("command", [("make", "coffee"), ("orderloom", "brew")])
def test_a_missing_command_is_noticed(command: tuple[str, ...]) -> None:
    assert missing(command)
