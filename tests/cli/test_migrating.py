"""`plan`, `apply`, `migrate-cases` and `simulate` as they are typed, over a workflow that changes while cases are
open."""

from __future__ import annotations

import json
import re
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click import UsageError
from click.testing import CliRunner, Result

from engine.catalog.reload import CatalogHolder
from engine.cli import app
from engine.cli.changed import moment
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from tests.store.test_migrate_cases import CRATE, MAPPED, PACKED

DEPOT = "app: depot\n---\naccess: keeper\neverything: true\n---" + CRATE.replace("key: code", "key: code\ntitle: code")


class Shell:
    """A folder with three crates, two of them full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "definitions").mkdir()
        (folder / "data").mkdir()
        self.says(CRATE)
        engine = Engine(CatalogHolder(folder), Database.open(f"sqlite:///{folder / 'data' / 'orderloom.db'}"))
        engine.prepare()
        service = engine.service
        for code in ("a", "b", "c"):
            key = engine.write(lambda tx, code=code: service.create(tx, SYSTEM, "crate", {"code": code}))["id"]
            if code != "c":
                engine.write(lambda tx, key=key: service.fire(tx, SYSTEM, "crate", key, "fill"))
        engine.database.close()

    def says(self, text: str) -> None:
        text = DEPOT.replace(
            DEPOT[DEPOT.index("workflow: handling\nfor") :], text[text.index("workflow: handling\nfor") :]
        )
        (self.folder / "definitions" / "app.yaml").write_text(text, "utf-8")

    def run(self, *words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["--app", str(self.folder), *words])
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_state_goes_with_its_cases_and_comes_back(shell: Shell) -> None:
    shell.says(PACKED)
    told = shell.run("plan", code=1).output
    assert re.search(r"NOT POSSIBLE:\n  definitions/app.yaml:\d+:1: E411 2 open cases stand in 'full'", told)
    assert re.match(
        r"definitions/app.yaml:\d+:1: E411 2 open cases .*say `was: full`", shell.run("apply", code=1).output
    )
    assert "the files differ" in shell.run("migrate-cases").output, "the definitions in force count"

    shell.says(MAPPED)
    told = shell.run("plan", code=2).output
    assert "states.full: gone, its cases belong to packed" in told
    assert "(in force): 2 cases in state full, which is packed now" in told
    assert "nothing to do" in shell.run("migrate-cases", "--dry-run").output
    shell.run("plan", code=2)  # for looking has put nothing into force
    shell.run("apply")
    assert "3 cases would be moved" in shell.run("migrate-cases", "--dry-run").output
    (found,) = json.loads(shell.run("migrate-cases", "handling", "--where", 'code != "b"', "--format", "json").output)
    assert {(each["before"], each["after"]): each["examples"] for each in found["moved"]} == {
        ("full", "packed"): ["a"], ("empty", "empty"): ["c"],
    }  # fmt: skip
    said = shell.run("migrate-cases").output.splitlines()
    assert said[0].startswith("handling: 1 case moved to version ")
    assert said[1].split() == ["1", "full", "→", "packed", "(such", "as", "b)"]
    assert shell.run("migrate-cases").output == "nothing to do: every open case is of the present version\n"
    run = said[-1].split()[-1].strip("`")
    assert "1 case moved back from version" in shell.run("migrate-cases", "--revert", run).output
    assert "in state full, which is packed now" not in shell.run("plan").output, "there is nothing to apply"


def test_mistakes_are_told(shell: Shell) -> None:
    assert "there is no run 'x'; there was none" in shell.run("migrate-cases", "--revert", "x", code=1).output
    assert "did you mean 'handling'" in shell.run("migrate-cases", "handlign", code=1).output
    assert "wieght" in shell.run("migrate-cases", "handling", "--where", "wieght > 1", code=1).output
    assert "name it" in shell.run("migrate-cases", "--where", "true", code=2).output
    assert "the whole run" in shell.run("migrate-cases", "handling", "--revert", "x", code=2).output
    assert "were applied to this database" in shell.run("migrate-cases", "--to", "0", code=1).output


def simulate(shell: Shell, text: str, *words: str, code: int = 0) -> Result:
    file = shell.folder / "changed.yaml"
    file.write_text(text, "utf-8")
    return shell.run("simulate", str(file), *words, code=code)


def test_a_changed_workflow_is_tried_on_the_cases(shell: Shell) -> None:
    flow = CRATE[CRATE.index("workflow: handling\nfor") :]
    assert simulate(shell, flow).output == ("handling: 3 cases, 8 acts performed once more, 0 would go elsewhere\n")
    assert "0 would go" in simulate(shell, MAPPED[MAPPED.index("workflow: handling\nfor") :]).output
    changed = flow.replace("fill: {to: full}", 'fill: {to: full, require: crate.code == "a"}')
    said = simulate(shell, changed).output.splitlines()
    assert said[0] == "handling: 3 cases, 7 acts performed once more, 1 would go elsewhere"
    assert said[1].split() == ["1", "fill:", "full", "→", "refused:", "GUARD_REFUSED"]
    assert said[2].startswith("  e.g. b, fill at 20")
    (found,) = json.loads(simulate(shell, changed, "--format", "json", "--workflow", "handling").output)
    assert [each["title"] for each in found["examples"]] == ["b"]
    assert shell.run("plan").output.startswith("Nothing to do")


def test_a_file_of_the_application_takes_its_own_place(shell: Shell) -> None:
    beside = "---\nextend: crate\nfields: {size: integer}\n---\nextend: user\nfields: {badge: {type: text}}\n"
    other = shell.folder / "definitions" / "other.yaml"
    other.write_text("extend: crate\nfields: {color: {type: text}}\n", "utf-8")
    file = shell.folder / "definitions" / "app.yaml"
    file.write_text(text := file.read_text("utf-8") + beside, "utf-8")
    shell.run("apply")
    only = ("--workflow", "handling")
    same = "handling: 3 cases, 8 acts performed once more, 0 would go elsewhere\n"
    assert shell.run("simulate", str(file), *only).output == same
    assert shell.run("simulate", str(other), *only).output == same
    # A flow that has got another name is not there under the old one as well.
    file.write_text(
        text.replace("workflow: handling\nfor: crate", "workflow: packing\nwas: handling\nfor: crate").replace(
            "workflow: handling", "workflow: packing"
        ),
        "utf-8",
    )
    assert shell.run("simulate", str(file), *only).output == same
    file.write_text(text, "utf-8")
    flow = CRATE[CRATE.index("workflow: handling\nfor") :]
    assert simulate(shell, flow + beside, *only).output == same, "elsewhere: in place of what stands beside the flow"


def test_what_cannot_be_simulated_is_told(shell: Shell) -> None:
    flow = CRATE[CRATE.index("workflow: handling\nfor") :]
    assert "E302 there is no state 'ful'" in simulate(shell, flow.replace("to: full", "to: ful"), code=1).output
    assert "did you mean 'handling'" in simulate(shell, flow, "--workflow", "handlin", code=1).output
    assert "2026-02-31 is no day" in simulate(shell, flow, "--since", "2026-02-31", code=2).output
    with pytest.raises(UsageError):
        moment("0001-01-01", ZoneInfo("Asia/Shanghai"), time.min)  # in UTC that is before all days
    (shell.folder / "latin.yaml").write_bytes(b"\xe9")
    assert "latin.yaml is not UTF-8" in shell.run("simulate", str(shell.folder / "latin.yaml"), code=1).output
    assert simulate(shell, "\ufeff" + flow).output.startswith("handling: 3 cases")
    wider = "model: crate\nkey: code\nworkflow: handling\nfields: {code: {type: text, unique: true}, size: integer}\n"
    assert "the files change tables" in simulate(shell, wider, code=1).output
