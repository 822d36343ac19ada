"""``orderloom backtest FILE``: what the changed documents of a file would have decided about the past."""

from __future__ import annotations

import json
from datetime import time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from engine.cli.bars import bar
from engine.cli.changed import in_force, laid_over, moment, text_of
from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.errors import EngineError
from engine.runtime.backtest import Backtest, Result
from engine.runtime.judges.everyone import KINDS
from engine.store.store import Store


@click.command("backtest", help="Try the changed rules of a file on the past: what would come out otherwise.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "since", help="From this day on.")
@click.option("--to", "until", help="Up to this day, which is included.")
@click.option("--event", help="Ask at this event (or `create`); else where the history tells of the decision.")
@click.option("--sum", "amount", help="An expression over the record to add up: the money that it is about.")
@click.option("--as-of", help="An expression for the moment that counts: what was imported has happened earlier.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_place
def command(
    place: Place,
    file: Path,
    since: str | None,
    until: str | None,
    event: str | None,
    amount: str | None,
    as_of: str | None,
    format_: str,
) -> None:
    with opened(place, prepare=False) as engine:
        present = engine.database.read(lambda tx: in_force(engine, tx))
        changed, objects = laid_over(present, {file.name: text_of(file)}, KINDS)
        if not objects:
            raise EngineError(f"{file.name} holds nothing that decides: {', '.join(KINDS)}")
        zone = ZoneInfo(present.app.timezone)
        store = Store(present, engine.database)
        results: list[Result] = []
        for kind, name in objects:
            test = Backtest(store, engine.database, changed, kind, name, amount=amount, as_of=as_of)
            with bar() as shown:
                task = shown.add_task(name, total=None)
                results.append(
                    test.run(
                        moment(since, zone, time.min),
                        moment(until, zone, time.max),
                        event=event,
                        progress=lambda done, task=task: shown.update(task, completed=done),  # type: ignore[misc]
                    )
                )
    for result in results:
        click.echo(json.dumps(_plain(result), ensure_ascii=False) if format_ == "json" else _said(result))


def _said(result: Result) -> str:
    changed = sum(result.changed.values())
    lines = [f"{result.name}: {result.decisions:,} decisions about {result.model}, {changed:,} would be others"]
    for (before, after), count in result.changed.most_common():
        amount = result.amounts.get((before, after))
        lines.append(f"  {count:>7,}  {before} → {after}" + (f"  {amount:,}" if amount is not None else ""))
    for example in result.examples:
        amount_said = f", {example.amount:,}" if example.amount is not None else ""
        title = example.title or example.record
        lines.append(
            f"  e.g. {title} at {example.at:%Y-%m-%d %H:%M} UTC{amount_said}: {example.before} → {example.after}"
        )
    if result.gone:
        lines.append(f"  {result.gone:,} records are gone")
    if result.only_present:
        lines.append(f"  read as it is now, since its past is not kept: {', '.join(sorted(result.only_present))}")
    return "\n".join(lines)


def _plain(result: Result) -> dict[str, object]:
    def text(amount: Decimal | None) -> str | None:
        return str(amount) if amount is not None else None

    return {
        "name": result.name,
        "model": result.model,
        "decisions": result.decisions,
        "changed": [
            {"before": before, "after": after, "count": count, "amount": text(result.amounts.get((before, after)))}
            for (before, after), count in result.changed.most_common()
        ],
        "examples": [
            {"record": each.record, "title": each.title, "at": each.at.isoformat(), "before": each.before,
             "after": each.after, "amount": text(each.amount)}
            for each in result.examples
        ],
        "gone": result.gone,
        "only_present": sorted(result.only_present),
    }  # fmt: skip
