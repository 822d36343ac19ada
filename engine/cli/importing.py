"""``orderloom import CHANNEL FILE``: a file in through a channel, with progress; dry first, if you like."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from engine.cli.bars import bar
from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.errors import Label
from engine.fields.field import say
from engine.runtime.importing import Importer, ImportResult
from engine.runtime.intake import Intake
from engine.store.imports import RefusedRecord

#: So many refused records are shown; all of them stand in the report.
SHOWN = 20


@click.command("import", help="Take a file in through a channel. Started again after a crash, it goes on where it was.")
@click.argument("channel")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing; report what would be refused, and why.")
@click.option("--again", is_flag=True, help="Also when this very file has been imported before.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write every refused record there, as JSON lines."
)
@pass_place
def command(place: Place, channel: str, file: Path, dry_run: bool, again: bool, report: Path | None) -> None:
    with opened(place) as engine:
        importer = Importer(Intake(engine.service), engine.database)
        with bar() as progress:
            task = progress.add_task(f"{channel}: {file.name}", total=None)

            def tell(done: int, counts: Counter[str]) -> None:
                progress.update(task, completed=done, description=f"{done:,} records  {_listed(counts)}")

            result = importer.run(channel, file, dry_run=dry_run, again=again, report=tell)
    if report is not None:
        report.write_text("".join(json.dumps(_plain(record), ensure_ascii=False) + "\n" for record in result.refused))
    _show(result, dry_run, report)


def _show(result: ImportResult, dry_run: bool, report: Path | None) -> None:
    if result.resumed_at:
        click.echo(f"went on after {result.resumed_at:,} records that were done before")
    click.echo(f"{'would be: ' if dry_run else ''}{_listed(result.counts) or 'nothing in the file'}")
    click.echo(f"rows of the file: {_listed(result.rows)}")
    codes = Counter(str(problem["code"]) for record in result.refused for problem in record.problems)
    if codes:
        click.echo(f"reasons: {_listed(codes)}")
    for record in result.refused if report is None and dry_run else result.refused[:SHOWN]:
        click.echo(f"  rows {_rows(record.rows)}: {_problems(record)}")
    hidden = 0 if report is None and dry_run else len(result.refused) - SHOWN
    if hidden > 0:
        click.echo(f"  … and {hidden:,} more" + (f" in {report}" if report else "; --report FILE writes them all"))


def _problems(record: RefusedRecord) -> str:
    return "; ".join(f"{p['at'] or 'record'}: {p['code']} {_said(p['message'])}" for p in record.problems)


def _said(message: Label) -> str:
    return say(message, "en")


def _rows(rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:5]))
    return shown + (f" … {rows[-1]} ({len(rows)} rows)" if len(rows) > 5 else "")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common() if count)


def _plain(record: RefusedRecord) -> dict[str, object]:
    return {"position": record.position, "rows": list(record.rows), "problems": list(record.problems)}
