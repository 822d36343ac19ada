"""The tour of the README, taken step by step while a server runs: its files are saved, its commands print what it
says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from click.testing import CliRunner

from engine.cli import app
from tests.serving import ROOT, copy_of_application, serve, until

README = (ROOT / "README.md").read_text("utf-8")
#: The last file that is named in code before a block is the one that the block is about.
FILE = re.compile(r"`([\w/.]+\.(?:yaml|csv))`")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of the tour: ``language`` says what is to be done with it, ``file`` what it is about."""

    language: str
    text: str
    file: str


def blocks(heading: str) -> list[Block]:
    """The blocks below a heading of the README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found, file, end = [], "", 0
    for match in BLOCK.finditer(section):
        named = FILE.findall(section[end : match.start()])
        file = named[-1] if named else file
        found.append(Block(match[1], match[2], file))
        end = match.end()
    return found


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines that it is said to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *printed = part.splitlines()
        yield command, printed


def like(printed: list[str]) -> re.Pattern[str]:
    """What matches these lines; ``…`` stands for anything."""
    return re.compile(".*".join(re.escape(part) for part in "\n".join(printed).split("…")), re.DOTALL)


class Walker:
    """Takes the steps in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, block: Block) -> None:
        match block.language:
            case "yaml" | "csv":
                path = self.folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, "utf-8")
            case "diff":
                self.change(block)
            case "console":
                for command, printed in commands(block.text):
                    self.run(command, printed)
            case other:
                raise AssertionError(f"what is to be done with {other}?")

    def change(self, block: Block) -> None:
        path = self.folder / block.file
        old = "".join(line[1:] for line in block.text.splitlines(keepends=True) if line.startswith("-"))
        new = "".join(line[1:] for line in block.text.splitlines(keepends=True) if line.startswith("+"))
        text = path.read_text("utf-8")
        assert old in text, f"{block.file} has no line {old!r}"
        path.write_text(text.replace(old, new, 1), "utf-8")

    def run(self, command: str, printed: list[str]) -> None:
        program, *words = shlex.split(command)
        if program == "rm":
            for word in words:
                (self.folder / word).unlink()
            return
        assert program == ".venv/bin/orderloom"
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert like(printed).match(result.output), f"$ {command}\n{result.output}\nis not\n" + "\n".join(printed)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the application, where the commands are typed."""
    monkeypatch.chdir(copy_of_application(tmp_path))
    return tmp_path


def test_the_tour(folder: Path) -> None:
    steps = blocks("A tour of ten minutes")
    assert {block.language for block in steps} == {"yaml", "csv", "diff", "console"}
    walker = Walker(folder)
    with serve(folder, "--demo") as served, served.visitor("admin") as client:

        def paths() -> set[str]:
            return set(client.get("/openapi.json").json()["paths"])

        def fields() -> set[str]:
            return set(client.get("/openapi.json").json()["components"]["schemas"]["order"]["properties"])

        for number, block in enumerate(steps):
            walker.take(block)
            if number == 0:
                until(lambda: "gift_card" in fields(), "the field in the API")
            if block.language == "console" and "did you mean" in block.text:
                served.said(block.text.splitlines()[1])
        served.said("orderloom plan")
        assert "gift_card" in fields()
        assert "/intake/corner_shop" in paths()


def test_an_application_of_ones_own(folder: Path) -> None:
    [block] = blocks("An application of your own")
    walker = Walker(folder)
    for command, printed in commands(block.text):
        if command.endswith("serve --port 8001"):
            with serve(folder / "shop") as served:
                assert httpx.get(f"{served.address}/readyz").json()["status"] == "ok"
        else:
            walker.run(command, printed)


@pytest.mark.parametrize(
    ("printed", "output", "same"),
    [
        (["a", "…", "c"], "a\nb\nc\n", True),
        (["a … c"], "a b c", True),
        (["a", "c"], "a\nb\nc", False),
        (["1 passed"], "11 passed", False),
    ],
)
def test_what_is_printed_is_compared(printed: list[str], output: str, same: bool) -> None:
    assert bool(like(printed).match(output)) is same
