"""An application opened for a command: its definitions, its database with the tables that they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from engine.catalog.reload import CatalogHolder
from engine.cli.place import Place
from engine.cli.progress import steps
from engine.policy.access import Actor
from engine.runtime.actors import actor_of
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database
from engine.store.transaction import Transaction


@contextmanager
def opened(place: Place, *, prepare: bool = True) -> Iterator[Engine]:
    """The application, ready to act. With ``prepare`` the definitions come into force first, if they only add to what
    is there; else those in force act, and a line says what waits."""
    place.make_data()
    database = Database.open(place.database_url)
    try:
        engine = Engine(CatalogHolder(place.root), database)
        if prepare:
            with steps() as progress:
                engine.prepare(progress)
            if engine.holder.refused is not None:
                click.echo(f"orderloom: {engine.holder.refused}", err=True)
        yield engine
    finally:
        database.close()


@contextmanager
def standing(place: Place) -> Iterator[Engine]:
    """The application as it is in force, for what only looks, or moves what is there: changed files wait for ``apply``,
    and a line says so. Where nothing is in force yet the files count."""
    with opened(place, prepare=False) as engine:
        if engine.follow():
            click.echo("orderloom: the definitions in force count; the files differ, see `orderloom plan`", err=True)
        yield engine


def acting(engine: Engine, login: str | None) -> Actor:
    """The user of that login; the engine itself when none is named."""
    if login is None:
        return SYSTEM
    service = engine.service

    def read(tx: Transaction) -> Actor:
        found = service.store.records.resolve(tx, "user", [login])
        if login not in found:
            raise click.ClickException(f"there is no user {login}")
        return actor_of(service, tx, found[login])

    return engine.database.read(read)
