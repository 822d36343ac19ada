"""Lists and the frame around pages, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.web.desk_app import Desk


def numbers(page: Page) -> list[str]:
    """The numbers of the requests in the list."""
    return page.locator("main tbody a[href*='/m/request/']").all_inner_texts()


def test_rows_by_keyboard(chinese: Page, site: str, desk: Desk) -> None:
    desk.request()
    second = desk.request()["number"]
    chinese.goto(f"{site}/m/request")
    chinese.keyboard.press("j")
    chinese.keyboard.press("j")
    chinese.keyboard.press("k")
    expect(chinese.locator("tbody tr").nth(0)).to_be_focused()
    chinese.keyboard.press("Enter")
    expect(chinese.get_by_role("heading", level=1)).to_have_text(second)
    chinese.go_back()
    chinese.keyboard.press("n")
    expect(chinese).to_have_url(f"{site}/m/request/new")


def test_search_and_filters_answer_while_typing_and_stand_in_the_address(chinese: Page, site: str, desk: Desk) -> None:
    desk.request(project="Bridge")
    tunnel = desk.fire(desk.request(project="Tunnel"), "submit")["number"]
    chinese.goto(f"{site}/m/request")
    chinese.keyboard.press("/")
    search = chinese.get_by_role("searchbox")
    expect(search).to_be_focused()
    chinese.keyboard.type("tunnj")  # a single key such as j does nothing else while somebody types
    expect(chinese.get_by_text("没有符合条件的采购申请")).to_be_visible()
    chinese.keyboard.press("Backspace")
    expect(chinese.locator("tbody tr")).to_have_count(1)
    expect(search).to_be_focused()
    assert numbers(chinese) == [tunnel]
    expect(chinese).to_have_url(re.compile("q=tunn"))
    chinese.get_by_text("草稿", exact=True).first.click()
    expect(chinese.get_by_text("没有符合条件的采购申请")).to_be_visible()
    expect(chinese).to_have_url(re.compile("status=draft"))
    chinese.get_by_role("link", name="清除筛选").first.click()
    expect(chinese.locator("tbody tr")).to_have_count(2)
    chinese.reload()
    expect(chinese.locator("tbody tr")).to_have_count(2)


def test_everything_works_without_javascript(browser: Browser, site: str, desk: Desk) -> None:
    for _ in range(51):
        desk.request()
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{site}/m/request")
    page.get_by_role("link", name="Next").click()
    assert len(numbers(page)) == 1
    page.get_by_role("link", name="Previous").click()
    assert len(numbers(page)) == 50
    page.get_by_role("link", name="Wanted on").click()
    expect(page).to_have_url(re.compile("sort=-wanted"))
    page.get_by_role("searchbox").fill("PR202600007")
    page.get_by_role("button", name="Apply").click()
    assert numbers(page) == ["PR202600007"]
    page.get_by_role("link", name="PR202600007").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("combobox", name="Supplier").fill("S103")
    page.get_by_role("button", name="Save only").click()
    expect(page.get_by_role("link", name="Acme Industrial GmbH")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".head .badge")).to_have_text("Waiting for approval")
    context.close()


def test_language_and_theme_are_switched_and_remembered(page: Page, site: str) -> None:
    page.context.add_cookies([{"name": "lang", "value": "en", "url": site}])
    page.goto(f"{site}/m/request")
    expect(page.get_by_role("heading", level=1)).to_have_text("Request")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("采购申请")
    toggle = page.get_by_role("link", name=re.compile("外观"))
    toggle.click()
    toggle.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("heading", level=1)).to_have_text("采购申请")


def test_the_palette_leads_to_pages_and_records(chinese: Page, site: str, desk: Desk) -> None:
    record = desk.request()
    chinese.goto(f"{site}/")
    chinese.keyboard.press("Control+k")
    box = chinese.get_by_role("dialog").get_by_role("combobox")
    expect(box).to_be_focused()
    chinese.keyboard.type(record["number"])
    expect(chinese.get_by_role("option")).to_have_count(1)
    chinese.keyboard.press("Enter")
    expect(chinese.get_by_role("heading", level=1)).to_have_text(record["number"])


def test_the_menu_of_a_phone(phone: Page, site: str) -> None:
    phone.goto(f"{site}/m/request")
    link = phone.get_by_role("link", name="Supplier")
    expect(link).to_be_hidden()
    phone.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    phone.keyboard.press("Escape")
    expect(link).to_be_hidden()
    phone.get_by_role("button", name="Menu").click()
    link.click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Supplier")
