"""Lists: everything is in the address, nobody sees what is not theirs, and what leaves as a file is harmless."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.web.pages.lists import PER_PAGE
from tests.web.desk_app import Desk, open_desk

HX = {"HX-Request": "true"}


def numbers(page: str) -> list[str]:
    """The numbers of the requests in a list, from top to bottom."""
    return re.findall(r'<a href="/m/request/[\w-]+">(PR\d+)</a>', page)


def test_pages_follow_each_other_without_a_gap_and_lead_back(desk: Desk, visitor: TestClient) -> None:
    for _ in range(2 * PER_PAGE + 3):
        desk.request()
    seen: list[list[str]] = []
    path: str | None = "/m/request"
    while path:
        page = visitor.get(path).text
        seen.append(numbers(page))
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else None
    assert [len(part) for part in seen] == [PER_PAGE, PER_PAGE, 3]
    assert [number for part in seen for number in part] == sorted({n for part in seen for n in part}, reverse=True)
    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back is not None
    assert numbers(visitor.get(back[1].replace("&amp;", "&")).text) == seen[1]
    assert "第 101–103 条，共 103 条" in page


def test_views_are_tabs_and_the_first_shows_all(desk: Desk, visitor: TestClient) -> None:
    desk.request(urgent=False)
    urgent = desk.request(urgent=True)["number"]
    page = visitor.get("/m/request").text
    assert re.findall(r'<a href="(/m/request\?view=\w+)"[^>]*hx-get', page) == [
        "/m/request?view=all_requests",
        "/m/request?view=urgent",
    ]
    assert len(numbers(page)) == 2
    assert numbers(visitor.get("/m/request?view=urgent").text) == [urgent]
    assert visitor.get("/m/request?view=nonsense").status_code == 404


def test_filters_and_search_stand_in_the_address_and_combine(desk: Desk, visitor: TestClient) -> None:
    draft = desk.request(project="Bridge")["number"]
    sent = desk.fire(desk.request(project="Bridge", urgent=True), "submit")["number"]
    desk.fire(desk.request(project="Tunnel"), "submit")
    assert set(numbers(visitor.get("/m/request?status=draft&status=submitted&q=bridge").text)) == {draft, sent}
    assert numbers(visitor.get("/m/request?status=submitted&q=Bridge").text) == [sent]
    assert numbers(visitor.get("/m/request?urgent=true").text) == [sent]
    page = visitor.get("/m/request?status=draft").text
    assert re.search(r'name="status" value="draft" checked', page)
    assert 'href="/m/request">清除筛选' in page.replace(' hx-get="/m/request" hx-target="#list" hx-push-url="true"', "")


def test_a_list_of_what_links_to_a_record(desk: Desk, visitor: TestClient) -> None:
    ours, other = (desk.request(supplier=code) for code in ("S102", "S101"))
    key = desk.read(ours["id"])["supplier"]["id"]
    path = f"/m/request?supplier={key}"
    page = visitor.get(path).text
    assert numbers(page) == [ours["number"]]
    assert re.search(rf'name="supplier" value="{key}" checked><span>供应商：上海华泰机电有限公司<', page)
    assert f'href="/m/request/export.csv?supplier={key}"' in page
    exported = visitor.get(f"/m/request/export.csv?supplier={key}").text
    assert ours["number"] in exported
    assert other["number"] not in exported
    assert numbers(visitor.get(f"{path}&status=submitted").text) == []


def test_a_list_by_link_tells_no_name_that_is_not_for_the_reader(desk: Desk, visitor: TestClient) -> None:
    desk.request(supplier="S102")
    urgent = desk.request(supplier="S102", urgent=True)
    key = desk.read(urgent["id"])["supplier"]["id"]
    desk.who = "guest"
    page = visitor.get(f"/m/request?supplier={key}").text
    assert numbers(page) == [urgent["number"]]
    assert f"供应商：…{key[-8:]}" in page
    assert "上海华泰机电有限公司" not in page


@pytest.mark.parametrize(
    "query",
    [
        "supplier=S101",
        "supplier=x%22",
        "status=x%22%20or%20true",
        "urgent=maybe",
        "sort=contact.x",
        "sort=-nonsense",
        "q=%25_%27",
    ],
)
def test_what_makes_no_sense_in_an_address_changes_nothing_else(desk: Desk, visitor: TestClient, query: str) -> None:
    desk.request()
    answer = visitor.get(f"/m/request?{query}")
    assert answer.status_code == 200
    assert len(numbers(answer.text)) == (0 if query.startswith("q=") else 1)


def test_a_broken_cursor_is_a_plain_fault(visitor: TestClient) -> None:
    assert visitor.get("/m/request?after=broken").status_code == 400


def test_sorting_turns_round_and_says_so(desk: Desk, visitor: TestClient) -> None:
    cheap = desk.request(lines=[{"item": "P202", "quantity": "1"}])["number"]
    dear = desk.request(lines=[{"item": "P201", "quantity": "1"}])["number"]
    page = visitor.get("/m/request?sort=payable").text
    assert numbers(page) == [cheap, dear]
    assert re.search(r'aria-sort="ascending"><a href="/m/request\?sort=-payable"', page)
    assert numbers(visitor.get("/m/request?sort=-payable").text) == [dear, cheap]


def test_an_empty_list_says_what_to_do_next(desk: Desk, visitor: TestClient) -> None:
    assert "还没有采购申请" in visitor.get("/m/request").text
    assert "没有符合条件的采购申请" in visitor.get("/m/request?q=zzz").text


def test_htmx_gets_the_list_alone(desk: Desk, visitor: TestClient) -> None:
    desk.request()
    part = visitor.get("/m/request", headers=HX).text
    assert "<html" not in part
    assert len(numbers(part)) == 1


def test_everyone_sees_the_rows_of_their_scope_and_no_hidden_column(desk: Desk, visitor: TestClient) -> None:
    desk.request(urgent=False)
    urgent = desk.request(urgent=True, note="secret")
    desk.who = "guest"
    page = visitor.get("/m/request").text
    assert numbers(page) == [urgent["number"]]
    assert "浙江金盛" not in page  # the supplier is not theirs to read
    assert "新建" not in page
    assert "secret" not in visitor.get(f"/m/request/{urgent['id']}").text
    assert visitor.get("/m/supplier").status_code == 403
    assert visitor.get("/m/request/export.csv").status_code == 403


def test_an_export_holds_all_pages_and_no_formula(desk: Desk, visitor: TestClient) -> None:
    desk.put("supplier", code="S900", name='=HYPERLINK("http://bad")', phone="13800001234")
    desk.request(supplier="S900")
    for _ in range(PER_PAGE):
        desk.request(discount="-0" if False else "0.50")
    answer = visitor.get("/m/request/export.csv?sort=number")
    assert answer.headers["content-disposition"] == 'attachment; filename="request-all_requests.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == ["申请号", "供应商", "交货天数", "状态", "需用日期", "加急", "合计"]
    assert len(rows) == PER_PAGE + 2
    assert rows[1][1] == '\'=HYPERLINK("http://bad")'
    assert rows[1][6] == "5300.00"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("金盛", ["S101"]),
        ("s10", ["S101", "S102", "S103"]),
        ("jinsheng", ["S101"]),
        ("htjd", ["S102"]),
        ("acme", ["S103"]),
        ("zzz", []),
    ],
)
def test_a_look_up_finds_by_name_code_and_pinyin(visitor: TestClient, text: str, codes: list[str]) -> None:
    options = visitor.get("/m/supplier/lookup", params={"q": text}).json()["options"]
    assert sorted(option["note"] for option in options) == codes


def test_a_look_up_by_pinyin_knows_what_was_added_since(desk: Desk, visitor: TestClient) -> None:
    assert visitor.get("/m/supplier/lookup?q=ruifeng").json()["options"] == []
    desk.put("supplier", code="S200", name="瑞丰贸易", phone="13800001234")
    assert [o["note"] for o in visitor.get("/m/supplier/lookup?q=ruifeng").json()["options"]] == ["S200"]


def test_a_look_up_by_pinyin_is_of_this_application(tmp_path: Path) -> None:
    """Two applications of one process share what is defined, and nothing of what is stored."""
    for n in range(10):
        folder = tmp_path / str(n)
        folder.mkdir()
        with open_desk(folder) as desk:
            visitor = TestClient(desk.application)
            assert [o["note"] for o in visitor.get("/m/supplier/lookup?q=jinsheng").json()["options"]] == ["S101"]


def test_look_ups_and_the_palette_show_only_what_one_may_read(desk: Desk, visitor: TestClient) -> None:
    number = desk.request(urgent=False)["number"]
    assert [o["text"] for o in visitor.get("/search", params={"q": number}).json()["options"]] == [number]
    assert [o["value"] for o in visitor.get("/search", params={"q": "供应"}).json()["options"]] == ["/m/supplier"]
    desk.who = "guest"
    assert visitor.get("/search", params={"q": number}).json()["options"] == []
    assert visitor.get("/m/supplier/lookup?q=a").status_code == 403


def test_lists_offer_filters_for_their_columns_and_for_what_the_address_asks(desk: Desk, visitor: TestClient) -> None:
    desk.request(kind="project")
    page = visitor.get("/m/request").text
    assert 'name="urgent"' in page
    assert 'name="kind"' not in page
    asked = visitor.get("/m/request?kind=stock").text
    assert 'name="kind"' in asked
    assert numbers(asked) == []


def test_columns_through_a_link_show_what_the_reader_could_read_there(desk: Desk, visitor: TestClient) -> None:
    desk.put("supplier", code="S9", name="Slow", days=63, phone="13800001234")
    key = desk.request(supplier="S9", urgent=True)["id"]
    for who, seen in (("clerk", True), ("guest", False)):  # guests read requests and no suppliers
        desk.who = who
        page = visitor.get("/m/request?view=all_requests").text
        record = visitor.get(f"/m/request/{key}").text
        assert ("63" in re.findall(r"<td[^>]*>\s*(\d+)\s*</td>", page), "<dd>63</dd>" in re.sub(r"\s", "", record)) == (
            seen,
            seen,
        ), who
        assert ("Slow" in page, "Slow" in record) == (seen, seen)
