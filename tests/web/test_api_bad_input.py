"""Bodies that are no bodies: each is refused with a clear answer, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadRequest
from engine.web.body import DEEPEST, parse_json
from engine.web.settings import WebSettings
from tests.web.api_desk import REQUEST, SAME_SITE, Api, code, give_passwords, open_api, places
from tests.web.desk_app import Desk


def send(api: Api, body: bytes | Iterator[bytes], media_type: str | None = "application/json") -> Any:
    headers = {"Content-Type": media_type} if media_type else {}
    return api.send("POST", "/api/request", content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "NOT_JSON"),
        (b"   ", "NOT_JSON"),
        (b"not json", "NOT_JSON"),
        (b'{"supplier": "S101"', "NOT_JSON"),
        (b'{"supplier": "S101",}', "NOT_JSON"),
        (b"{'supplier': 'S101'}", "NOT_JSON"),
        (b'{"discount": NaN}', "NOT_JSON"),
        (b'{"discount": Infinity}', "NOT_JSON"),
        (b'{"discount": -Infinity}', "NOT_JSON"),
        (b'{"discount": 1e999999999}', "NOT_JSON"),
        (b'{"discount": 1e99999999999999999999}', "NOT_JSON"),
        (b'{"discount": ' + b"9" * 5_000 + b"}", "NOT_JSON"),
        (b'{"note": "\\ud800"}', "NOT_JSON"),
        (b'{"note": "\xed\xa0\x80"}', "NOT_JSON"),
        (b'{"note": "\xff\xfe"}', "NOT_JSON"),
        ('{"note": "备注"}'.encode("gbk"), "NOT_JSON"),
        (b'\xef\xbb\xbf{"note": "x"}', "NOT_JSON"),
        (b'{"note": "a", "note": "b"}', "NAME_TWICE"),
        (b'{"note": "a", "note": "b", "kind" : "stock"}', "NAME_TWICE"),
        (b'{"lines": [{"item": "P201", "item": "P200"}]}', "NAME_TWICE"),
        (b'{"note": ' + b"[" * 70 + b"]" * 70 + b"}", "TOO_DEEP"),
        (b"[" * 200_000, "TOO_DEEP"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "TOO_DEEP"),
    ],
)
def test_what_is_not_json_as_everybody_reads_it(api: Api, body: bytes, expected: str) -> None:
    assert code(send(api, body)) == (400, expected)
    assert api.count() == 0


def test_half_of_a_pair_is_called_what_it_is(api: Api) -> None:
    assert "surrogate" in send(api, b'{"note": "\\ud83d"}').json()["detail"]


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_what_is_json_and_no_object(api: Api, body: bytes) -> None:
    assert code(send(api, body)) == (422, "VALUE_TYPE")


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_is_not_announced_as_json(api: Api, media_type: str | None) -> None:
    assert code(send(api, json.dumps(REQUEST).encode(), media_type)) == (400, "BAD_MEDIA_TYPE")
    assert send(api, json.dumps(REQUEST).encode(), "application/json; charset=utf-8").status_code == 201


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"suplier": "S101"}, {"suplier": "UNKNOWN_FIELD"}),
        ({"lines": [{"item": "P201", "quantity": "1", "colour": "red"}]}, {"lines[0].colour": "UNKNOWN_FIELD"}),
        ({"id": "x", "version": 7, "created_at": "2020-01-01T00:00:00Z"}, None),
        ({"payable": "1"}, {"payable": "READ_ONLY"}),
        ({"number": "PR1"}, {"number": "READ_ONLY"}),
        ({"status": "approved"}, {"status": "READ_ONLY"}),
        ({"supplier": 5}, {"supplier": "VALUE_TYPE"}),
        ({"supplier": {"code": "S101"}}, {"supplier": "VALUE_TYPE"}),
        ({"supplier": "01a20169-2e00-7000-8000-000000000000"}, {"supplier": "LINK_UNKNOWN"}),
        ({"wanted": "24.12.2026"}, {"wanted": "VALUE_FORMAT"}),
        ({"wanted": "2026-02-30"}, {"wanted": "VALUE_FORMAT"}),
        ({"meeting": "2026-12-24T25:00"}, {"meeting": "VALUE_FORMAT"}),
        ({"urgent": "yes"}, {"urgent": "VALUE_TYPE"}),
        ({"kind": "nothing"}, {"kind": "VALUE_CHOICE"}),
        ({"tags": ["heavy", "heavy"]}, {"tags": "VALUE_DUPLICATE"}),
        ({"discount": "-1"}, {"discount": "VALUE_RANGE"}),
        ({"discount": "1.234"}, {"discount": "VALUE_DIGITS"}),
        ({"discount": 1e30}, None),
        ({"discount": "NaN"}, None),
        ({"discount": True}, {"discount": "VALUE_TYPE"}),
        ({"note": "x" * 501}, {"note": "VALUE_LENGTH"}),
        ({"note": "a\x00b"}, {"note": "VALUE_CHARACTERS"}),
        ({"lines": []}, {"lines": "CHECK_FAILED"}),
        ({"lines": {}}, None),
        ({"lines": ["x"]}, {"lines[0]": "VALUE_TYPE"}),
        ({"lines": [{"item": "P201", "quantity": "0"}]}, {"lines[0].quantity": "VALUE_RANGE"}),
        ({"lines": [{"item": "P999", "quantity": "1"}]}, {"lines[0].item": "LINK_UNKNOWN"}),
        (
            {"lines": [{"line": 1, "item": "P201", "quantity": "1"}, {"line": 1, "item": "P200", "quantity": "1"}]},
            {"lines[1].line": "DUPLICATE_KEY"},
        ),
    ],
)
def test_wrong_values_are_located(api: Api, values: dict[str, Any], expected: dict[str, str] | None) -> None:
    answer = api.post("/api/request", {**REQUEST, **values})
    assert code(answer) == (422, "INVALID_VALUES")
    if expected is not None:
        assert expected.items() <= places(answer).items()
    assert api.count() == 0


def test_all_that_is_wrong_is_told_at_once(api: Api) -> None:
    answer = api.post("/api/request", {"wanted": "x", "kind": "y", "nonsense": 1, "lines": [{"quantity": "z"}]})
    assert {"wanted", "kind", "nonsense", "lines[0].quantity", "supplier"} <= set(places(answer))


def test_rows_of_another_record_are_not_taken(api: Api) -> None:
    one, other = api.made(), api.made()
    answer = api.patch(f"/api/request/{one['id']}", {"lines": [{"id": other["lines"][0]["id"], "quantity": "9"}]})
    assert code(answer) == (422, "INVALID_VALUES")
    assert places(answer)["lines[0].id"] == "UNKNOWN_ROW"
    assert api.get(f"/api/request/{other['id']}").json()["lines"] == other["lines"]


def test_a_guess_for_a_misspelt_field(api: Api) -> None:
    [error] = api.post("/api/request", {**REQUEST, "wantd": "2026-12-24"}).json()["errors"]
    assert "'wanted'" in error["message"]


@pytest.fixture
def narrow(desk: Desk) -> Iterator[Api]:
    """The same with small bodies."""
    with open_api(desk, WebSettings(cached=0.0, largest_body=1_000)) as opened:
        yield opened


def test_a_body_that_is_too_large(narrow: Api) -> None:
    body = json.dumps({**REQUEST, "note": "x" * 2_000}).encode()
    assert code(send(narrow, body)) == (413, "TOO_LARGE")


def test_a_body_that_does_not_say_how_large_it_is(narrow: Api) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"note": "'
        for _ in range(100):
            yield b"x" * 100

    assert code(send(narrow, endless())) == (413, "TOO_LARGE")


def test_a_body_that_lies_about_its_size(narrow: Api) -> None:
    answer = narrow.send(
        "POST",
        "/api/request",
        content=b"x" * 3_000,
        headers={"Content-Type": "application/json", "Content-Length": "10"},
    )
    assert code(answer) == (413, "TOO_LARGE")


def test_a_form_that_is_too_large(desk: Desk) -> None:
    with open_api(desk, WebSettings(cached=0.0, largest_file=1_000)) as api:
        give_passwords(api)
        api.log_in()
        form = {"note": "x" * 2_000}
        assert api.client.post("/m/request/new", data=form, headers=SAME_SITE).status_code == 413


def test_labels_come_in_the_language_that_is_asked_for(api: Api) -> None:
    for language, text in (("zh-CN,zh;q=0.9", "至少一行"), ("en", "At least one line"), ("fr", "At least one line")):
        answer = api.post("/api/request", {**REQUEST, "lines": []}, headers={"Accept-Language": language})
        assert answer.json()["errors"][0]["message"] == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(value=values, indent=st.sampled_from([None, 0, 2]), separators=st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_what_is_json_is_read_as_it_is(value: Any, indent: int | None, separators: tuple[str, str]) -> None:
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    assert parse_json(text.encode()) == value


@given(value=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), values, min_size=1))
def test_a_name_that_stands_twice_is_never_overlooked(value: dict[str, Any]) -> None:
    name = next(iter(value))
    text = json.dumps(value, ensure_ascii=False)
    twice = f"{text[:-1]}, {json.dumps(name, ensure_ascii=False)} : 1}}"
    with pytest.raises(BadRequest) as caught:
        parse_json(twice.encode())
    assert caught.value.code == "NAME_TWICE"


@given(depth=st.integers(1, 200))
def test_depth_is_limited_exactly(depth: int) -> None:
    text = b"[" * depth + b"]" * depth
    if depth <= DEEPEST:
        parse_json(text)
    else:
        with pytest.raises(BadRequest):
            parse_json(text)
