"""``orderloom user``: accounts."""

from __future__ import annotations

import secrets
from typing import Any

import click

from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.runtime.engine import Engine
from engine.runtime.logins import Logins
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction


@click.group("user", help="Make accounts, give passwords, list who there is.")
def command() -> None:
    pass


@command.command("add", help="Make a user. The password is asked for, or made up and printed with --random.")
@click.argument("login")
@click.option("--name", help="The person's name; the login when absent.")
@click.option("--role", "roles", multiple=True, help="A role; repeat for several.")
@click.option("--email")
@click.option("--random", "made_up", is_flag=True, help="Make a password up and print it.")
@click.option("--password", help="For scripts; better let it be asked for.")
@pass_place
def add(
    place: Place,
    login: str,
    name: str | None,
    roles: tuple[str, ...],
    email: str | None,
    made_up: bool,
    password: str | None,
) -> None:
    with opened(place) as engine:
        _check_roles(engine, roles)
        chosen = _chosen(password, made_up)
        logins = Logins(engine.database, engine.clock)
        hashed = logins.hash(chosen)
        values: dict[str, Any] = {"login": login, "name": name or login, "roles": [{"role": role} for role in roles]}
        if email is not None:
            values["email"] = email

        def work(tx: Transaction) -> None:
            user = engine.service.create(tx, SYSTEM, "user", values)
            logins.set_password(tx, user["id"], hashed)

        engine.write(work)
    click.echo(f"made {login}" + (f", password {chosen}" if made_up else ""))


@command.command("password", help="Give a user another password; sessions that began with the old one end.")
@click.argument("login")
@click.option("--random", "made_up", is_flag=True, help="Make a password up and print it.")
@click.option("--password", help="For scripts; better let it be asked for.")
@pass_place
def give_password(place: Place, login: str, made_up: bool, password: str | None) -> None:
    with opened(place) as engine:
        key = user_id(engine, login)
        chosen = _chosen(password, made_up)
        logins = Logins(engine.database, engine.clock)
        hashed = logins.hash(chosen)
        engine.write(lambda tx: logins.set_password(tx, key, hashed))
    click.echo(f"{login} has a new password" + (f": {chosen}" if made_up else ""))


@command.command("list", help="List the users with their roles.")
@pass_place
def list_users(place: Place) -> None:
    with opened(place) as engine:
        page = engine.database.read(
            lambda tx: engine.reading.page(tx, SYSTEM, "user", sort=("login",), limit=500, expand=("roles",))
        )
        for user in page.records:
            roles = ", ".join(row["role"] for row in user["roles"])
            click.echo(f"{user['login']:20} {user['name']:20} {roles}" + ("" if user["active"] else "  (not active)"))


def user_id(engine: Engine, login: str) -> str:
    """The id of the user, or a message that there is none."""
    found = engine.database.read(lambda tx: engine.service.store.records.resolve(tx, "user", [login]))
    if login not in found:
        raise click.ClickException(f"there is no user {login}")
    return found[login]


def _check_roles(engine: Engine, roles: tuple[str, ...]) -> None:
    for role in roles:
        if role not in engine.catalog.access:
            known = ", ".join(sorted(engine.catalog.access))
            raise click.ClickException(f"there is no role {role}; there are {known}")


def _chosen(password: str | None, made_up: bool) -> str:
    if made_up:
        return secrets.token_urlsafe(12)
    return password or str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
