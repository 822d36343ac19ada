"""What differs from one installation to the next: settings, and secrets. Definitions name them, and never hold them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.errors import EngineError

#: Names the file of secrets.
SECRETS = "ORDERLOOM_SECRETS"


class NotSet(EngineError):
    """A setting or secret that nobody has given a value."""


class Settings:
    """Values by name: from the environment; secrets also from a file of ``NAME=value`` lines, which the environment
    overrules."""

    def __init__(self, environment: Mapping[str, str], secrets: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._secrets = secrets or {}

    @classmethod
    def of_process(cls) -> Settings:
        """Those of this process. Raises EngineError where the file of secrets that it names cannot be read."""
        name = os.environ.get(SECRETS)
        return cls(os.environ, read_secrets(Path(name)) if name else None)

    def get(self, name: str) -> str | None:
        """The value of a setting, or None."""
        return self._environment.get(name) or None

    def setting(self, name: str) -> str:
        """The value of a setting. Raises NotSet."""
        found = self.get(name)
        if found is None:
            raise NotSet(f"the setting {name} is not set")
        return found

    def find_secret(self, name: str) -> str | None:
        """The value of a secret, or None."""
        return self.get(name) or self._secrets.get(name) or None

    def secret(self, name: str) -> str:
        """The value of a secret. Raises NotSet."""
        found = self.find_secret(name)
        if found is None:
            raise NotSet(f"the secret {name} is not set")
        return found


def read_secrets(file: Path) -> dict[str, str]:
    """The secrets of a file: ``NAME=value`` lines, empty lines, and comments that begin with ``#``. Raises EngineError,
    which names the line and nothing of what stands there."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise EngineError(f"the file of secrets {file} cannot be read: {error}") from error
    secrets: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise EngineError(f"{file}:{number}: a line of secrets is written NAME=value")
        secrets[name.strip()] = value.strip()
    return secrets
