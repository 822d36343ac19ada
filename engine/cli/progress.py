"""What long work shows of itself while it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engine.store.migrate.operations import Progress as Tell


def bar() -> Progress:
    """A line on the terminal that is gone when the work is done. Where there is no terminal it shows nothing."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def steps() -> Iterator[Tell]:
    """Shows the steps of a migration."""
    with bar() as progress:
        task = progress.add_task("", total=None)

        def tell(what: str, done: int, all_: int) -> None:
            progress.update(task, description=what, completed=done, total=all_ or None)

        yield tell
