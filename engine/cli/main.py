"""The table of commands, and what they share: the application's folder, and how mistakes are told."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import click

import engine
from engine.cli.place import Place
from engine.errors import DefinitionError, EngineError

#: Command to the module that has it as ``command``. Importing one takes up to a second (SQLAlchemy, DBOS, uvicorn), so
#: only the one that is called is imported.
COMMANDS: Mapping[str, str] = {
    "apply": "engine.cli.apply",
    "backtest": "engine.cli.backtest",
    "check": "engine.cli.check",
    "doctor": "engine.cli.doctor",
    "eval": "engine.cli.evaluating",
    "explain": "engine.cli.explaining",
    "export": "engine.cli.exporting",
    "import": "engine.cli.importing",
    "migrate-cases": "engine.cli.migrating",
    "new": "engine.cli.new",
    "plan": "engine.cli.plan",
    "schema": "engine.cli.schema",
    "serve": "engine.cli.serve",
    "simulate": "engine.cli.simulate",
    "table": "engine.cli.tables",
    "test": "engine.cli.testing",
    "token": "engine.cli.token",
    "user": "engine.cli.user",
    "work": "engine.cli.work",
}


class Mistake(click.ClickException):
    """A mistake of the user: told in a sentence, or with its places; exit code 1, and no traceback."""

    def __init__(self, error: EngineError) -> None:
        found = error.problems if isinstance(error, DefinitionError) else ()
        super().__init__("\n".join(map(str, found)) or f"orderloom: {error}")

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=True)


class Commands(click.Group):
    """A group that imports a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        # Nothing of what importing makes is garbage, and looking for some takes an eighth of the time.
        gc.disable()
        try:
            command: click.Command = import_module(module).command
        finally:
            gc.enable()
        gc.freeze()
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EngineError as error:
            raise Mistake(error) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, prog_name="orderloom")
@click.option(
    "--app",
    "app_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The application's folder; this one if it has definitions/, else the reference application.",
)
@click.option(
    "--database",
    envvar="ORDERLOOM_DATABASE",
    help="Its URL, sqlite:///file.db or postgresql://…; data/orderloom.db in the application's folder when absent.",
)
@click.pass_context
def app(ctx: click.Context, app_dir: Path | None, database: str | None) -> None:
    """Orderloom: applications from YAML definitions."""
    ctx.obj = Place.find(app_dir, database)


def main() -> None:
    """Runs the command line."""
    app()
