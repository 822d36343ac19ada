"""The commands, as they are typed: what they print, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from engine.cli import app
from engine.cli.main import COMMANDS
from tests.serving import ROOT

#: What only other commands need.
HEAVY = ("engine.runtime", "engine.store", "engine.web", "dbos", "uvicorn")
WAY_IN = """
channel: way_in
for: request
intake: {format: json}
identity: {key: subject}
map: {subject: $.subject, urgent: $.urgent, items: {each: "$.items[*]", map: {what: $.what, price: $.price}}}
"""
PENS = {"subject": "Pens", "urgent": True, "items": [{"what": "Pen", "price": "2.00"}]}
FIELD = "extend: request\nfields: {urgent: boolean}\n"


class Shell:
    """Where commands are typed about one application."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, code: int = 0, stdin: str | None = None) -> Result:
        """What came of a command, which has to end with that exit code."""
        result = CliRunner().invoke(app, ["--app", str(self.folder), *words], input=stdin)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    def write(self, name: str, text: str) -> Path:
        path = self.folder / "definitions" / name
        path.write_text(text, "utf-8")
        return path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A new application, as `orderloom new` makes it."""
    folder = tmp_path / "shop"
    made = CliRunner().invoke(app, ["new", str(folder)])
    assert made.exit_code == 0, made.output
    return Shell(folder)


def test_every_command_says_what_it_does() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(app, [name, "--help"])
        assert result.exit_code == 0
        assert result.output.startswith("Usage: ")


def test_a_new_application_is_sound_and_its_tests_pass(shell: Shell) -> None:
    assert shell.run("check").output == "no problems\n"
    assert shell.run("test").output.startswith("1 passed, 0 failed")


def test_new_leaves_a_folder_alone_that_has_something_in_it(shell: Shell) -> None:
    result = CliRunner().invoke(app, ["new", str(shell.folder)])
    assert (result.exit_code, "is not empty" in result.output) == (1, True)


def test_a_new_channel_is_sound(shell: Shell) -> None:
    shell.run("new", "channel", "portal", "--for", "request")
    assert shell.run("check").output == "no problems\n"
    assert "is there already" in shell.run("new", "channel", "portal", "--for", "request", code=1).output
    assert "request" in shell.run("new", "channel", "desk", "--for", "reqest", code=1).output


# check --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["text", "json", "github", "sarif"])
def test_check_tells_of_problems_in_each_format(shell: Shell, format_: str) -> None:
    shell.write("more.yaml", FIELD.replace("boolean", "bolean"))
    output = shell.run("check", "--format", format_, code=1).output
    assert "E107" in output
    assert "boolean" in output
    if format_ in ("json", "sarif"):
        json.loads(output)


def test_check_remembers_and_forgets(shell: Shell) -> None:
    assert shell.run("check").output == "no problems\n"
    path = shell.write("more.yaml", FIELD.replace("boolean", "bolean"))
    assert "definitions/more.yaml:2:18: E107" in shell.run("check", code=1).output
    assert "definitions/more.yaml:2:18: E107" in shell.run("check", code=1).output
    path.unlink()
    assert shell.run("check").output == "no problems\n"


def test_check_opens_no_database_and_imports_no_connector(shell: Shell) -> None:
    """In a process of its own, since this one has everything imported."""
    code = f"""
