"""``orderloom check``: every problem of every file in one run. Opens no database."""

from __future__ import annotations

import sys

import click

from engine.catalog.cache import check
from engine.cli.place import Place, pass_place
from engine.source.report import FORMATS, Format, render


@click.command("check", help="Report every problem of all definitions.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--no-cache", is_flag=True, help="Read and check everything anew.")
@pass_place
def command(place: Place, format_: Format, no_cache: bool) -> None:
    checked = check(place.root, cache_dir=None if no_cache else place.cache)
    click.echo(render(checked.problems, format_, checked.texts))
    if any(problem.severity == "error" for problem in checked.problems):
        sys.exit(1)
