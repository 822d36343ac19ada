"""``orderloom export VIEW FILE``: the records of a view as CSV or XLSX, or the whole of a model as JSON lines."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.opening import acting, standing
from engine.cli.place import Place, pass_place
from engine.runtime.exporting import Exporter


@click.command("export", help="Write the records of a view (or a model) to a .csv, .xlsx or .jsonl file.")
@click.argument("view")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--as", "login", help="Export what this user may see; everything when absent.")
@click.option("--language", default="en", show_default=True, type=click.Choice(["zh", "en"]))
@pass_place
def command(place: Place, view: str, file: Path, login: str | None, language: str) -> None:
    with standing(place) as engine:
        exporter = Exporter(engine.reading, engine.database)
        written = exporter.run(acting(engine, login), view, file, language)
    click.echo(f"{written:,} records in {file}")
