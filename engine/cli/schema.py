"""``orderloom schema``: JSON Schemas of the definition files, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.catalog.schema import document_schema, kind_schemas


@click.command(
    "schema", help="Write the JSON Schemas of definition files: one for each kind, and document.json for any."
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
def command(folder: Path | None) -> None:
    if folder is None:
        click.echo(json.dumps(document_schema(), ensure_ascii=False, indent=2))
        return
    folder.mkdir(parents=True, exist_ok=True)
    schemas = {**kind_schemas(), "document": document_schema()}
    for name, schema in schemas.items():
        (folder / f"{name}.json").write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    click.echo(f"{len(schemas)} schemas in {folder}")
    click.echo(f"in a definition file:  # yaml-language-server: $schema={folder / 'document.json'}")
