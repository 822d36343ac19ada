"""``orderloom new DIR`` and ``orderloom new channel NAME``: files to begin with, which work as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.catalog.builder import load
from engine.catalog.catalog import Catalog
from engine.cli.place import Place, pass_place
from engine.fields.field import Field
from engine.fields.rows import RowsField

SCAFFOLD = Path(__file__).parent / "scaffold"


class Kinds(click.Group):
    """`new channel NAME` is a command; `new DIR` is anything else."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["application", *args]
        return super().resolve_command(ctx, args)


@click.group("new", cls=Kinds, help="Begin an application (new DIR) or a channel (new channel NAME).")
def command() -> None:
    pass


@command.command("application", help="Begin an application in a folder: `orderloom new DIR`.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
def application(folder: Path, timezone: str) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty")
    name = "".join(letter if letter.isalnum() else "_" for letter in folder.resolve().name.lower()).strip("_") or "app"
    values: dict[str, object] = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "timezone": timezone,
    }
    for template in sorted((SCAFFOLD / "definitions").glob("*.yaml")):
        _write(folder / "definitions" / template.name, f"definitions/{template.name}", values)
    for empty in ("forms", "workflows", "rules", "connectors"):
        (folder / empty).mkdir()
    load(folder)
    click.echo(f"{folder} holds an application. Now:")
    click.echo(f"  orderloom --app {folder} test")
    click.echo(f"  orderloom --app {folder} user add ann --role admin")
    click.echo(f"  orderloom --app {folder} serve")


@command.command("channel", help="Begin a channel: a file with a map to every field that can be put in.")
@click.argument("name")
@click.option("--for", "model", help="The model that it feeds; the one that the app names when absent.")
@pass_place
def channel(place: Place, name: str, model: str | None) -> None:
    catalog = load(place.root)
    target = model or catalog.app.intake
    if target is None or target not in catalog.models:
        raise click.ClickException(f"which model does it feed? say --for MODEL, one of {', '.join(_own(catalog))}")
    path = place.root / "definitions" / "channels" / f"{name}.yaml"
    if path.exists():
        raise click.ClickException(f"{place.shown(path)} is there already")
    own = catalog.models[target].fields
    fields = _put_in(own)
    key = catalog.models[target].key
    values: dict[str, object] = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "model": target,
        "timezone": catalog.app.timezone,
        "key": key if key in fields else next(iter(fields), "id"),
        "fields": fields,
        "rows": {name: _put_in(field.of) for name, field in own.items() if isinstance(field, RowsField)},
    }
    _write(path, "channel.yaml", values)
    load(place.root)
    click.echo(f"{place.shown(path)}: edit the paths, then `orderloom check`")


def _put_in(fields: Mapping[str, Field]) -> list[str]:
    """The fields that an arrival has to bring: those that nobody works out and that have no default."""
    return [
        name
        for name, field in fields.items()
        if not field.read_only and not isinstance(field, RowsField) and field.default is None
    ]


def _own(catalog: Catalog) -> list[str]:
    return [name for name in catalog.models if name not in catalog.system_models]


def _write(path: Path, template: str, values: dict[str, object]) -> None:
    environment = Environment(loader=FileSystemLoader(SCAFFOLD), undefined=StrictUndefined, autoescape=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(environment.get_template(template).render(values) + "\n", encoding="utf-8")
