"""``orderloom simulate FILES``: which cases would go elsewhere if the files were in force."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from engine.cli.bars import bar
from engine.cli.changed import in_force, laid_over, moment, name_of, text_of
from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.errors import EngineError
from engine.registry import did_you_mean
from engine.runtime.simulating import Simulated, Simulation

#: How far back cases count that are over, where nobody says.
RECENT = timedelta(days=30)


@click.command("simulate", help="Replay open and recent cases on changed files: which would go elsewhere.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--since", help="Besides the open cases those that are over since this day; 30 days ago when absent.")
@click.option("--workflow", "named", help="Only cases of this workflow; else of all that the files may mean.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_place
def command(place: Place, files: tuple[Path, ...], since: str | None, named: str | None, format_: str) -> None:
    with opened(place, prepare=False) as engine, bar() as shown:
        present = engine.database.read(lambda tx: in_force(engine, tx))
        changed, objects = laid_over(present, {name_of(file, place.root): text_of(file) for file in files})
        begin = moment(since, ZoneInfo(present.app.timezone), time.min) or engine.clock.now() - RECENT
        flows = [name for name, flow in present.workflows.items() if flow.states]
        if named is not None and named not in flows:
            raise EngineError("; ".join(filter(None, (f"no workflow '{named}'", did_you_mean(named, flows)))))
        if named is None and all(kind == "workflow" for kind, _ in objects):
            # What a workflow says concerns it, and what is laid over it.
            heirs = {name: changed.heir_of(name) for name in flows}
            flows = [
                name
                for name in flows
                if ("workflow", name) in objects
                or (heir := heirs[name]) is None
                or heir.fingerprint != present.workflows[name].fingerprint
            ]
        line = shown.add_task("cases", total=None)
        simulation = Simulation(engine, present, changed, lambda done: shown.update(line, completed=done))
        results = simulation.run([named] if named is not None else flows, begin)
    if format_ == "json":
        click.echo(json.dumps([_plain(result) for result in results], ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(line for result in results for line in _said(result)))


def _said(result: Simulated) -> Iterator[str]:
    changed = sum(result.changed.values())
    yield (
        f"{result.workflow}: {result.cases:,} cases, {result.acts:,} acts performed once more, "
        f"{changed:,} would go elsewhere"
    )
    for (act, before, after), count in result.changed.most_common():
        yield f"  {count:>7,}  {act}: {before} → {after}"
    for each in result.examples:
        yield f"  e.g. {each.title}, {each.act} at {each.at:%Y-%m-%d %H:%M} UTC: {each.before} → {each.after}"
    if result.unlike:
        yield f"  {result.unlike:,} acts come to something else than then under either: what they read has no past"
    if result.gone:
        yield f"  {result.gone:,} records are gone"


def _plain(result: Simulated) -> dict[str, object]:
    return {
        "workflow": result.workflow,
        "cases": result.cases,
        "acts": result.acts,
        "changed": [
            {"act": act, "before": before, "after": after, "count": count}
            for (act, before, after), count in result.changed.most_common()
        ],
        "examples": [
            {"record": each.record, "title": each.title, "act": each.act, "at": each.at.isoformat(),
             "before": each.before, "after": each.after}
            for each in result.examples
        ],
        "unlike": result.unlike,
        "gone": result.gone,
    }  # fmt: skip
