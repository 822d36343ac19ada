"""Lists over HTTP: filters, sequences, pages, counts, groups; and what is no filter."""

from __future__ import annotations

import re

import pytest

from tests.web.api_desk import Api, code


@pytest.fixture
def many(api: Api) -> Api:
    """Seven requests: the even ones urgent, every third of another supplier, with growing totals."""
    for number in range(7):
        api.made(
            urgent=number % 2 == 0,
            supplier="S102" if number % 3 == 0 else "S101",
            project=f"项目 {number}",
            lines=[{"item": "P201", "quantity": str(number + 1)}],
        )
    return api


def test_pages_follow_each_other_without_gap_or_repeat(many: Api) -> None:
    seen: list[str] = []
    path = "/api/request?sort=urgent,-payable&limit=3"
    while path:
        answer = many.get(path)
        seen += [item["project"] for item in answer.json()["items"]]
        link = re.fullmatch(r'<(.*)>; rel="next"', answer.headers.get("link", ""))
        assert (link is not None) == (answer.json()["next"] is not None)
        path = link[1] if link else ""
    assert seen == [f"项目 {number}" for number in (5, 3, 1, 6, 4, 2, 0)]


def test_filters_by_expression_and_by_equality(many: Api) -> None:
    def projects(query: str) -> list[str]:
        return sorted(item["project"][-1] for item in many.get(f"/api/request?{query}").json()["items"])

    assert projects("urgent=true") == ["0", "2", "4", "6"]
    assert projects("supplier=S102") == ["0", "3", "6"]
    assert projects("supplier=S102&urgent=true") == ["0", "6"]
    assert projects("where=payable > 2650 * 5 and not urgent") == ["5"]
    assert projects('where=supplier.code == "S102"&status=draft') == ["0", "3", "6"]
    assert projects("project=项目 4") == ["4"]
    assert projects("project=") == []
    assert projects("payable=2650") == ["0"]


def test_a_field_with_several_values_is_found_by_some_of_them(api: Api) -> None:
    for tags in (["heavy"], ["heavy", "fragile"], None):
        api.made(tags=tags)
    assert [len(api.get(f"/api/request?tags={text}").json()["items"]) for text in ("heavy", "fragile", "")] == [2, 1, 1]


def test_a_count_when_asked_for(many: Api) -> None:
    assert "count" not in many.get("/api/request").json()
    answer = many.get("/api/request?count=exact&limit=1&urgent=true").json()
    assert (answer["count"], answer["exact"], len(answer["items"])) == (4, True, 1)


def test_only_the_fields_asked_for(many: Api) -> None:
    items = many.get("/api/request?fields=project,payable&limit=1").json()["items"]
    assert sorted(items[0]) == ["id", "payable", "project", "version"]
    with_lines = many.get("/api/request?expand=lines,supplier&fields=lines,supplier&limit=1").json()["items"][0]
    assert with_lines["supplier"]["code"] == "S102"
    assert with_lines["lines"][0]["amount"] == "18550.00"


def test_groups_and_measures(many: Api) -> None:
    items = many.get("/api/request?group=supplier.code,urgent&measure=sum(payable),count(id)").json()["items"]
    assert items[0] == {"supplier.code": "S101", "urgent": False, "sum(payable)": "21200", "count(id)": 2}
    assert len(items) == 4
    whole = many.get("/api/request?measure=count(id),max(payable)&urgent=true").json()["items"]
    assert whole == [{"count(id)": 4, "max(payable)": "18550.00"}]
    top = many.get("/api/request?group=supplier.code&measure=sum(payable)&sort=-sum(payable)&limit=1").json()["items"]
    assert [item["supplier.code"] for item in top] == ["S101"]
    by_link = many.get("/api/request?group=supplier&measure=count(id)").json()["items"]
    assert all(isinstance(item["supplier"], str) for item in by_link), "no more of a linked record than its id"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("wehre=urgent", "UNKNOWN_PARAMETER"),
        ("where=nothing > 1", "BAD_EXPRESSION"),
        ("where=payable %2B", "BAD_EXPRESSION"),
        ("where=payable", "BAD_EXPRESSION"),
        ("where=__import__('os')", "BAD_EXPRESSION"),
        ("where=" + "(" * 300, "BAD_EXPRESSION"),
        ("where=project == '%00'", "BAD_PARAMETER"),
        ("sort=nothing", "BAD_SORT"),
        ("sort=lines", "BAD_SORT"),
        ("limit=0", "BAD_LIMIT"),
        ("limit=501", "BAD_LIMIT"),
        ("limit=-1", "BAD_LIMIT"),
        ("limit=ten", "BAD_LIMIT"),
        ("limit=" + "9" * 400, "BAD_LIMIT"),
        ("after=garbage", "BAD_CURSOR"),
        ("expand=nothing", "BAD_EXPAND"),
        ("fields=nothing", "BAD_FIELDS"),
        ("count=all", "BAD_COUNT"),
        ("group=nothing", "BAD_EXPRESSION"),
        ("measure=payable", "BAD_MEASURE"),
        ("group=kind&after=x", "BAD_PARAMETER"),
        ("urgent=perhaps", "VALUE_FORMAT"),
        ("kind=nothing", "VALUE_CHOICE"),
        ("urgent=true&urgent=false", "PARAMETER_TWICE"),
    ],
)
def test_what_makes_no_list_is_refused(api: Api, query: str, expected: str) -> None:
    assert code(api.get(f"/api/request?{query}")) == (400, expected)


def test_an_expression_is_pointed_into(api: Api) -> None:
    [error] = api.get("/api/request?where=urgent and nothing").json()["errors"]
    assert (error["at"], error["code"]) == ("where[11:18]", "E203")


def test_an_unknown_parameter_comes_with_a_guess(api: Api) -> None:
    assert "'where'" in api.get("/api/request?wehre=urgent").json()["detail"]
    assert "'urgent'" in api.get("/api/request?urgnt=true").json()["detail"]


def test_a_cursor_belongs_to_its_list(many: Api) -> None:
    cursor = many.get("/api/request?sort=payable&limit=2").json()["next"]
    assert code(many.get(f"/api/request?sort=-wanted&after={cursor}")) == (400, "BAD_CURSOR")


@pytest.mark.parametrize(
    "query",
    [
        'where=contact == "13912345678"',
        "contact=13912345678",
        "sort=contact",
        "group=contact",
        "where=supplier.phone != null",
        "sort=supplier.phone",
    ],
)
def test_masked_values_cannot_be_found_out_by_filters(api: Api, query: str) -> None:
    assert code(api.get(f"/api/request?{query}", "boss")) == (400, "PRIVATE_FIELD")


def test_a_list_holds_what_its_reader_may_see(many: Api) -> None:
    seen = many.get("/api/request?count=exact", "guest").json()
    assert seen["count"] == 4
    assert all(item["urgent"] and "note" not in item for item in seen["items"])
    assert many.get("/api/request?measure=count(id)", "guest").json()["items"] == [{"count(id)": 4}]
    assert code(many.get("/api/request?sort=note", "guest")) == (400, "PRIVATE_FIELD")
