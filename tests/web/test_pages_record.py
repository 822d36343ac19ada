"""The page of a record: what it shows to whom, what can be done there, what it tells of the past."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from engine.errors import InvalidValues
from engine.web.pages.faults import crash_page
from engine.web.pages.labels import event_label
from engine.web.pages.login import local_path, login_page
from engine.web.pages.visit import Site, Visit
from tests.web.desk_app import Desk

HX = {"HX-Request": "true"}


def test_a_record_shows_values_rows_and_totals(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(discount="300", note="a <b> c", tags=["heavy", "fragile"])
    page = visitor.get(f"/m/request/{record['id']}").text
    assert record["number"] in page
    assert "易碎、重物" in page
    assert "a &lt;b&gt; c" in page
    assert "5,300.00" in page
    assert "5,000.00" in page
    assert "草稿" in page


def test_personal_data_is_masked_for_those_without_the_right(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(contact="13911112222")
    path = f"/m/request/{record['id']}"
    assert "13911112222" in visitor.get(path).text
    desk.who = "boss"
    page = visitor.get(path).text
    assert "13911112222" not in page
    assert "139****2222" in page


def test_what_links_to_a_record_stands_on_its_page(desk: Desk, visitor: TestClient) -> None:
    first, *newest = [desk.request(supplier="S102") for _ in range(6)]
    other = desk.request(supplier="S101")
    key = desk.read(first["id"])["supplier"]["id"]
    page = visitor.get(f"/m/supplier/{key}").text
    assert re.findall(r'<td><a href="/m/request/[\w-]+">(PR\d+)<', page) == [each["number"] for each in newest[::-1]]
    assert f'<a href="/m/request?supplier={key}">查看全部</a>' in page
    assert "草稿" in page
    alone = visitor.get(f"/m/supplier/{desk.read(other['id'])['supplier']['id']}").text
    assert other["number"] in alone
    assert "查看全部" not in alone


def test_links_to_a_record_are_those_that_the_reader_may_see(desk: Desk, visitor: TestClient) -> None:
    shown = desk.request(supplier="S102", urgent=True)
    hidden = desk.request(supplier="S102")
    desk.who = "buyer"
    page = visitor.get(f"/m/supplier/{desk.read(shown['id'])['supplier']['id']}").text
    assert shown["number"] in page
    assert hidden["number"] not in page


def test_events_are_offered_with_reasons_where_they_are_not_possible(desk: Desk, visitor: TestClient) -> None:
    record = desk.fire(desk.request(lines=[{"item": "P201", "quantity": "5"}]), "submit")
    desk.who = "boss"
    page = visitor.get(f"/m/request/{record['id']}").text
    assert re.search(r'href="/m/request/[\w-]+/do/refuse" data-dialog>驳回', page)
    assert re.search(r"<b>批准</b>\s*<span class=\"why\">超出预算", page)
    assert "由主管处理" in page
    desk.who = "clerk"
    assert "批准</b>" not in visitor.get(f"/m/request/{record['id']}").text


def test_a_button_fires_its_event(desk: Desk, visitor: TestClient) -> None:
    record = desk.request()
    answer = visitor.post(f"/m/request/{record['id']}/do/submit", data={"version": record["version"]})
    assert answer.status_code == 303
    assert desk.read(record["id"])["status"] == "submitted"
    assert "已完成：提交" in visitor.get(answer.headers["location"]).text


def test_an_event_on_what_has_changed_meanwhile_is_refused(desk: Desk, visitor: TestClient) -> None:
    record = desk.request()
    answer = visitor.post(f"/m/request/{record['id']}/do/submit", data={"version": record["version"] + 1})
    assert answer.status_code == 412
    assert "刚刚被别人改过" in answer.text
    assert desk.read(record["id"])["status"] == "draft"


def test_an_event_asks_for_its_input_and_keeps_it_when_refused(desk: Desk, visitor: TestClient) -> None:
    record = desk.fire(desk.request(), "submit")
    desk.who = "boss"
    path = f"/m/request/{record['id']}/do/refuse"
    assert "<html" in visitor.get(path).text
    assert "<html" not in visitor.get(path, headers=HX).text
    refused = visitor.post(path, data={"reason": "", "until": "2027-02-31"}, headers=HX)
    assert refused.status_code == 422
    assert dict(re.findall(r'id="([\w-]+)-fault">([^<]*)<', refused.text)) == {"f-until": "请输入日期"}
    assert 'value="2027-02-31"' in refused.text
    done = visitor.post(path, data={"reason": "太贵", "until": ""}, headers=HX)
    assert done.status_code == 204
    assert done.headers["hx-redirect"] == f"/m/request/{record['id']}?done=refuse"
    assert desk.read(record["id"])["status"] == "refused"


def test_an_event_that_the_state_does_not_know_is_not_found(desk: Desk, visitor: TestClient) -> None:
    record = desk.request()
    assert visitor.get(f"/m/request/{record['id']}/do/approve").status_code == 404
    assert visitor.post(f"/m/request/{record['id']}/do/approve").status_code == 404


def test_a_hold_is_released_by_its_assignee_with_a_reason(desk: Desk, visitor: TestClient) -> None:
    record = desk.fire(desk.request(lines=[{"item": "P201", "quantity": "5"}]), "submit")
    path = f"/m/request/{record['id']}"
    assert "/holds/" not in visitor.get(path).text
    desk.who = "boss"
    release = re.search(rf'href="({path}/holds/[\w-]+)"', visitor.get(path).text)
    assert release is not None
    assert "等我处理的暂停项" in visitor.get("/").text
    empty = visitor.post(release[1], data={"why": " "})
    assert empty.status_code == 422
    assert "必填" in empty.text
    assert visitor.post(release[1], data={"why": "预算已追加"}).status_code == 303
    page = visitor.get(path).text
    assert "解除暂停：超出预算" in page
    assert "预算已追加" in page
    assert "/do/approve" in page


def test_the_timeline_tells_who_changed_what_when(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(note="before")
    desk.clock.step(timedelta(hours=1))
    desk.write(
        lambda tx: desk.engine.service.update(
            tx, desk.actor("administrator"), "request", record["id"], {"note": "after", "supplier": "S102"}
        )
    )
    desk.clock.step(timedelta(hours=1))
    desk.fire(record, "submit")
    page = visitor.get(f"/m/request/{record['id']}").text
    timeline = page[page.index('class="timeline"') :]
    acts = re.findall(r'class="what">([^<]+)</span><span class="when">([^ ]+) · <time[^>]*>([^<]+)', timeline)
    assert acts == [
        ("提交", "李强", "2026-11-22 14:00"),
        ("修改", "管理员", "2026-11-22 13:00"),
        ("创建", "李强", "2026-11-22 12:00"),
    ]
    assert "<del>before</del> → <ins>after</ins>" in timeline
    assert "<del>浙江金盛建材集团</del> → <ins>上海华泰机电有限公司</ins>" in timeline
    assert "<del>草稿</del> → <ins>待审批</ins>" in timeline


def test_an_event_of_another_record_is_called_as_it_is_called_there(desk: Desk) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"lang=zh", "headers": [], "state": {}}
    visit = Visit(Site(desk.engine), Request(scope))
    assert event_label(visit, "supplier", "submit") == event_label(visit, "request", "submit")
    assert event_label(visit, "supplier", "submit") != "submit"
    assert event_label(visit, "supplier", "unheard_of") == "unheard_of"


def test_the_timeline_keeps_private_values_from_those_without_the_right(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(contact="13911112222")
    desk.who = "boss"
    assert "13911112222" not in visitor.get(f"/m/request/{record['id']}").text


def test_a_record_goes_to_the_trash_and_is_gone(desk: Desk, visitor: TestClient) -> None:
    record = desk.request()
    path = f"/m/request/{record['id']}"
    assert visitor.post(f"{path}/trash", data={"version": record["version"]}).status_code == 303
    assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/m/nothing", "/m/request/0192d3b0-7c1e-7000-8000-000000000000", "/m/request/nonsense"]
)
def test_what_is_not_there_has_a_page_of_its_own(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "找不到" in answer.text


def test_without_a_session_everything_leads_to_the_log_in_and_back(desk: Desk, visitor: TestClient) -> None:
    desk.who = None
    answer = visitor.get("/m/request?status=draft")
    assert answer.headers["location"] == "/login?next=%2Fm%2Frequest%3Fstatus%3Ddraft"
    page = visitor.get(answer.headers["location"]).text
    assert 'name="next" value="/m/request?status=draft"' in page
    assert visitor.post("/m/request/new").headers["location"] == "/login"
    assert visitor.post("/m/request/preview").headers["location"] == "/login"


@pytest.mark.parametrize("target", ["//bad.example", "/\\bad.example", "https://bad.example", "", "m/request", "/\tx"])
def test_a_log_in_never_leads_to_another_site(target: str) -> None:
    assert local_path(target) == "/"


def test_a_refused_log_in_says_so_and_keeps_the_name(desk: Desk) -> None:
    desk.who = None
    scope = {"type": "http", "method": "POST", "path": "/login", "query_string": b"", "headers": [], "state": {}}
    visit = Visit(Site(desk.engine), Request(scope))
    answer = login_page(visit, login="li", target="/m/request", refused=InvalidValues(code="LOGIN_FAILED"))
    page = bytes(answer.body).decode()
    assert answer.status_code == 422
    assert 'value="li"' in page
    assert "The user name or the password is wrong" in page


def test_a_mistake_of_ours_shows_a_number_and_nothing_else(desk: Desk) -> None:
    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": [], "state": {}}
    answer = crash_page(Visit(Site(desk.engine), Request(scope)), "E-17")
    assert answer.status_code == 500
    assert "E-17" in bytes(answer.body).decode()


def test_language_and_theme_move_from_the_address_into_a_cookie(desk: Desk, visitor: TestClient) -> None:
    answer = visitor.get("/m/request?status=draft&lang=en&theme=dark")
    assert answer.headers["location"] == "/m/request?status=draft"
    page = visitor.get(answer.headers["location"]).text
    assert '<html lang="en" data-theme="dark">' in page
    assert "Request" in page
    assert visitor.get("/m/request?lang=xx").headers.get("set-cookie") is None


def test_the_menu_shows_what_one_may_read(desk: Desk, visitor: TestClient) -> None:
    page = visitor.get("/").text
    assert re.findall(r'<li><a href="([^"]+)"', page) == [
        "/m/request",
        "/m/request?view=urgent",
        "/m/supplier",
        "/m/item",
    ]
    desk.who = "administrator"
    assert "/m/user" in visitor.get("/").text
    desk.who = "guest"
    assert "/m/supplier" not in visitor.get("/").text


def test_static_files_are_kept_for_good_under_the_digest_of_their_content(desk: Desk, visitor: TestClient) -> None:
    path = re.search(r'href="(/static/[^"]+/base\.css)"', visitor.get("/").text)
    assert path is not None
    assert visitor.get(path[1]).headers["cache-control"] == "public, max-age=31536000, immutable"
    stale = visitor.get("/static/000000000000/base.css")
    assert stale.headers["cache-control"] == "no-cache"
    assert visitor.get("/static/000000000000/../../pages/visit.py").status_code == 404
