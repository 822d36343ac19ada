"""The inbox in a real browser: chosen by keyboard, decided at once, sound on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_accessibility import examine, prefer
from tests.web.channel_files import definitions_copy
from tests.web.desk_app import Desk, open_desk
from tests.web.test_task_pages import LETTERS
from tests.web.test_tasks import MEMOS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The desk with two memos, about which the boss is asked."""
    with open_desk(tmp_path, app_dir=definitions_copy(tmp_path, memos=MEMOS, letters=LETTERS)) as opened:
        for _ in range(2):
            opened.write(lambda tx: opened.engine.service.create(tx, opened.actor("administrator"), "memo", {}))
        opened.who = "boss"
        yield opened


def test_two_at_once_by_keyboard(page: Page, site: str) -> None:
    prefer(page, site, "zh", "light")
    page.goto(f"{site}/tasks")
    examine(page)
    boxes = page.get_by_role("table").get_by_role("checkbox")
    for index in range(2):
        boxes.nth(index).focus()
        page.keyboard.press("Space")
    page.get_by_label("意见（驳回必填）").fill("同意")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("已处理 2 项")).to_be_visible()
    expect(page.get_by_role("heading", name="没有待办")).to_be_visible()
    page.get_by_role("link", name="我已处理").click()
    expect(page.get_by_role("row")).to_have_count(3)
    examine(page)


def test_a_phone_in_the_dark(phone: Page, site: str, desk: Desk) -> None:
    prefer(phone, site, "en", "dark")
    phone.goto(f"{site}/tasks")
    examine(phone)
    desk.who = "administrator"
    phone.goto(f"{site}/tasks?box=started")
    examine(phone)
    phone.get_by_role("link", name="M001").click()
    expect(phone.get_by_role("heading", name="Approval")).to_be_visible()
    examine(phone)


def test_a_signer_is_added_by_keyboard_in_a_dialog(page: Page, site: str, desk: Desk) -> None:
    letter = desk.write(lambda tx: desk.engine.service.create(tx, desk.actor("administrator"), "letter", {}))
    prefer(page, site, "zh", "dark")
    page.goto(f"{site}/tasks")
    page.get_by_role("link", name="初审").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="加签").press("Enter")
    person = dialog.get_by_role("combobox", name="人员")
    person.fill("clerk")
    expect(dialog.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    person.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("已完成：加签")).to_be_visible()
    desk.who = "administrator"
    page.goto(f"{site}/m/letter/{letter['id']}")
    expect(page.get_by_role("img", name="流程图")).to_be_visible()
    page.get_by_text("以表格显示").first.click()
    examine(page)
    page.keyboard.press("c")
    page.get_by_role("dialog").get_by_label("意见").fill("请尽快")
    examine(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("请尽快")).to_be_visible()


def test_a_case_on_a_phone(phone: Page, site: str, desk: Desk) -> None:
    letter = desk.write(lambda tx: desk.engine.service.create(tx, desk.actor("administrator"), "letter", {}))
    desk.who = "administrator"
    prefer(phone, site, "en", "light")
    phone.goto(f"{site}/m/letter/{letter['id']}")
    expect(phone.get_by_role("button", name="Urge")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    examine(phone)
    phone.get_by_role("button", name="Urge").tap()
    expect(phone.get_by_role("button", name="Urge")).to_have_count(0)
