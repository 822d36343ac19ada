"""A change is proposed in the record's own form, and whoever decides sees it beside the record: desktop and phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_accessibility import examine, prefer
from tests.web.channel_files import definitions_copy
from tests.web.desk_app import Desk, open_desk
from tests.web.test_proposing import CHANGES


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The desk, where changes may be proposed of what has been submitted."""
    with open_desk(tmp_path, app_dir=definitions_copy(tmp_path, changes=CHANGES)) as opened:
        opened.who = "administrator"
        yield opened


def test_more_is_proposed_and_agreed(page: Page, site: str, desk: Desk) -> None:
    record = desk.fire(desk.request(), "submit")
    prefer(page, site, "zh", "light")
    page.goto(f"{site}/m/request/{record['id']}")
    page.get_by_role("link", name="修改申请").click()
    examine(page)
    page.get_by_label("数量").first.fill("3")
    page.get_by_label("数量").first.blur()
    expect(page.get_by_text("7,950.00").first).to_be_visible()  # worked out while somebody types
    page.get_by_label("修改原因").fill("现场加量")
    page.keyboard.press("Control+Enter")
    card = page.get_by_role("region", name="待生效的修改：修改申请")
    expect(card).to_contain_text("5,300.00 → 7,950.00")
    expect(card).to_contain_text("现场加量")
    examine(page)
    page.get_by_role("button", name="同意修改").click()
    expect(card).to_have_count(0)
    expect(page.get_by_role("definition").filter(has_text="7,950.00").first).to_be_visible()


def test_a_phone_in_the_dark(phone: Page, site: str, desk: Desk) -> None:
    record = desk.fire(desk.request(), "submit")
    prefer(phone, site, "en", "dark")
    phone.goto(f"{site}/m/request/{record['id']}/do/change")
    examine(phone)
    phone.get_by_label("Why changed").fill("later")
    phone.get_by_role("button", name="Change").click()
    expect(phone.get_by_text("Nothing would change")).to_be_visible()
    phone.get_by_label("Note").fill("at the gate")
    phone.get_by_role("button", name="Change").click()
    expect(phone.get_by_role("region", name="Pending change: Change")).to_contain_text("at the gate")
    examine(phone)
