"""What a migration shows of itself while it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from engine.store.migrate.operations import Progress as Tell

#: Where the line comes from. Most starts have nothing to migrate, and shall not wait until rich is imported.
BARS = "engine.cli.bars"


@contextmanager
def steps() -> Iterator[Tell]:
    """Shows the steps, from the first one on."""
    with ExitStack() as stack:

        @cache
        def line() -> tuple[Any, Any]:
            progress = stack.enter_context(import_module(BARS).bar())
            return progress, progress.add_task("", total=None)

        def tell(what: str, done: int, all_: int) -> None:
            progress, task = line()
            progress.update(task, description=what, completed=done, total=all_ or None)

        yield tell
