"""Logging in and out of the whole application, with its real sessions, policy and headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from engine.runtime.logins import Logins
from engine.web.app import create_app
from tests.web.desk_app import Desk, serve

PASSWORD = "correct horse battery staple"


@pytest.fixture
def whole(desk: Desk) -> Iterator[str]:
    """Where the whole application is served; the clerk has a password."""
    logins = Logins(desk.engine.database, desk.clock)
    hashed = logins.hash(PASSWORD)
    desk.write(lambda tx: logins.set_password(tx, desk.people["clerk"], hashed))
    with serve(create_app(desk.engine)) as address:
        yield address


def log_in(page: Page, password: str) -> None:
    """Fills in the page."""
    page.get_by_label("User name").fill("clerk")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_in_to_where_one_wanted_to_go_and_out_again(page: Page, whole: str, desk: Desk) -> None:
    page.context.add_cookies([{"name": "lang", "value": "en", "url": whole}])
    record = desk.request()
    page.goto(f"{whole}/m/request/{record['id']}")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    log_in(page, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text(record["number"])
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".head .badge")).to_have_text("Waiting for approval")
    page.locator("details.who summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status").filter(has_text="You are logged out")).to_be_visible()
    page.goto(f"{whole}/m/request")
    expect(page).to_have_url(re.compile("/login"))


def test_a_whole_form_under_the_real_policy(page: Page, whole: str) -> None:
    page.context.add_cookies([{"name": "lang", "value": "en", "url": whole}])
    page.goto(f"{whole}/login")
    log_in(page, PASSWORD)
    page.goto(f"{whole}/m/request/new")
    line = page.locator("[data-grid] tbody tr").first
    line.get_by_role("combobox").fill("P201")
    expect(page.locator("[role=option][aria-selected=true]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(line.locator("[name$='.price']")).to_have_value("2650")
    line.locator("[name$='.quantity']").fill("2")
    expect(page.locator("output[name=payable]")).to_have_text("5,300.00")


def test_a_wrong_password_is_said_and_the_name_stays(page: Page, whole: str) -> None:
    page.context.add_cookies([{"name": "lang", "value": "en", "url": whole}])
    page.goto(f"{whole}/login")
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("User name")).to_have_value("clerk")
