"""``POST /intake/{channel}``: who may send, what is answered, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_desk import Api, code, give_passwords, open_api
from tests.web.channel_files import PORTAL, SHEET, definitions_copy, signed, signed_body, wish
from tests.web.desk_app import open_desk

CSV = "No,On,Item,Quantity\nA1,2026-12-24,P201,2\nA1,2026-12-24,P200,1\nA2,soon,P201,1\n"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The desk with a portal that signs and a sheet that is sent with a token."""
    app_dir = definitions_copy(tmp_path, portal=PORTAL, sheet=SHEET)
    with open_desk(tmp_path, app_dir=app_dir) as desk, open_api(desk) as opened:
        yield opened


def token(api: Api, *scopes: str) -> dict[str, str]:
    user = api.desk.people["clerk"]
    made = api.desk.write(lambda tx: api.logins.new_token(tx, user, "sheet", scopes))
    return {"Authorization": f"Bearer {made.text}", "Content-Type": "text/csv"}


def send(api: Api, *wishes: Any, **changed: Any) -> Any:
    return api.client.post("/intake/portal", **{**signed(list(wishes)), **changed})


def results(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["result"] for item in answer.json()["items"]]


def test_each_record_is_answered_for_itself(api: Api) -> None:
    answer = send(api, wish("W1"), wish("W2", on="never"), wish("W3", things=[]))
    assert results(answer) == ["created", "refused", "refused"]
    assert answer.json()["counts"] == {"created": 1, "refused": 2}
    made, wrong, empty = answer.json()["items"]
    record = api.get(f"/api/request/{made['record']}").json()
    assert (record["project"], record["payable"], record["created_by"]) == ("W1", "5300.00", None)
    assert wrong["errors"][0]["code"] == "VALUE_FORMAT"
    assert empty["errors"][0]["code"] == "CHECK_FAILED"
    assert api.count() == 1


def test_the_same_again_newer_and_older(api: Api) -> None:
    assert results(send(api, wish("W1", changed=2))) == ["created"]
    assert results(send(api, wish("W1", changed=2))) == ["duplicate"]
    assert results(send(api, wish("W1", changed=1, on="2026-12-25"))) == ["stale"]
    assert results(send(api, wish("W1", changed=3, on="2026-12-25"))) == ["updated"]
    conflict = send(api, wish("W1", changed=3, on="2026-12-26"))
    assert results(conflict) == ["refused"]
    assert conflict.json()["items"][0]["errors"][0]["code"] == "VERSION_CONFLICT"
    assert api.count() == 1


def test_a_message_that_comes_again_with_its_key(api: Api) -> None:
    request = signed([wish("W1")])
    request["headers"]["Idempotency-Key"] = "message-1"
    first, second = (api.client.post("/intake/portal", **request) for _ in range(2))
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"


def test_reasons_come_in_the_language_that_is_asked_for(api: Api) -> None:
    request = signed([wish("W1", things=[])])
    request["headers"]["Accept-Language"] = "zh"
    assert api.client.post("/intake/portal", **request).json()["items"][0]["errors"][0]["message"] == "至少一行"


def test_who_has_not_signed_is_not_heard(api: Api) -> None:
    forged = signed([wish("W1")], "another secret")
    assert code(api.client.post("/intake/portal", **forged)) == (401, "BAD_SIGNATURE")
    unsigned = signed([wish("W1")])
    del unsigned["headers"]["X-Signature"]
    assert code(api.client.post("/intake/portal", **unsigned)) == (401, "BAD_SIGNATURE")
    altered = signed([wish("W1")])
    altered["content"] = altered["content"].replace(b"W1", b"W9")
    assert code(api.client.post("/intake/portal", **altered)) == (401, "BAD_SIGNATURE")
    unsigned["headers"]["Authorization"] = f"Bearer {api.tokens['administrator']}"
    assert code(api.client.post("/intake/portal", **unsigned)) == (401, "BAD_SIGNATURE"), "a token is no signature"
    assert api.count() == 0


def test_a_channel_without_a_proof_of_its_own_takes_tokens(api: Api) -> None:
    answer = api.client.post("/intake/sheet", content=CSV.encode(), headers=token(api, "intake"))
    assert results(answer) == ["created", "refused"]
    assert [item["rows"] for item in answer.json()["items"]] == [[2, 3], [4]]
    assert code(api.client.post("/intake/sheet", content=CSV.encode())) == (401, "NOT_LOGGED_IN")
    reader = api.client.post("/intake/sheet", content=CSV.encode(), headers=token(api, "read", "write"))
    assert code(reader) == (403, "SCOPE_MISSING")
    person = api.send("POST", "/intake/sheet", content=CSV.encode())
    assert code(person) == (403, "SCOPE_MISSING"), "a clerk's own token is not made for it"


def test_a_session_sends_nothing(api: Api) -> None:
    give_passwords(api)
    api.log_in("administrator")
    assert code(api.client.post("/intake/sheet", content=CSV.encode())) == (401, "NOT_LOGGED_IN")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "NOT_JSON"),
        (b"not json", "NOT_JSON"),
        (b'{"wishes": [NaN]}', "NOT_JSON"),
        (b'{"wishes": [{"no": "\\ud800"}]}', "NOT_JSON"),
        (b'{"wishes": [], "wishes": []}', "NAME_TWICE"),
        (b"[" * 100_000, "TOO_DEEP"),
    ],
)
def test_what_is_not_json(api: Api, body: bytes, expected: str) -> None:
    assert code(api.client.post("/intake/portal", **signed_body(body))) == (400, expected)


def test_other_encodings_as_far_as_the_channel_says(api: Api) -> None:
    text = "No,On,Item,Quantity\n项目,2026-12-24,P201,2\n"
    headers = token(api, "intake")
    answer = api.client.post("/intake/sheet", content=text.encode("gbk"), headers=headers)
    assert results(answer) == ["created"]
    assert api.get("/api/request?project=项目").json()["items"]
    wrong = api.client.post("/intake/sheet", content=text.encode("utf-16"), headers=headers)
    assert code(wrong)[0] == 400


def test_missing_columns_are_named(api: Api) -> None:
    answer = api.client.post("/intake/sheet", content=b"No,Item\nA1,P201\n", headers=token(api, "intake"))
    assert code(answer) == (400, "MISSING_COLUMNS")
    assert "Quantity" in answer.json()["detail"]


def test_a_channel_that_is_not_there(api: Api) -> None:
    assert code(api.client.post("/intake/nothing", content=b"{}")) == (404, "NOT_FOUND")


def test_a_message_that_is_too_large(api: Api) -> None:
    answer = api.client.post("/intake/sheet", content=b"x" * (8 * 1024 * 1024 + 1), headers=token(api, "intake"))
    assert code(answer) == (413, "TOO_LARGE")
