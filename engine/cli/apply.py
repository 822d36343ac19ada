"""``orderloom apply``: brings the definitions into force, all of it or nothing."""

from __future__ import annotations

import getpass

import click

from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.cli.progress import steps
from engine.runtime.engine import Engine
from engine.store.migrate.apply import Applied, StalePlan, invert


@click.command("apply", help="Bring the definitions into force: PLAN_HASH is what `orderloom plan` printed.")
@click.argument("plan_hash", required=False)
@click.option("--allow-loss", is_flag=True, help="Even if data is lost for good by it.")
@click.option("--undo", is_flag=True, help="Take the last application back instead; the files stay as they are.")
@pass_place
def command(place: Place, plan_hash: str | None, allow_loss: bool, undo: bool) -> None:
    if undo and plan_hash is not None:
        raise click.UsageError("a plan says what to do, and --undo takes back what was done: give one of them")
    with opened(place, prepare=False) as engine:
        done = _undo(engine, allow_loss) if undo else _apply(engine, plan_hash, allow_loss)
    if done.number is None:
        click.echo(f"nothing to do: the definitions {done.fingerprint[:12]} are in force")
        return
    for step in done.operations:
        click.echo(f"  {step}")
    for loss in done.losses:
        click.echo(f"  lost: {loss}")
    for empty in done.empty:
        click.echo(f"  back without its values: {empty}")
    click.echo(f"the definitions {done.fingerprint[:12]} are in force")


def _apply(engine: Engine, plan_hash: str | None, allow_loss: bool) -> Applied:
    found = engine.plan()
    if plan_hash is not None and plan_hash != found.hash and found.changes:
        raise StalePlan(
            f"the plan is {found.hash} now: the database or the definitions have changed; see `orderloom plan`"
        )
    with steps() as progress:
        return engine.apply(found, actor=_who(), allow_loss=allow_loss, progress=progress)


def _undo(engine: Engine, allow_loss: bool) -> Applied:
    newest = engine.database.read(engine.snapshots.newest)
    if newest is None:
        raise click.ClickException("nothing was ever applied to this database")
    with steps() as progress:
        return invert(
            engine.database, newest, at=engine.clock.now(), actor=_who(), allow_loss=allow_loss, progress=progress
        )


def _who() -> str | None:
    """Whoever sits at this machine, as far as it knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None  # a container may run under a number that no account has