import sys
from engine.cli import app
app(["--app", sys.argv[1], "check"], standalone_mode=False)
print([name for name in sys.modules if name.startswith({HEAVY!r})])
"""
    found = subprocess.run(
        [sys.executable, "-c", code, str(shell.folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "no problems\n[]\n"
    assert not (shell.folder / "data/orderloom.db").exists()


# plan and apply -----------------------------------------------------------------------------------------------------


def plan_hash(shell: Shell) -> str:
    return str(json.loads(shell.run("plan", "--format", "json", code=2).output)["hash"])


def test_plan_shows_and_apply_does(shell: Shell) -> None:
    assert "create table request" in shell.run("plan", code=2).output
    shell.run("apply", plan_hash(shell))
    assert shell.run("plan").output.startswith("Nothing to do")
    assert shell.run("apply").output.startswith("nothing to do")


def test_apply_refuses_a_stale_plan(shell: Shell) -> None:
    shell.run("apply")
    shell.write("more.yaml", FIELD)
    old = plan_hash(shell)
    shell.write("more.yaml", FIELD.replace("urgent", "soon"))
    assert f"the plan is {plan_hash(shell)} now" in shell.run("apply", old, code=1).output
    assert "soon" in shell.run("apply", plan_hash(shell)).output


def put_in(shell: Shell, values: Any) -> None:
    """A record, through a channel."""
    shell.write("way_in.yaml", WAY_IN)
    file = shell.folder / "one.json"
    file.write_text(json.dumps(values), "utf-8")
    assert shell.run("import", "way_in", str(file)).output.startswith("1 created")


def test_nothing_is_lost_without_leave(shell: Shell) -> None:
    more = shell.write("more.yaml", FIELD)
    put_in(shell, PENS)
    more.unlink()
    (shell.folder / "definitions/way_in.yaml").unlink()
    refused = shell.run("apply", code=1).output
    assert "column request.urgent: 1 value" in refused
    assert "--allow-loss" in refused
    # Other commands go on by what is in force, and say so.
    shell.run("export", "request", str(shell.folder / "before.jsonl"))
    assert json.loads((shell.folder / "before.jsonl").read_text("utf-8"))["urgent"] is True
    assert "lost: column request.urgent: 1 value" in shell.run("apply", "--allow-loss").output
    undone = shell.run("apply", "--undo").output
    assert "back without its values: column request.urgent: 1 value" in undone
    assert shell.run("plan", code=2).output.count("drop column request.urgent") == 1


def test_undo_and_a_plan_exclude_each_other(shell: Shell) -> None:
    assert "--undo takes back" in shell.run("apply", "0123", "--undo", code=2).output
    assert "nothing was ever applied" in shell.run("apply", "--undo", code=1).output


def test_a_new_computed_field_is_worked_out_for_old_records(shell: Shell) -> None:
    shell.write("more.yaml", FIELD)
    put_in(shell, PENS)
    shell.write("more.yaml", FIELD.replace("boolean", "boolean, total: {type: money, value: amount * 2}"))
    out = shell.folder / "out.jsonl"
    assert "the files differ" in shell.run("export", "request", str(out)).output
    assert "total" not in json.loads(out.read_text("utf-8")), "what only looks puts nothing into force"
    shell.run("apply")
    shell.run("export", "request", str(out))
    record = json.loads(out.read_text("utf-8"))
    assert (record["amount"], record["total"], record["version"]) == ("2.00", "4.00", 1)


# accounts -----------------------------------------------------------------------------------------------------------


def test_accounts(shell: Shell) -> None:
    assert "there is no role boss" in shell.run("user", "add", "ann", "--role", "boss", code=1).output
    made = shell.run("user", "add", "ann", "--name", "Ann", "--role", "manager", "--random")
    assert made.output.startswith("made ann, password ")
    assert "8 to 500 characters" in shell.run("user", "add", "bob", "--password", "short", code=1).output
    shell.run("user", "add", "bob", "--role", "staff", stdin="correct horse\ncorrect horse\n")
    assert [line.split() for line in shell.run("user", "list").output.splitlines()] == [
        ["ann", "Ann", "manager"], ["bob", "bob", "staff"],
    ]  # fmt: skip
    assert "new password" in shell.run("user", "password", "ann", "--random").output
    assert "there is no user eve" in shell.run("user", "password", "eve", "--random", code=1).output


def test_tokens(shell: Shell) -> None:
    shell.run("user", "add", "ann", "--role", "admin", "--random")
    text = shell.run("token", "create", "ann", "--name", "erp", "--scope", "intake").output.strip()
    assert text.startswith("olt_")
    [line] = shell.run("token", "list").output.splitlines()
    assert line.split()[1:] == ["erp", "intake", "good"]
    shell.run("token", "revoke", line.split()[0])
    assert "revoked" in shell.run("token", "list").output
    assert "there is no token" in shell.run("token", "revoke", line.split()[0], code=1).output


# doctor and others --------------------------------------------------------------------------------------------------


def states(result: Result) -> dict[str, str]:
    """What the doctor found, by what it looked at."""
    return {words[1]: words[0] for line in result.output.splitlines() if len(words := line.split()) > 1}


def test_the_doctor_finds_a_sound_application(shell: Shell) -> None:
    shell.run("apply")
    found = shell.run("doctor")
    assert states(found)["plan"] == "ok"
    assert "nobody can log in" in found.output
    shell.run("user", "add", "ann", "--role", "admin", "--random")
    assert states(shell.run("doctor")).get("accounts") == "ok"


def test_the_doctor_finds_what_is_wrong(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_SECRET", raising=False)
    shell.write("more.yaml", FIELD)
    shell.write("way_in.yaml", WAY_IN.replace("json}", "json, auth: {bearer: {secret: SHOP_SECRET}}}"))
    assert "SHOP_SECRET (channel way_in)" in shell.run("doctor").output
    monkeypatch.setenv("SHOP_SECRET", "x")
    assert states(shell.run("doctor"))["secrets"] == "ok"
    damaged = shell.folder / "damaged.db"
    damaged.write_bytes(os.urandom(8192))
    assert states(shell.run("--database", f"sqlite:///{damaged}", "doctor", code=1))["database"] == "wrong"
    shell.write("more.yaml", "modle: x\n")
    assert states(shell.run("doctor", code=1))["definitions"] == "wrong"


def test_schemas_for_editors(shell: Shell, tmp_path: Path) -> None:
    shell.run("schema", str(tmp_path / "schemas"))
    schema = json.loads((tmp_path / "schemas/document.json").read_text("utf-8"))
    assert schema == json.loads(shell.run("schema").output)
    sound = Draft202012Validator(schema)
    assert sound.is_valid({"model": "box", "fields": {"size": "integer"}})
    assert not sound.is_valid({"model": "box", "feilds": {}})


def test_mistakes_are_told_in_a_sentence(shell: Shell) -> None:
    assert "no backend for 'mysql'" in shell.run("--database", "mysql://host/x", "user", "list", code=1).output
    assert "cannot be opened" in shell.run("--database", "sqlite:////nowhere/x.db", "user", "list", code=1).output
    shell.write("more.yaml", "modle: x\n")
    assert "definitions/more.yaml:1:1: E108" in shell.run("user", "list", code=1).output
