"""``orderloom plan``: what applying the definitions would do to the database. Changes nothing."""

from __future__ import annotations

import json
import sys

import click

from engine.cli.opening import opened
from engine.cli.place import Place, pass_place

#: There is something to apply. Scripts tell it from 0 (nothing to do) and 1 (a mistake).
CHANGES = 2
#: What is there stands against it, so that it cannot be applied.
IMPOSSIBLE = 1


@click.command("plan", help="Show what applying the definitions would do; exit code 2 if anything, 1 if it cannot be.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_place
def command(place: Place, format_: str) -> None:
    with opened(place, prepare=False) as engine:
        found = engine.plan()
    click.echo(found.text() if format_ == "text" else json.dumps(found.as_data(), ensure_ascii=False, indent=2))
    if found.blocked or found.occupied:
        sys.exit(IMPOSSIBLE)
    if found.changes:
        sys.exit(CHANGES)
