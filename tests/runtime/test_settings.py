"""Settings and secrets: where they come from, and what is said of them when they are missing or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.runtime.settings import SECRETS, NotSet, Settings, read_secrets


def test_the_environment_overrules_the_file() -> None:
    settings = Settings({"A": "1", "EMPTY": ""}, {"A": "2", "B": "3"})
    assert (settings.setting("A"), settings.secret("A"), settings.secret("B")) == ("1", "1", "3")
    assert settings.get("EMPTY") is None


@pytest.mark.parametrize("name", ["B", "EMPTY"])
def test_what_is_missing_is_named(name: str) -> None:
    settings = Settings({"EMPTY": ""}, {"B": "3"})
    with pytest.raises(NotSet, match=f"the setting {name} is not set"):
        settings.setting(name)  # a secret is no setting: a page might show it
    with pytest.raises(NotSet, match="the secret C is not set"):
        settings.secret("C")


def test_a_file_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secrets"
    file.write_text("\ufeff# for the mail\nPASSWORD = a=b c \n\n  # none\nKEY=\n", "utf-8")
    assert read_secrets(file) == {"PASSWORD": "a=b c", "KEY": ""}
    monkeypatch.setenv(SECRETS, str(file))
    monkeypatch.delenv("PASSWORD", raising=False)
    assert Settings.of_process().secret("PASSWORD") == "a=b c"


def test_a_wrong_line_is_found_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("A=1\nhunter2\n")
    with pytest.raises(EngineError, match=f"{file}:2: a line of secrets is written NAME=value") as error:
        read_secrets(file)
    assert "hunter2" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRETS, str(tmp_path / "none"))
    with pytest.raises(EngineError, match="cannot be read"):
        Settings.of_process()
