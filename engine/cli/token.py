"""``orderloom token``: what programs log in with."""

from __future__ import annotations

from datetime import timedelta

import click

from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.cli.user import user_id
from engine.runtime.logins import SCOPES, Logins


@click.group("token", help="Make, list and revoke API tokens.")
def command() -> None:
    pass


@command.command("create", help="Make a token that acts for a user, and print it: it is shown only now.")
@click.argument("login")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do; all that its user may when absent.",
)
@click.option("--days", type=click.IntRange(min=1), help="How long it is good for; for ever when absent.")
@pass_place
def create(place: Place, login: str, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    with opened(place) as engine:
        logins = Logins(engine.database, engine.clock)
        user = user_id(engine, login)
        expires = engine.clock.now() + timedelta(days=days) if days else None
        made = engine.write(lambda tx: logins.new_token(tx, user, name, scopes or None, expires))
    click.echo(made.text)


@command.command("list", help="List the tokens, newest first.")
@click.option("--user", "login", help="Only those of this user.")
@pass_place
def list_tokens(place: Place, login: str | None) -> None:
    with opened(place) as engine:
        logins = Logins(engine.database, engine.clock)
        user = user_id(engine, login) if login else None
        for token in engine.database.read(lambda tx: logins.accounts.tokens(tx, user)):
            state = (
                "revoked" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "good"
            )
            click.echo(f"{token.id}  {token.name:30} {', '.join(sorted(token.scopes or SCOPES)):22} {state}")


@command.command("revoke", help="Make a token worthless, at once.")
@click.argument("token_id")
@pass_place
def revoke(place: Place, token_id: str) -> None:
    with opened(place) as engine:
        logins = Logins(engine.database, engine.clock)
        if not engine.write(lambda tx: logins.accounts.revoke_token(tx, token_id, engine.clock.now())):
            raise click.ClickException(f"there is no token {token_id} that is still good")
    click.echo("revoked")
