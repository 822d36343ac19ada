"""``orderloom explain MODEL/ID``: why a record is as it is, with the values and lines it rests on."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.opening import acting, standing
from engine.cli.place import Place, pass_place
from engine.cli.target import record_of
from engine.fields.field import say
from engine.runtime.explaining import Explainer
from engine.runtime.explanation import Explanation


@click.command("explain", help="Say why a record is as it is: MODEL/ID, or MODEL/KEY.")
@click.argument("record")
@click.option("--field", help="Only this computed field: `amount`, or in all rows `lines.amount`.")
@click.option("--event", help="Only whether this event is possible now.")
@click.option("--as", "login", help="As this user sees it; as the engine does when absent.")
@click.option("--language", default="en", show_default=True, type=click.Choice(["zh", "en"]))
@pass_place
def command(place: Place, record: str, field: str | None, event: str | None, login: str | None, language: str) -> None:
    if field is not None and event is not None:
        raise click.UsageError("explain a field or an event, not both")
    with standing(place) as engine:
        model, key = record_of(engine, record)
        actor, explainer = acting(engine, login), Explainer(engine.reading)
        found = engine.database.read(lambda tx: explainer.explain(tx, actor, model, key, field=field, event=event))
    for line in lines(found, language):
        click.echo(line)


def lines(part: Explanation, language: str, depth: int = 0) -> list[str]:
    """The tree as indented lines: what it is, its value, the expression or message, where it stands."""
    value = "" if part.value is None and part.kind in ("act", "right", "reason") else f" = {shown(part.value)}"
    text = f"  {say(part.text, language)}" if part.text else ""
    at = f"  ({part.at})" if part.at else ""
    kind = f"{part.kind} " if depth <= 1 else ""
    own = "  " * depth + f"{kind}{part.name}{value}{text}{at}"
    return [own, *(line for inner in part.parts for line in lines(inner, language, depth + 1))]


def shown(value: Any) -> str:
    """A value of an expression as a person writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)
