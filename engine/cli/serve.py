"""``orderloom serve``: the API, the pages and the workers, in one process."""

from __future__ import annotations

import gc
import os
import signal
import socket
from pathlib import Path
from types import FrameType

import click
import uvicorn

from engine.catalog.builder import FOLDERS
from engine.catalog.reload import CatalogHolder
from engine.cli.logs import log_to_stderr
from engine.cli.opening import opened
from engine.cli.place import PACKAGED, Place, pass_place
from engine.cli.working import BackgroundWorkers
from engine.fields.field import say
from engine.runtime.engine import Engine
from engine.runtime.following import Following
from engine.runtime.logins import Logins
from engine.runtime.seed import Sower, read_seeds
from engine.runtime.settings import Settings
from engine.source.problems import Problems
from engine.source.reader import read_texts
from engine.source.report import render
from engine.store.transaction import Transaction
from engine.web.app import create_app
from engine.web.settings import WebSettings

#: What the users of the demo log in with. They exist only where somebody has asked for them.
DEMO_PASSWORD = "orderloom-demo"
#: Connections that may wait to be taken; uvicorn's own number.
BACKLOG = 2048
#: How many new objects there may be before some are looked through for garbage; Python's 700 is less than one request.
YOUNG = 20_000


@click.command("serve", help="Serve the application: API, pages, and the workers of its jobs.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--no-watch", is_flag=True, help="Keep to the definitions as they are now.")
@click.option("--demo", is_flag=True, help="Fill an empty database with the demo company first.")
@pass_place
def command(place: Place, host: str, port: int, no_watch: bool, demo: bool) -> None:
    log_to_stderr()
    # First of all: nobody wants to wait for what cannot be.
    listening = _listen(host, port)
    with listening, opened(place) as engine:
        if demo:
            _demo(place, engine)
        following = Following(engine)
        if not no_watch:
            engine.holder.looked(Telling(engine.holder).tell)
            engine.holder.start()
        following.start()
        workers = BackgroundWorkers(engine, Settings.of_process())
        server = _Server(_config(engine), workers)
        name = say(engine.catalog.app.label or engine.catalog.app.name, "en")
        click.echo(f"{name}: {_address(host, listening)}")
        # uvicorn ends in good order and then raises the signal once more, for whoever handled it before: that is us, so
        # that the workers can finish what they are at.
        signal.signal(signal.SIGTERM, _end)
        try:
            server.run(sockets=[listening])
        finally:
            workers.stop()
            following.stop()
            engine.holder.stop()


class _Server(uvicorn.Server):
    """Starts the workers when requests can be served: the first of them shall not wait for that."""

    def __init__(self, config: uvicorn.Config, workers: BackgroundWorkers) -> None:
        super().__init__(config)
        self._workers = workers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What stands by now stays; and a request makes thousands of objects, few of which are garbage in a circle.
        gc.freeze()
        gc.set_threshold(YOUNG)
        self._workers.start()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


class Telling:
    """Says on the terminal what came of changed files."""

    def __init__(self, holder: CatalogHolder) -> None:
        self._holder = holder
        self._said = str(holder.refused)

    def tell(self) -> None:
        """Says it, once."""
        holder = self._holder
        if holder.problems:
            # Read again for the caret below the line; the problems are those of the holder.
            found = render(holder.problems, "text", read_texts(holder.app_dir, FOLDERS, Problems()))
            text = f"{found}\nthe definitions before serve on"
        elif holder.refused is not None:
            text = str(holder.refused)
        else:
            text = f"the definitions {holder.current.fingerprint[:12]} serve"
        if text != self._said:
            self._said = text
            click.echo(text, err=True)


def _listen(host: str, port: int) -> socket.socket:
    """The socket at which the server can be reached."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise click.ClickException(
            f"{host}:{port} cannot be served: {error.strerror}; another address is chosen with --host and --port"
        ) from error


def _address(host: str, listening: socket.socket) -> str:
    """How browsers reach it; with port 0 the system has chosen one."""
    port = listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(engine: Engine) -> uvicorn.Config:
    # Proxies are trusted by our own setting, not by uvicorn's; one line for each request costs more than the request.
    return uvicorn.Config(
        create_app(engine, WebSettings.of(os.environ)),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="on",
    )


def _demo(place: Place, engine: Engine) -> None:
    """Sows the seeds of the application, gives their users the demo password, and says who they are."""
    folder = seeds_folder(place)
    if folder is None:
        raise click.ClickException("this application has no examples/demo to begin with")
    seeds = read_seeds(folder, engine.catalog.vocabulary)
    users = {login: user for seed in seeds for login, user in seed.users.items()}
    if Sower(engine.service, engine.database, place.root).sow(seeds):
        logins = Logins(engine.database, engine.clock)
        hashed = logins.hash(DEMO_PASSWORD)

        def work(tx: Transaction) -> None:
            for key in engine.service.store.records.resolve(tx, "user", list(users)).values():
                logins.set_password(tx, key, hashed)

        engine.write(work)
    click.echo(f"Demo users, password {DEMO_PASSWORD}:")
    for login, user in users.items():
        click.echo(f"  {login:12} {user.name} ({', '.join(user.roles)})")


def seeds_folder(place: Place) -> Path | None:
    """Where the demo's seeds lie: beside the application, or in the installed package."""
    candidates = (place.root / "examples" / "demo", PACKAGED / "examples" / "demo")
    return next((folder for folder in candidates if folder.is_dir()), None)
