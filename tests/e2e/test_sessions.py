"""Logging in and out in a real browser, through the whole application: cookies, policy, cross-site checks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.api_desk import PASSWORD, Api, give_passwords, open_api
from tests.web.desk_app import Desk, serve


@pytest.fixture
def api(desk: Desk) -> Iterator[Api]:
    """The whole application, where everybody has a password."""
    with open_api(desk) as opened:
        give_passwords(opened)
        yield opened


@pytest.fixture
def whole(api: Api) -> Iterator[str]:
    """Where it is served."""
    with serve(api.client.app) as address:
        yield address


def log_in(page: Page, address: str, login: str, path: str = "/") -> None:
    page.goto(f"{address}{path}")
    page.get_by_label("用户名").fill(login)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def test_in_through_the_form_something_done_and_out_again(page: Page, whole: str, api: Api) -> None:
    page.context.add_cookies([{"name": "lang", "value": "zh", "url": whole}])
    log_in(page, whole, "clerk", "/m/request/new")
    expect(page).to_have_url(f"{whole}/m/request/new")
    page.goto(f"{whole}/m/request")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    record = api.desk.request()
    page.goto(f"{whole}/m/request/{record['id']}")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("待审批").first).to_be_visible()
    page.locator("details.who summary").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page).to_have_url(f"{whole}/login?out")
    page.goto(f"{whole}/m/request")
    expect(page).to_have_url(f"{whole}/login?next=%2Fm%2Frequest")


def test_the_reference_of_the_api_is_a_page(page: Page, whole: str) -> None:
    page.context.add_cookies([{"name": "lang", "value": "zh", "url": whole}])
    log_in(page, whole, "administrator", "/docs")
    expect(page.get_by_role("heading", name="接口说明")).to_be_visible()
    expect(page.get_by_text("POST /api/request/{id}/events/submit")).to_be_visible()
    page.get_by_role("link", name="代码").click()
    expect(page.get_by_role("cell", name="KEY_REUSED")).to_be_visible()
