"""``orderloom doctor``: is everything there that the application needs?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import click

from engine.catalog.cache import check
from engine.catalog.reload import CatalogHolder
from engine.cli.examining import (
    Finding,
    clock,
    database_settings,
    definitions_in_force,
    disk,
    jobs,
    mail,
    passwords,
    secrets,
    versions,
)
from engine.cli.place import Place, pass_place
from engine.errors import EngineError
from engine.runtime.engine import Engine
from engine.store.database import Database

COLORS = {"ok": "green", "warning": "yellow", "wrong": "red"}


@click.command("doctor", help="Check the installation, the definitions, the database, the clock, secrets and the disk.")
@pass_place
def command(place: Place) -> None:
    wrong = False
    for finding in _findings(place):
        click.echo(f"{click.style(f'{finding.state:8}', fg=COLORS[finding.state])} {finding.what:12} {finding.detail}")
        wrong = wrong or finding.state == "wrong"
    if wrong:
        sys.exit(1)


def _findings(place: Place) -> Iterator[Finding]:
    """What is found, in the order in which one thing needs the other."""
    yield versions()
    yield disk(place.data)
    checked = check(place.root)
    errors = [problem for problem in checked.problems if problem.severity == "error"]
    if errors:
        yield Finding("definitions", "wrong", f"{len(errors)} problems: see `orderloom check`; the first: {errors[0]}")
        return
    yield Finding("definitions", "ok", f"{len(checked.texts)} files in {place.root}")
    with ExitStack() as stack:
        try:
            place.make_data()
            database = Database.open(place.database_url)
            stack.callback(database.close)
            yield from database_settings(database)
            engine = Engine(CatalogHolder(place.root), database)
            found = engine.plan()
        except EngineError as error:
            yield Finding("database", "wrong", str(error))
            return
        yield definitions_in_force(found)
        yield clock(engine)
        yield from secrets(engine.catalog)
        yield from mail(engine.catalog)
        if found.present is not None and not found.operations:
            yield from passwords(engine)
            yield from jobs(engine)
