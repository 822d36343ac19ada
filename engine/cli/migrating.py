"""``orderloom migrate-cases``: moves open cases to the present version of their workflow, and takes that back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from engine.cli.bars import bar
from engine.cli.evaluating import told
from engine.cli.opening import standing
from engine.cli.place import Place, pass_place
from engine.expressions.faults import ExpressionProblems
from engine.runtime.migrating import Migrations, Report, short


@click.command("migrate-cases", help="Move open cases to the present version of their workflow, each in an act.")
@click.argument("workflow", required=False)
@click.option("--to", help="The definitions whose version they shall have; those in force when absent.")
@click.option("--where", help="Only cases whose record holds this condition.")
@click.option("--dry-run", "dry", is_flag=True, help="Try every act and undo it: show what would become of them.")
@click.option("--revert", "run", metavar="RUN", help="Take a run back, but for cases that have moved on since.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_place
def command(
    place: Place, workflow: str | None, to: str | None, where: str | None, dry: bool, run: str | None, format_: str
) -> None:
    if run is not None and (workflow or to or where):
        raise click.UsageError("--revert takes the whole run back: say nothing of workflow, --to or --where")
    if where is not None and workflow is None:
        raise click.UsageError("a condition is about the records of one workflow: name it")
    with standing(place) as engine, bar() as shown:
        line = shown.add_task("cases", total=None)
        migrations = Migrations(engine, lambda done: shown.update(line, completed=done))
        try:
            if run is not None:
                reports = [migrations.revert(run, dry=dry)]
            else:
                reports = migrations.run(workflow, to=to, where=where, dry=dry)
        except ExpressionProblems as problems:
            raise click.ClickException(told(where or "", problems)) from None
    if format_ == "json":
        click.echo(json.dumps([_plain(report) for report in reports], ensure_ascii=False, indent=2))
        return
    lines = [line for report in reports for line in _said(report, back=run is not None, dry=dry)]
    click.echo("\n".join(lines) if lines else "nothing to do: every open case is of the present version")


def _said(report: Report, *, back: bool, dry: bool) -> Iterator[str]:
    moved, stay = sum(report.moved.values()), sum(report.stays.values())
    if not moved and not stay:
        return
    way = "back from" if back else "to"
    verb = "would be moved" if dry else "moved"
    yield f"{report.workflow}: {_cases(moved)} {verb} {way} version {short(report.version)}" + (
        f", {stay} {'stays' if stay == 1 else 'stay'}" if stay else ""
    )
    for key, count in report.moved.most_common():
        before, after, now = key
        onward = f", and on to {now}" if now != after else ""
        yield f"  {count:>7,}  {before} → {after}{onward}  (such as {', '.join(report.examples[key])})"
    for note, count in report.notes.most_common():
        yield f"  {count:>7,}  of them: {note}"
    for why, count in report.stays.most_common():
        yield f"  {count:>7,}  stay: {why}  (such as {', '.join(report.examples[why])})"
    if report.run is not None and not back:
        yield f"  take it back with `orderloom migrate-cases --revert {report.run}`"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"


def _plain(report: Report) -> dict[str, object]:
    return {
        "workflow": report.workflow,
        "version": report.version,
        "run": report.run,
        "moved": [
            {"before": key[0], "after": key[1], "now": key[2], "count": count, "examples": report.examples[key]}
            for key, count in report.moved.most_common()
        ],
        "notes": dict(report.notes),
        "stays": [
            {"why": why, "count": count, "examples": report.examples[why]} for why, count in report.stays.most_common()
        ],
    }
