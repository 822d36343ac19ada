"""Filling in forms by hand, in a real browser: look-ups, rows, live totals, faults, conflicts, events."""

from __future__ import annotations

import re
from decimal import Decimal

from playwright.sync_api import Locator, Page, Route, expect

from tests.web.desk_app import Desk


def lines(page: Page) -> Locator:
    """The rows of the grid."""
    return page.locator("[data-grid] tbody tr")


def choose(page: Page, box: Locator, text: str) -> None:
    """Types into a look-up and takes the first that it offers, all by keyboard."""
    # What is typed before the page's scripts listen is text and asks for nothing.
    page.wait_for_load_state("networkidle")
    box.focus()
    page.keyboard.type(text)
    expect(page.locator("[role=option][aria-selected=true]")).to_be_visible()
    page.keyboard.press("Enter")


def fill_in(page: Page) -> None:
    """A request that can be saved."""
    choose(page, page.get_by_role("combobox", name="供应商"), "zjjs")
    page.get_by_label("需用日期").fill("2026-12-24")
    choose(page, lines(page).nth(0).get_by_role("combobox"), "P201")
    expect(lines(page).nth(0).locator("[name$='.price']")).to_have_value("2650")


def cell(page: Page, row: int, name: str) -> Locator:
    """The input of a field in a row."""
    return lines(page).nth(row).locator(f"[name$='.{name}']")


def total(page: Page) -> Locator:
    """The grand total."""
    return page.locator("output[name=payable]")


def test_a_request_from_empty_form_to_submitted_record(chinese: Page, site: str, desk: Desk) -> None:
    chinese.goto(f"{site}/m/request/new")
    fill_in(chinese)
    cell(chinese, 0, "quantity").fill("3")
    expect(cell(chinese, 0, "amount")).to_have_text("7,950.00")
    expect(total(chinese)).to_have_text("7,950.00")
    chinese.get_by_label("优惠").fill("150")
    expect(total(chinese)).to_have_text("7,800.00")
    chinese.keyboard.press("Control+Enter")
    expect(chinese.get_by_role("heading", level=1)).to_have_text(re.compile(r"PR2026\d+"))
    expect(chinese.locator(".head .badge")).to_have_text("待审批")
    expect(chinese.locator("[role=status].saved")).to_have_text("已保存")
    acts = chinese.locator(".timeline .what")
    expect(acts).to_have_text(["提交", "创建"])
    key = chinese.url.split("/")[-1].split("?")[0]
    assert desk.read(key)["payable"] == Decimal("7800.00")


