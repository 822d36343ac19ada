"""Forms without JavaScript: what is drawn, what is saved, and that nothing typed is ever lost."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

from starlette.testclient import TestClient

from engine.runtime.service import SYSTEM
from tests.web.desk_app import Desk

GOOD = {
    "supplier~text": "S101",
    "kind": "stock",
    "wanted": "2026-12-24",
    "discount": "1.00",
    "lines~grid": "1",
    "lines": ["a"],
    "lines.a.id": "",
    "lines.a.item~text": "P201",
    "lines.a.quantity": "2",
    "lines.a.price": "",
    "lines.a.off": "10",
}


def requests(desk: Desk) -> int:
    """How many there are."""
    return len(desk.engine.database.read(lambda tx: desk.engine.reading.page(tx, SYSTEM, "request")).records)


class Inputs(HTMLParser):
    """Collects what a browser would send of a page's form, were nothing touched."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._template = 0
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        self._template += tag == "template"
        if self._template:
            return
        if tag == "option" and self._select is not None:
            # The first option counts until one is marked.
            if "selected" in given or not self.sent.get(self._select):
                self.sent[self._select] = [given.get("value") or ""]
        elif tag == "textarea":
            self._area = name
            self.sent[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.sent.setdefault(name, []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self._template -= tag == "template"
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and not self._template:
            self.sent[self._area] = [self.sent[self._area][0] + data]


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the form on the page, were nothing touched."""
    inputs = Inputs()
    inputs.feed(page)
    return dict(inputs.sent)


def test_an_empty_form_proposes_defaults_and_has_a_line(visitor: TestClient) -> None:
    page = visitor.get("/m/request/new").text
    sent = fields_of(page)
    assert sent["kind"] == ["stock"]
    assert sent["discount"] == ["0.00"]
    assert sent["lines"] == ["n1"]
    assert "保存并提交" in page


def test_what_is_sent_is_saved_and_worked_out_by_the_server(desk: Desk, visitor: TestClient) -> None:
    answer = visitor.post("/m/request/new", data=GOOD)
    assert answer.status_code == 303
    key = answer.headers["location"].split("/")[3].split("?")[0]
    record = desk.read(key)
    assert record["supplier"]["code"] == "S101"
    assert [(str(line["price"]), str(line["amount"])) for line in record["lines"]] == [("2650.0000", "4770.00")]
    assert str(record["payable"]) == "4769.00"
    assert record["status"] == "draft"


def test_the_main_button_saves_and_fires_the_forms_event(desk: Desk, visitor: TestClient) -> None:
    answer = visitor.post("/m/request/new", data={**GOOD, "then": "submit"})
    key = answer.headers["location"].split("/")[3].split("?")[0]
    assert desk.read(key)["status"] == "submitted"


def test_a_refused_event_saves_nothing_and_keeps_what_was_typed(desk: Desk, visitor: TestClient) -> None:
    free = {**GOOD, "discount": "0", "lines.a.off": "100", "note": "门口<b>等</b>", "then": "submit"}
    answer = visitor.post("/m/request/new", data=free)
    assert answer.status_code == 409
    assert "合计必须大于零" in answer.text
    assert fields_of(answer.text)["note"] == ["门口<b>等</b>"]
    assert "<b>等</b>" not in answer.text
    assert (
        desk.engine.database.read(lambda tx: desk.engine.reading.page(tx, desk.actor("boss"), "request")).records == []
    )


def test_every_fault_is_named_at_its_input_and_nothing_typed_is_lost(visitor: TestClient) -> None:
    wrong = {
        **GOOD,
        "supplier~text": "nobody",
        "wanted": "",
        "discount": "12,00x",
        "contact": "no phone",
        "lines": ["a", "b"],
        "lines.a.quantity": "-1",
        "lines.b.id": "",
        "lines.b.item~text": "",
        "lines.b.quantity": "3",
        "lines.b.price": "1",
        "lines.b.off": "0",
    }
    answer = visitor.post("/m/request/new", data=wrong)
    assert answer.status_code == 422
    page = answer.text
    faults = dict(re.findall(r'id="([\w-]+)-fault">([^<]*)<', page))
    assert faults == {
        "f-supplier": "找不到「nobody」，请从列表中选择",
        "f-wanted": "必填",
        "f-discount": "请输入数字",
        "f-contact": "不是电话号码",
        "f-lines-a-quantity": "必须大于 0",
        "f-lines-b-item": "必填",
    }
    for name in faults:
        assert f'href="#{name}"' in page
    assert "有 6 处需要修改" in page
    assert "数量（第 1 行）" in page
    sent = fields_of(page)
    assert sent["supplier~text"] == ["nobody"]
    assert sent["discount"] == ["12,00x"]
    assert sent["lines"] == ["a", "b"]
    assert sent["lines.a.quantity"] == ["-1"]


def test_lines_that_nobody_filled_in_are_left_out(desk: Desk, visitor: TestClient) -> None:
    blank = {"lines.z.id": "", "lines.z.item~text": "", "lines.z.quantity": " "}
    answer = visitor.post("/m/request/new", data={**GOOD, **blank, "lines": ["z", "a"]})
    key = answer.headers["location"].split("/")[3].split("?")[0]
    assert [line["item"]["code"] for line in desk.read(key)["lines"]] == ["P201"]


def test_a_text_typed_over_a_choice_counts_not_the_old_choice(desk: Desk, visitor: TestClient) -> None:
    record = desk.request()
    sent = fields_of(visitor.get(f"/m/request/{record['id']}/edit").text)
    assert sent["supplier~text"] == sent["supplier~was"] == ["浙江金盛建材集团"]
    answer = visitor.post(f"/m/request/{record['id']}/edit", data={**sent, "supplier~text": "上海华泰机电有限公司"})
    assert answer.status_code == 303
    assert desk.read(record["id"])["supplier"]["code"] == "S102"


def test_saving_an_untouched_form_changes_nothing(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(
        contact="13911112222", tags=["heavy"], urgent=True, note="a\nb", meeting="2026-12-01T10:00:00+08:00"
    )
    sent = fields_of(visitor.get(f"/m/request/{record['id']}/edit").text)
    answer = visitor.post(f"/m/request/{record['id']}/edit", data={**sent, "note": "a\r\nb"})
    assert answer.status_code == 303
    assert desk.read(record["id"])["version"] == record["version"]


def test_rows_are_changed_added_and_removed(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(lines=[{"item": "P200", "quantity": "1"}, {"item": "P201", "quantity": "1"}])
    first, second = (line["id"] for line in record["lines"])
    sent = fields_of(visitor.get(f"/m/request/{record['id']}/edit").text)
    changed = {
        **sent,
        "lines": ["2", "new"],
        "lines.2.quantity": "5",
        "lines.new.id": "",
        "lines.new.item~text": "P202",
        "lines.new.quantity": "2",
    }
    assert visitor.post(f"/m/request/{record['id']}/edit", data=changed).status_code == 303
    lines = desk.read(record["id"])["lines"]
    assert [(line["item"]["code"], int(line["quantity"])) for line in lines] == [("P201", 5), ("P202", 2)]
    assert lines[0]["id"] == second
    assert first not in {line["id"] for line in lines}


def test_all_rows_may_be_removed_and_then_the_check_speaks(desk: Desk, visitor: TestClient) -> None:
    record = desk.request()
    sent = fields_of(visitor.get(f"/m/request/{record['id']}/edit").text)
    answer = visitor.post(f"/m/request/{record['id']}/edit", data={**sent, "lines": []})
    assert answer.status_code == 422
    assert "至少一行" in answer.text


def test_a_conflict_shows_what_changed_and_keeps_both_sides(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(note="old")
    path = f"/m/request/{record['id']}/edit"
    sent = fields_of(visitor.get(path).text)
    desk.write(
        lambda tx: desk.engine.service.update(
            tx, desk.actor("administrator"), "request", record["id"], {"note": "theirs", "wanted": "2026-12-31"}
        )
    )
    refused = visitor.post(path, data={**sent, "note": "mine"})
    assert refused.status_code == 412
    page = refused.text
    assert "在你编辑期间，这条记录被改过" in page
    assert "管理员" in page
    assert re.search(r"备注</th><td>theirs</td><td>mine</td>", page)
    again = fields_of(page)
    assert again["note"] == ["mine"]
    assert again["wanted"] == ["2026-12-31"]
    assert visitor.post(path, data=again).status_code == 303
    saved = desk.read(record["id"])
    assert (saved["note"], saved["wanted"].isoformat()) == ("mine", "2026-12-31")


def test_a_masked_value_survives_the_form_of_someone_who_may_not_see_it(desk: Desk, visitor: TestClient) -> None:
    # The administrator of another desk would need `private`; a boss may read only: so the supplier serves.
    desk.who = "administrator"
    key = desk.put("supplier", code="S900", name="Hidden", phone="13800001234")["id"]
    sent = fields_of(visitor.get(f"/m/supplier/{key}/edit").text)
    assert sent["phone"] == ["13800001234"]
    desk.who = "clerk"
    page = visitor.get(f"/m/supplier/{key}").text
    assert "13800001234" not in page
    assert "138****1234" in page


def test_nobody_edits_without_the_right(desk: Desk, visitor: TestClient) -> None:
    record = desk.fire(desk.request(), "submit")
    assert visitor.get(f"/m/request/{record['id']}/edit").status_code == 403
    desk.who = "boss"
    assert visitor.get("/m/request/new").status_code == 403
    assert visitor.post("/m/request/new", data=GOOD).status_code == 403


def test_the_preview_answers_with_worked_out_values_and_proposals(visitor: TestClient) -> None:
    answer = visitor.post("/m/request/preview", data={**GOOD, "lines.a.off": ""}).json()
    assert answer["outputs"]["lines.a.amount"] == {"value": "5300.00", "text": "5,300.00"}
    assert answer["outputs"]["payable"] == {"value": "5299.00", "text": "5,299.00"}
    assert answer["outputs"]["supplier_days"]["text"] == "7"
    assert answer["defaults"]["lines.a.price"] == {"text": "2650", "id": ""}
    assert answer["hidden"] == ["project"]


def test_the_plan_says_what_the_browser_can_do_alone_and_when_to_ask(visitor: TestClient) -> None:
    page = visitor.get("/m/request/new").text
    plan = json.loads(re.search(r'id="plan">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert [one["run"] for one in plan["computed"]] == ["lines.amount", "goods", "payable"]
    assert {"supplier", "kind", "lines.item"} <= set(plan["remote"])
    assert "lines.quantity" not in plan["remote"]
    module = visitor.get(plan["module"])
    assert module.headers["content-type"].startswith("text/javascript")
    assert '"lines.amount"' in module.text


def test_a_form_of_many_lines_arrives_whole(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(lines=[{"item": "P200", "quantity": "1"} for _ in range(400)])
    sent = fields_of(visitor.get(f"/m/request/{record['id']}/edit").text)
    answer = visitor.post(f"/m/request/{record['id']}/edit", data={**sent, "lines.400.quantity": "7"})
    assert answer.status_code == 303
    assert int(desk.read(record["id"])["lines"][399]["quantity"]) == 7


def test_a_moment_keeps_its_seconds_unless_somebody_changes_it(desk: Desk, visitor: TestClient) -> None:
    record = desk.request(meeting="2026-12-01T10:00:30.250000+08:00")
    path = f"/m/request/{record['id']}/edit"
    sent = fields_of(visitor.get(path).text)
    assert sent["meeting"] == ["2026-12-01T10:00"]
    assert visitor.post(path, data={**sent, "note": "x"}).status_code == 303
    assert desk.read(record["id"])["meeting"] == record["meeting"]
    later = fields_of(visitor.get(path).text)
    assert visitor.post(path, data={**later, "meeting": "2026-12-01T11:00"}).status_code == 303
    assert desk.read(record["id"])["meeting"].isoformat() == "2026-12-01T03:00:00+00:00"


def test_the_logs_of_the_engine_have_no_form(desk: Desk, visitor: TestClient) -> None:
    desk.who = "administrator"
    assert visitor.get("/m/history/new").status_code == 403
    assert visitor.post("/m/event/new", data={"name": "x"}).status_code == 403


def test_a_form_that_is_sent_twice_makes_one_record(desk: Desk, visitor: TestClient) -> None:
    page = visitor.get("/m/request/new").text
    found = re.search(r'name="once" value="(\w+)"', page)
    assert found is not None
    assert found[1] not in visitor.get("/m/request/new").text, "the next form is another one"
    data = {**GOOD, "once": found[1]}
    first, again = visitor.post("/m/request/new", data=data), visitor.post("/m/request/new", data=data)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"]
    assert requests(desk) == 1
    desk.who = "administrator"  # the key is the clerk's own
    assert visitor.post("/m/request/new", data=data).headers["location"] != first.headers["location"]
    desk.who = "clerk"
    other = visitor.post("/m/request/new", data={**data, "wanted": "2027-01-05"})
    assert other.headers["location"] != first.headers["location"], "with other values it is meant"
    assert requests(desk) == 3


def test_a_form_that_was_refused_may_be_sent_again(desk: Desk, visitor: TestClient) -> None:
    data = {**GOOD, "once": "one"}
    assert visitor.post("/m/request/new", data={**data, "wanted": ""}).status_code == 422
    assert visitor.post("/m/request/new", data=data).status_code == 303
    assert requests(desk) == 1
