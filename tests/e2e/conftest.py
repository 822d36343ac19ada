"""The purchase desk in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import is_complaint
from tests.web.desk_app import Desk, open_desk, serve

# A machine that runs other things beside may take its time; a page that is wrong stays wrong.
expect.set_options(timeout=15_000)

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The application with its master data and nothing else; the clerk makes the requests."""
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def site(desk: Desk) -> Iterator[str]:
    """Where the application is served."""
    with serve(desk.application) as address:
        yield address


@pytest.fixture
def chinese(site: str, page: Page) -> Page:
    """A page of a desktop browser whose reader wants Chinese. It is closed before the server: the site comes first."""
    page.context.add_cookies([{"name": "lang", "value": "zh", "url": site}])
    return page


@pytest.fixture
def phone(browser: Browser, site: str) -> Iterator[Page]:
    """A page of a phone in the dark, whose reader wants English. What its scripts complain of fails the test."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark", locale="en-GB")
    context.add_cookies([{"name": "lang", "value": "en", "url": site}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.set_default_timeout(15_000)
    yield page
    context.close()
    assert not complaints, "the browser's console shows errors"
