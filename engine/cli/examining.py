"""What ``orderloom doctor`` looks at. Each examination gives what it found, and changes nothing."""

from __future__ import annotations

import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from os import environ
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select, text

import engine
from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.runtime.connectors.email import MailServer
from engine.runtime.engine import Engine
from engine.runtime.settings import SECRETS, Settings
from engine.store.database import Database
from engine.store.jobs import DEAD, JOB, WAITING
from engine.store.migrate.plan import Plan
from engine.store.technical import PASSWORD
from engine.store.transaction import Transaction

State = Literal["ok", "warning", "wrong"]

#: `pragma_table_list` came with this SQLite. Older PostgreSQL is not mended any more.
OLDEST_SQLITE, OLDEST_POSTGRES = (3, 37, 0), 14
#: Bytes on the disk below which to think of more, and below which the next hour may be the last.
LITTLE_SPACE, NO_SPACE = 2 * 1024**3, 200 * 1024**2
#: How far two clocks may be apart: history is read by the minute.
APART = timedelta(seconds=5)
#: How long a job that is due may wait where workers run.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what there is to say about it."""

    what: str
    state: State
    detail: str


def versions() -> Finding:
    """What runs here."""
    parts = [f"orderloom {engine.__version__}", f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("SQLAlchemy", "starlette", "dbos")]
    parts.append(f"SQLite {sqlite3.sqlite_version}")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        return Finding("versions", "wrong", f"{', '.join(parts)}: SQLite has to be {oldest} or newer")
    return Finding("versions", "ok", ", ".join(parts))


def disk(folder: Path) -> Finding:
    """The space that is left where the application writes."""
    there = next(found for found in (folder, *folder.parents) if found.exists())
    free = shutil.disk_usage(there).free
    state: State = "wrong" if free < NO_SPACE else "warning" if free < LITTLE_SPACE else "ok"
    return Finding("disk", state, f"{free / 1024**3:.1f} GB free at {there}")


def database_settings(database: Database) -> Iterator[Finding]:
    """Whether the database keeps what it is given, and is of an age that we know."""
    # render_as_string hides the password.
    where = database.engine.url.render_as_string()
    shown = database.read(_sqlite_settings if database.dialect == "sqlite" else _postgres_settings)
    yield Finding("database", "ok", f"{where}: {', '.join(f'{name} {value}' for name, value in shown.items())}")
    if database.dialect == "sqlite":
        if shown["journal"] != "wal":
            yield Finding("database", "wrong", "its journal is no write-ahead log: does it lie on a network drive?")
        if shown["check"] != "ok":
            yield Finding("database", "wrong", f"the file is damaged: {shown['check']}")
        return
    if int(shown["version"].split(".")[0]) < OLDEST_POSTGRES:
        yield Finding("database", "wrong", f"PostgreSQL has to be {OLDEST_POSTGRES} or newer")
    if shown["encoding"] != "UTF8":
        yield Finding("database", "wrong", "its encoding has to be UTF8")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if shown[name] == "off":
            yield Finding("database", "warning", f"{name} is off: a crash may lose what was acknowledged")


def _sqlite_settings(tx: Transaction) -> dict[str, str]:
    def ask(pragma: str) -> str:
        return str(tx.connection().execute(text(f"PRAGMA {pragma}")).scalar_one())

    return {"journal": ask("journal_mode"), "check": ask("quick_check(1)")}


def _postgres_settings(tx: Transaction) -> dict[str, str]:
    names = {
        "version": "server_version",
        "encoding": "server_encoding",
        "fsync": "fsync",
        "synchronous_commit": "synchronous_commit",
        "full_page_writes": "full_page_writes",
        "max_connections": "max_connections",
    }
    query = text("SELECT current_setting(:name)")
    return {shown: str(tx.connection().execute(query, {"name": name}).scalar_one()) for shown, name in names.items()}


def definitions_in_force(found: Plan) -> Finding:
    """Whether the database is as the files say."""
    if not found.changes:
        return Finding("plan", "ok", f"the definitions {found.fingerprint[:12]} are in force")
    if found.additive:
        return Finding("plan", "ok", "the files only add to what is in force: the next start brings them in")
    return Finding("plan", "warning", f"the files wait: see `orderloom plan`, then `orderloom apply {found.hash}`")


