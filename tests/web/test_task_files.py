"""Files that people show with what they say about a task: taken within limits, given to those who may read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_desk import Api, open_api
from tests.web.channel_files import definitions_copy
from tests.web.desk_app import open_desk
from tests.web.test_task_pages import LETTERS, Office

PDF = ("比价 表.pdf", b"%PDF-1.7 fine", "application/pdf")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Api]]:
    folder: Path = tmp_path_factory.mktemp("files")
    with open_desk(folder, app_dir=definitions_copy(folder, letters=LETTERS)) as desk, open_api(desk) as api:
        yield Office(desk), api


def test_a_file_goes_with_a_decision_and_comes_back_to_those_who_may_read(place: tuple[Office, Api]) -> None:
    office, api = place
    letter = office.letter()
    [task] = office.tasks(letter)
    office.desk.who = "boss"
    assert 'enctype="multipart/form-data"' in office.browser.get(f"/tasks/{task['id']}/approve").text
    path = f"/tasks/{task['id']}/approve?back=/m/letter/{letter}"
    answer = office.browser.post(path, data={"comment": "see there"}, files={"files": PDF})
    assert answer.status_code == 303
    page = unescape(office.page(letter, "administrator"))
    assert "比价 表.pdf" in page
    [key] = re.findall(r'href="/files/([^"]+)"', page)
    for got in (office.browser.get(f"/files/{key}"), api.get(f"/api/files/{key}", "boss")):
        assert (got.status_code, got.content, got.headers["content-type"]) == (200, PDF[1], PDF[2])
        assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E6%AF%94")
    assert got.headers["x-content-type-options"] == "nosniff"
    # The clerk may not read letters, and has no part in this one.
    office.desk.who = "clerk"
    assert office.browser.get(f"/files/{key}").status_code == 404
    assert api.get(f"/api/files/{key}", "clerk").status_code == 404
    assert api.get("/api/files/nonsense", "administrator").status_code == 404
    assert api.get(f"/api/files/{key}", None).status_code == 401


@pytest.mark.parametrize(
    ("name", "content", "media_type", "code"),
    [
        ("", b"x", "text/plain", "VALUE_REQUIRED"),
        ("a.txt", b"", "text/plain", "FILE_EMPTY"),
        ("a.html", b"<script>", "text/html", "FILE_TYPE"),
        ("a.bin", b"x", "", "FILE_TYPE"),
    ],
)
def test_what_is_not_taken(place: tuple[Office, Api], name: str, content: bytes, media_type: str, code: str) -> None:
    office, api = place
    [task] = office.tasks(office.letter())
    path, headers = f"/api/tasks/{task['id']}/files", {"Content-Type": media_type}
    answer = api.send("POST", path, "boss", params={"name": name}, content=content, headers=headers)
    assert answer.status_code == 422
    assert code in answer.text


def test_over_the_interface_with_a_comment_and_a_harmless_name(place: tuple[Office, Api]) -> None:
    office, api = place
    letter = office.letter()
    [task] = office.tasks(letter)
    path, headers = f"/api/tasks/{task['id']}/files", {"Content-Type": "text/plain"}
    sent: dict[str, Any] = {"params": {"name": "../x\\plan.txt", "comment": "the plan"}, "content": b"plan"}
    answer = api.send("POST", path, "administrator", headers=headers, **sent)
    assert (answer.status_code, answer.json()["outcome"]) == (200, None)
    page = office.page(letter, "administrator")
    assert "the plan" in page
    assert re.findall(r'class="file"[^>]*>([^<]+) <', page) == ["plan.txt"]
    assert api.send("POST", path, "guest", headers=headers, **sent).status_code == 404


def test_what_is_refused_leaves_nothing_and_is_told_in_the_form(place: tuple[Office, Api]) -> None:
    office, _ = place
    letter = office.letter()
    [task] = office.tasks(letter)
    office.desk.who = "boss"
    many = [("files", ("a.txt", b"x", "text/plain"))] * 6
    answer = office.browser.post(f"/tasks/{task['id']}/comment", data={"comment": "all"}, files=many)
    assert (answer.status_code, "At most 5 files at once" in answer.text) == (422, True)
    # A rejection without a reason: its file is not kept either.
    answer = office.browser.post(f"/tasks/{task['id']}/reject", data={"comment": ""}, files={"files": PDF})
    assert answer.status_code == 422
    assert "/files/" not in office.page(letter, "administrator")
