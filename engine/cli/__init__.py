"""The command line. Each command is a module of its own, imported when it is called: `check` loads no database."""

from engine.cli.main import app, main

__all__ = ["app", "main"]
