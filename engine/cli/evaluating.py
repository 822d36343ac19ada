"""``orderloom eval EXPR --on MODEL/ID``: a console for expressions."""

from __future__ import annotations

import click

from engine.cli.explaining import lines, shown
from engine.cli.opening import acting, standing
from engine.cli.place import Place, pass_place
from engine.cli.target import record_of
from engine.errors import ExpressionError
from engine.expressions.faults import ExpressionProblems
from engine.runtime.console import Console, Evaluated
from engine.store.transaction import Transaction


@click.command("eval", help="Work an expression out, on a record if one is named.")
@click.argument("expression")
@click.option("--on", "record", help="The record: MODEL/ID, or MODEL/KEY.")
@click.option("--as", "login", help="Who `user` is, and whose rights count; the engine when absent.")
@click.option("--trace", is_flag=True, help="Show what each part comes to.")
@pass_place
def command(place: Place, expression: str, record: str | None, login: str | None, trace: bool) -> None:
    with standing(place) as engine:
        model, key = record_of(engine, record) if record is not None else (None, None)
        actor, console = acting(engine, login), Console(engine.reading)

        def work(tx: Transaction) -> Evaluated:
            return console.evaluate(tx, actor, expression, model, key)

        try:
            found = engine.database.read(work)
        except ExpressionProblems as problems:
            raise click.ClickException(told(expression, problems)) from None
        except ExpressionError as error:
            raise click.ClickException(str(error.message)) from None
    click.echo(f"{shown(found.value)}    ({found.type})")
    if found.reads:
        click.echo("reads " + ", ".join(found.reads))
    if trace:
        for part in found.parts:
            for line in lines(part, "en", depth=2):
                click.echo(line)


def told(text: str, problems: ExpressionProblems) -> str:
    """The faults, each with a caret below the expression."""
    found = []
    for fault in problems.faults:
        caret = " " * fault.start + "^" * max(1, fault.end - fault.start)
        hint = f"; {fault.hint}" if fault.hint else ""
        found.append(f"{fault.code} {fault.message}{hint}\n  {text}\n  {caret}")
    return "\n".join(found)