def test_totals_need_no_server_and_are_exact(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")
    fill_in(chinese)
    # What the item and the supplier bring has come by now.
    expect(chinese.locator("form.asking")).to_have_count(0)
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    chinese.route("**/preview", refuse)
    # In binary floating point 1.005 × 100 rounds to 100.49 and 0.1 + 0.2 is not 0.3.
    cell(chinese, 0, "price").fill("100")
    cell(chinese, 0, "quantity").fill("1.005")
    expect(cell(chinese, 0, "amount")).to_have_text("100.50")
    cell(chinese, 0, "off").fill("33.33")
    expect(cell(chinese, 0, "amount")).to_have_text("67.00")
    expect(total(chinese)).to_have_text("67.00")
    chinese.wait_for_timeout(500)
    assert asked == []


def test_what_only_the_server_knows_is_asked_for(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")
    expect(chinese.locator("output[name=supplier_days]")).to_have_text("—")
    choose(chinese, chinese.get_by_role("combobox", name="供应商"), "Acme")
    expect(chinese.locator("output[name=supplier_days]")).to_have_text("7")


def test_a_proposed_price_follows_the_product_until_somebody_types_one(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")
    fill_in(chinese)
    box = lines(chinese).nth(0).get_by_role("combobox")
    box.fill("")
    choose(chinese, box, "P200")
    expect(cell(chinese, 0, "price")).to_have_value("186")
    cell(chinese, 0, "price").fill("180")
    box.fill("")
    choose(chinese, box, "P202")
    expect(box).to_have_value("温控器 TC-100")
    chinese.wait_for_timeout(600)
    expect(cell(chinese, 0, "price")).to_have_value("180")


def test_a_late_answer_takes_no_row_away(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")

    def late(route: Route) -> None:
        chinese.wait_for_timeout(400)
        route.continue_()

    chinese.route("**/preview", late)
    choose(chinese, lines(chinese).nth(0).get_by_role("combobox"), "P201")
    chinese.get_by_role("button", name="添加一行").click()
    cell(chinese, 1, "quantity").fill("9")
    expect(cell(chinese, 0, "price")).to_have_value("2650")
    expect(lines(chinese)).to_have_count(2)
    expect(cell(chinese, 1, "quantity")).to_have_value("9")


def test_rows_by_keyboard_alone(chinese: Page, site: str, desk: Desk) -> None:
    chinese.goto(f"{site}/m/request/new")
    fill_in(chinese)
    cell(chinese, 0, "quantity").fill("1")
    chinese.keyboard.press("Enter")  # below the last row a new one begins
    expect(lines(chinese)).to_have_count(2)
    choose(chinese, lines(chinese).nth(1).get_by_role("combobox"), "P202")
    cell(chinese, 1, "quantity").fill("2")
    chinese.keyboard.press("Alt+Insert")
    expect(lines(chinese)).to_have_count(3)
    cell(chinese, 2, "quantity").fill("4")
    chinese.keyboard.press("Alt+ArrowUp")
    expect(cell(chinese, 1, "quantity")).to_have_value("4")
    cell(chinese, 0, "quantity").focus()
    chinese.keyboard.press("Alt+Delete")
    expect(lines(chinese)).to_have_count(2)
    expect(lines(chinese).locator(".place output")).to_have_text(["1", "2"])
    chinese.get_by_role("button", name="仅保存").click()
    chinese.wait_for_url(re.compile("saved=1"))
    saved = desk.read(chinese.url.split("/")[-1].split("?")[0])["lines"]
    assert [(line["item"]["code"], int(line["quantity"])) for line in saved] == [("P202", 4), ("P202", 2)]


def test_faults_take_the_focus_and_lead_to_their_fields(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")
    chinese.get_by_label("备注").fill("不能丢")
    choose(chinese, lines(chinese).nth(0).get_by_role("combobox"), "P201")
    cell(chinese, 0, "quantity").fill("-2")
    chinese.get_by_role("button", name="保存并提交").click()
    alert = chinese.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("有 3 处需要修改")
    alert.get_by_role("link", name="数量（第 1 行）").click()
    expect(cell(chinese, 0, "quantity")).to_be_focused()
    expect(cell(chinese, 0, "quantity")).to_have_attribute("aria-invalid", "true")
    expect(chinese.get_by_label("备注")).to_have_value("不能丢")
    cell(chinese, 0, "quantity").fill("2")
    expect(cell(chinese, 0, "amount")).to_have_text("5,300.00")
    choose(chinese, chinese.get_by_role("combobox", name="供应商"), "S101")
    chinese.get_by_label("需用日期").fill("2026-12-24")
    chinese.keyboard.press("Control+Enter")
    expect(chinese.locator(".head .badge")).to_have_text("待审批")


def test_enter_in_a_field_saves_nothing(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")
    chinese.get_by_label("优惠").press("Enter")
    box = chinese.get_by_role("combobox", name="供应商")
    box.fill("nobody")
    expect(chinese.get_by_role("option", name="没有匹配项")).to_be_visible()
    box.press("Enter")
    chinese.wait_for_timeout(300)
    expect(chinese.get_by_role("alert")).to_have_count(0)


def test_fields_come_and_go_with_others(chinese: Page, site: str) -> None:
    chinese.goto(f"{site}/m/request/new")
    project = chinese.get_by_label("项目号")
    expect(project).to_be_hidden()
    chinese.get_by_label("类型").select_option("project")
    expect(project).to_be_visible()


def test_two_people_at_one_record(chinese: Page, site: str, desk: Desk) -> None:
    record = desk.request(note="old")
    chinese.goto(f"{site}/m/request/{record['id']}/edit")
    chinese.get_by_label("备注").fill("mine")
    desk.write(
        lambda tx: desk.engine.service.update(
            tx, desk.actor("administrator"), "request", record["id"], {"wanted": "2026-12-31"}
        )
    )
    chinese.get_by_role("button", name="仅保存").click()
    alert = chinese.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("在你编辑期间，这条记录被改过")
    expect(chinese.get_by_label("需用日期")).to_have_value("2026-12-31")
    expect(chinese.get_by_label("备注")).to_have_value("mine")
    chinese.get_by_role("button", name="仍然保存我的修改").click()
    chinese.wait_for_url(re.compile("saved=1"))
    assert desk.read(record["id"])["note"] == "mine"


def test_an_event_asks_in_a_dialog_and_stays_there_until_it_is_right(chinese: Page, site: str, desk: Desk) -> None:
    record = desk.fire(desk.request(), "submit")
    desk.who = "boss"
    chinese.goto(f"{site}/m/request/{record['id']}")
    chinese.get_by_role("link", name="驳回").click()
    dialog = chinese.get_by_role("dialog", name=re.compile("驳回"))
    expect(dialog.get_by_label("原因")).to_be_focused()
    dialog.get_by_role("button", name="驳回").click()
    expect(dialog.get_by_role("alert")).to_be_focused()
    expect(dialog).to_contain_text("必填")
    dialog.get_by_label("原因").fill("太贵")
    chinese.keyboard.press("Control+Enter")
    expect(chinese.locator(".head .badge")).to_have_text("已驳回")
    assert desk.read(record["id"])["status"] == "refused"


def test_text_of_users_is_text_and_nothing_else(chinese: Page, site: str, desk: Desk) -> None:
    bad = "<img src=x onerror=alert(1)><b hx-get=/x hx-trigger=load>"
    desk.put("supplier", code="S900", name=bad, phone="13800001234")
    record = desk.request(supplier="S900", note=f"{bad}</script></textarea>")
    for path in ("", "/edit"):
        chinese.goto(f"{site}/m/request/{record['id']}{path}")
        expect(chinese.locator("main img, main b[hx-get]")).to_have_count(0)
    box = chinese.get_by_role("combobox", name="供应商")
    expect(box).to_have_value(bad)
    box.fill("S900")
    expect(chinese.get_by_role("option").filter(has_text="onerror")).to_be_visible()
    expect(chinese.locator("main img")).to_have_count(0)
    chinese.goto(f"{site}/m/request")
    expect(chinese.locator("main img")).to_have_count(0)