def clock(application: Engine) -> Finding:
    """Whether the clock of this machine can be right."""
    now = application.clock.now()
    last, theirs = application.database.read(lambda tx: _other_clocks(application, tx))
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if last is not None and now < last - APART:
        return Finding(
            "clock", "wrong", f"{shown} is before the last application of definitions, {last:%Y-%m-%d %H:%M}"
        )
    if theirs is not None and abs(theirs - now) > APART:
        apart = abs(theirs - now).total_seconds()
        return Finding("clock", "warning", f"{shown} is {apart:,.0f} s apart from the clock of the database")
    return Finding("clock", "ok", f"{shown}, times are shown for {application.catalog.app.timezone}")


def _other_clocks(application: Engine, tx: Transaction) -> tuple[datetime | None, datetime | None]:
    """When definitions were last applied, and what the database takes for the present, if it has a clock of its own."""
    newest = next(iter(application.snapshots.list(tx, limit=1)), None)
    theirs = None
    if application.database.dialect == "postgresql":
        theirs = tx.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    return newest.applied_at if newest is not None else None, theirs


def secrets(catalog: Catalog) -> Iterator[Finding]:
    """The secrets that the definitions name, and whether somebody has set them."""
    try:
        settings = Settings.of_process()
    except EngineError as error:
        yield Finding("secrets", "wrong", str(error))
        return
    file = environ.get(SECRETS)
    if file and Path(file).stat().st_mode & 0o077:
        yield Finding("secrets", "warning", f"others can read the file of secrets: chmod 600 {file}")
    named = dict(sorted(_named_secrets(catalog)))
    missing = [f"{name} ({channel})" for name, channel in named.items() if settings.find_secret(name) is None]
    if missing:
        yield Finding("secrets", "warning", f"not set, so nothing can arrive there: {', '.join(missing)}")
    else:
        yield Finding("secrets", "ok", f"{len(named)} named, all set" if named else "the definitions name none")


def _named_secrets(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name, channel in catalog.channels.items():
        auth = channel.intake.auth if channel.intake is not None else None
        for secret in (auth.hmac_sha256, auth.bearer) if auth is not None else ():
            if secret is not None:
                yield secret.secret, f"channel {name}"


def mail(catalog: Catalog) -> Iterator[Finding]:
    """Whether e-mail can leave, if any message is to."""
    written = [name for name, message in catalog.messages.items() if "email" in message.by]
    if not written:
        return
    try:
        server = MailServer.of(Settings.of_process())
    except EngineError as error:
        yield Finding("e-mail", "warning", f"{', '.join(written)} cannot leave: {error}")
    else:
        yield Finding("e-mail", "ok", f"leaves through {server.host}:{server.port} from {server.sender}")


def passwords(application: Engine) -> Iterator[Finding]:
    """Whether anybody can log in."""
    table = application.service.store.tables.metadata.tables[PASSWORD]
    count = application.database.read(lambda tx: _count(tx, select(func.count().label("n")).select_from(table)))
    if count:
        yield Finding("accounts", "ok", f"{count} with a password")
    else:
        yield Finding(
            "accounts", "warning", "nobody can log in: `orderloom user add NAME --role ROLE` makes an account"
        )


def jobs(application: Engine) -> Iterator[Finding]:
    """Whether jobs are done."""
    table = application.service.store.tables[JOB]
    late = (table.c["state"] == WAITING) & (table.c["due_at"] < application.clock.now() - PATIENCE)
    counted = select(func.count().label("n")).select_from(table)

    def read(tx: Transaction) -> tuple[int, int]:
        return _count(tx, counted.where(table.c["state"] == DEAD)), _count(tx, counted.where(late))

    dead, waiting = application.database.read(read)
    if dead:
        yield Finding("jobs", "warning", f"{dead} have failed for good: the list of jobs says why")
    if waiting:
        yield Finding(
            "jobs", "warning", f"{waiting} wait for a worker: does `orderloom serve` or `orderloom work` run?"
        )
    if not dead and not waiting:
        yield Finding("jobs", "ok", "none has failed, none is late")


def _count(tx: Transaction, clause: Any) -> int:
    return int(tx.core(clause)[0]["n"])
