"""``orderloom work``: only the workers. Start as many as are wanted, on as many machines."""

from __future__ import annotations

import signal
from threading import Event
from types import FrameType

import click

from engine.cli.logs import log_to_stderr
from engine.cli.opening import opened
from engine.cli.place import Place, pass_place
from engine.cli.working import workers_of
from engine.runtime.following import Following
from engine.runtime.settings import Settings

#: How often the main thread looks up: some systems deliver signals only to one that is awake.
LOOK_UP = 1.0


@click.command("work", help="Run jobs, and nothing else, until told to end (Ctrl-C, SIGTERM).")
@pass_place
def command(place: Place) -> None:
    log_to_stderr()
    ended = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)
    with opened(place) as engine:
        following, workers = Following(engine), workers_of(engine, Settings.of_process())
        following.start()
        try:
            workers.start()
            click.echo(f"Orderloom works on the jobs of {place.shown(place.root)}")
            while not ended.wait(LOOK_UP):
                pass
            click.echo("finishing what is running")
        finally:
            workers.stop()
            following.stop()
