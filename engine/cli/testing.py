"""``orderloom test``: runs the `test` documents, each on a scratch database with a clock of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from engine.catalog.builder import FOLDERS, load
from engine.catalog.catalog import Catalog
from engine.catalog.kinds.example import Test
from engine.cli.place import Place, pass_place
from engine.runtime.coverage import Covered
from engine.runtime.mutants import Mutant, survivors
from engine.runtime.scratch import Scratch, scratch
from engine.runtime.testing import TestRunner
from engine.source.problems import Problems
from engine.source.reader import read_folder

#: So many names of what was not covered are shown.
SHOWN = 6


@click.command("test", help="Run the test documents (all, or those of the named files).")
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--on", "url", help="An empty database to run them on; a scratch file of SQLite when absent.")
@click.option("--mutate", is_flag=True, help="Then break one thing at a time, and report what no test notices.")
@pass_place
def command(place: Place, files: tuple[Path, ...], url: str | None, mutate: bool) -> None:
    catalog = load(place.root)
    tests = _chosen(place, catalog, files)
    if not tests:
        raise click.ClickException("there are no test documents here")
    with scratch(catalog, url) as base:
        runner = TestRunner(base, place.root)
        failed = 0
        for result in runner.run(tests):
            if not result.passed:
                failed += 1
                click.echo(f"FAILED {result.test.test}")
                for failure in result.failures:
                    click.echo(f"  {failure}")
        click.echo(f"{len(tests) - failed} passed, {failed} failed")
        for covered in runner.coverage.report():
            click.echo(f"{covered.what}: {covered.touched} of {covered.total}" + _missed(covered))
        if failed:
            sys.exit(1)
        if mutate and not _all_noticed(place, base, tests):
            sys.exit(1)


def _missed(covered: Covered) -> str:
    """A few names of what no test has touched."""
    more = len(covered.missed) - SHOWN
    return (
        f"; not {', '.join(covered.missed[:SHOWN])}" + (f" and {more} more" if more > 0 else "")
        if covered.missed
        else ""
    )


def _all_noticed(place: Place, base: Scratch, tests: Sequence[Test]) -> bool:
    """Whether every mutant makes a test fail. Each is told as it comes: with many definitions this takes a while."""
    problems = Problems()
    sources = read_folder(place.root, FOLDERS, problems)
    tried = 0

    def seen(_mutant: Mutant, _noticed: bool) -> None:
        nonlocal tried
        tried += 1
        click.echo(f"\r{tried} mutants", nl=False, err=True)

    survived = 0
    for mutant in survivors(sources, base, place.root, tests, seen=seen):
        survived += 1
        click.echo(f"\rnobody noticed {mutant}")
    click.echo(f"\r{tried} mutants, {survived} of them noticed by no test")
    return survived == 0


def _chosen(place: Place, catalog: Catalog, files: Sequence[Path]) -> list[Test]:
    wanted = {file.resolve() for file in files}
    return [
        test
        for test in catalog.tests.values()
        if not wanted or any((place.root / test.span.file).resolve().is_relative_to(file) for file in wanted)
    ]
