"""Every state of every page: nothing that axe-core finds fault with, and nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.desk_app import Desk

#: What to do on a page before it is looked at.
Prepare = Callable[[Page], None]


def refuse(page: Page) -> None:
    """Sends a form that lacks everything."""
    page.locator("[data-main]").click()
    expect(page.get_by_role("alert")).to_be_visible()


def look_up(page: Page) -> None:
    """Opens the list of a look-up."""
    page.locator("[data-grid] tbody [role=combobox]").first.fill("P")
    expect(page.locator("[role=option]").first).to_be_visible()


def ask(page: Page) -> None:
    """Opens the dialog of an event."""
    page.locator("a[data-dialog][href*='/do/']").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def jump(page: Page) -> None:
    """Opens the palette."""
    page.locator("[data-palette]").click()
    expect(page.locator("[role=option]").first).to_be_visible()


def unfold(page: Page) -> None:
    """Opens every part that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def nothing(page: Page) -> None:
    """Leaves the page as it is."""


STATES: list[tuple[str, Prepare]] = [
    ("/", nothing),
    ("/m/request", nothing),
    ("/m/request?status=draft&q=PR&sort=payable", nothing),
    ("/m/request?q=zzz", nothing),
    ("/m/supplier", unfold),
    ("/m/request", jump),
    ("/m/request/new", nothing),
    ("/m/request/new", refuse),
    ("/m/request/new", look_up),
    ("/m/supplier/new", nothing),
    ("/m/user/new", nothing),
    ("DRAFT", unfold),
    ("HELD", unfold),
    ("HELD", ask),
    ("HELD/do/refuse", nothing),
    ("HELD/explain", unfold),
    ("DRAFT/edit", nothing),
    ("/m/hold", nothing),
]


@pytest.fixture
def filled(desk: Desk) -> dict[str, str]:
    """Some records: the paths of a draft, and of one that is held."""
    draft = desk.request(note="一段说明", tags=["heavy"], contact="13911112222")
    held = desk.fire(desk.request(urgent=True, lines=[{"item": "P201", "quantity": "5"}] * 2), "submit")
    desk.who = "administrator"
    return {"DRAFT": f"/m/request/{draft['id']}", "HELD": f"/m/request/{held['id']}"}


def examine(page: Page) -> None:
    """Fails with what axe-core finds, and where."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, f"the page is {wide} pixels wide, and the window {window}"


def visit(page: Page, site: str, filled: dict[str, str]) -> None:
    for path, prepare in STATES:
        for word, meant in filled.items():
            path = path.replace(word, meant)
        page.goto(site + path)
        prepare(page)
        examine(page)


def prefer(page: Page, site: str, language: str, theme: str) -> None:
    """Sets the reader's language and theme."""
    page.context.add_cookies(
        [{"name": name, "value": value, "url": site} for name, value in (("lang", language), ("theme", theme))]
    )


def test_a_desktop_in_chinese_and_light(page: Page, site: str, filled: dict[str, str]) -> None:
    prefer(page, site, "zh", "light")
    visit(page, site, filled)


def test_a_phone_in_english_and_dark(phone: Page, site: str, filled: dict[str, str]) -> None:
    prefer(phone, site, "en", "dark")
    visit(phone, site, filled)


def test_the_log_in_for_everybody(page: Page, site: str, desk: Desk) -> None:
    desk.who = None
    for language, theme in (("zh", "light"), ("en", "dark")):
        prefer(page, site, language, theme)
        page.goto(f"{site}/m/request")
        expect(page).to_have_url(f"{site}/login?next=%2Fm%2Frequest")
        examine(page)
