"""Logging in and out, sessions, and how often somebody may try."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from engine.web.login import BY_ACCOUNT, BY_ADDRESS
from tests.web.api_desk import PASSWORD, SAME_SITE, Api, code, give_passwords


@pytest.fixture
def door(api: Api) -> Api:
    give_passwords(api)
    return api


def session(api: Api) -> str | None:
    """The secret that the browser holds."""
    return api.client.cookies.get("session")


def test_the_form_opens_a_session_and_leads_on(door: Api) -> None:
    assert code(door.get("/api/request", None)) == (401, "NOT_LOGGED_IN")
    answer = door.client.post(
        "/login",
        data={"login": "clerk", "password": PASSWORD, "next": "/m/request"},
        headers=SAME_SITE,
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/m/request")
    assert door.get("/api/request", None).status_code == 200
    assert door.client.get("/m/request").status_code == 200


def test_the_cookie_is_kept_from_scripts_and_other_sites(door: Api) -> None:
    cookie = door.log_in().headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_only_a_hash_of_the_secret_is_stored(door: Api) -> None:
    door.log_in()
    secret = session(door)
    assert secret is not None
    dump = "\n".join(
        str(row)
        for table in ("_session", "_password", "_token")
        for row in door.desk.engine.database.read(lambda tx, t=table: tx.core(text(f"SELECT * FROM {t}")))  # type: ignore[misc]
    )
    assert secret not in dump
    assert PASSWORD not in dump
    assert not any(token in dump for token in door.tokens.values())


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\t/evil"]
)
def test_a_log_in_never_leads_to_another_site(door: Api, target: str) -> None:
    answer = door.client.post(
        "/login",
        data={"login": "clerk", "password": PASSWORD, "next": target},
        headers=SAME_SITE,
        follow_redirects=False,
    )
    assert answer.headers["location"] == "/"


def test_the_page_comes_again_with_what_is_wrong(door: Api) -> None:
    answer = door.log_in(password="wrong", **{"Accept-Language": "zh"})
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert 'value="clerk"' in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("login", "password"), [("nobody", PASSWORD), ("clerk", ""), ("clerk", "x" * 5_000)])
def test_nobody_learns_what_was_wrong(door: Api, login: str, password: str) -> None:
    def told(login: str, password: str) -> tuple[int, str]:
        answer = door.log_in(login, password)
        return answer.status_code, answer.text.replace(f'value="{login}"', "").replace(" autofocus", "")

    assert told(login, password) == told("clerk", "wrong")


def test_somebody_who_does_not_exist_is_checked_as_slowly_as_others(door: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    logins = door.logins
    monkeypatch.setattr(type(logins), "_verify", lambda _, hashed, *__: bool(checked.append(hashed)))
    for login in ("clerk", "nobody"):
        door.log_in(login)
    assert len(checked) == 2
    assert all(hashed.startswith("$argon2id$") for hashed in checked)


def test_a_program_logs_in_with_json(door: Api) -> None:
    answer = door.client.post("/login", json={"login": "clerk", "password": PASSWORD})
    assert (answer.status_code, answer.json()) == (200, {"login": "clerk"})
    wrong = door.client.post("/login", json={"login": "clerk", "password": "x"}, headers=SAME_SITE)
    assert code(wrong) == (401, "LOGIN_FAILED")
    for body in ({"login": "clerk"}, {"login": 1, "password": 2}, [], "x"):
        assert code(door.client.post("/login", json=body, headers=SAME_SITE)) == (400, "BAD_FORM")


def test_the_log_tells_where_from_and_not_what_was_typed(door: Api, caplog: pytest.LogCaptureFixture) -> None:
    door.log_in("my password", "clerk")
    assert "203.0.113.7" in caplog.text
    assert "my password" not in caplog.text


def test_a_log_in_is_small(door: Api) -> None:
    assert door.log_in(password="x" * 20_000).status_code == 413


def test_logging_out_ends_the_session_itself(door: Api) -> None:
    door.log_in()
    secret = session(door)
    answer = door.client.post("/logout", headers=SAME_SITE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?out")
    assert session(door) is None
    stolen = door.client.get("/api/request", headers={"Cookie": f"session={secret}"})
    assert code(stolen) == (401, "NOT_LOGGED_IN")


def test_a_log_in_gives_another_session_and_ends_the_one_before(door: Api) -> None:
    door.log_in()
    first = session(door)
    door.log_in("boss")
    assert session(door) != first
    assert code(door.client.get("/api/request", headers={"Cookie": f"session={first}"})) == (401, "NOT_LOGGED_IN")


def test_a_session_chosen_by_somebody_else_is_none(door: Api) -> None:
    door.client.cookies.set("session", "chosen-by-an-attacker", domain="desk.example", path="/")
    door.log_in()
    assert session(door) != "chosen-by-an-attacker"
    answer = door.client.get("/api/request", headers={"Cookie": "session=chosen-by-an-attacker"})
    assert code(answer) == (401, "NOT_LOGGED_IN")


def test_a_session_ends_when_it_is_not_used(door: Api) -> None:
    door.log_in()
    door.desk.clock.step(timedelta(hours=11))
    assert door.get("/api/request", None).status_code == 200
    door.desk.clock.step(timedelta(hours=11))
    assert door.get("/api/request", None).status_code == 200, "it was used meanwhile"
    door.desk.clock.step(timedelta(hours=13))
    assert code(door.get("/api/request", None)) == (401, "NOT_LOGGED_IN")


def test_a_session_ends_after_a_week_however_it_is_used(door: Api) -> None:
    door.log_in()
    for _ in range(16):
        assert door.get("/api/request", None).status_code == 200
        door.desk.clock.step(timedelta(hours=10, minutes=30))
    assert code(door.get("/api/request", None)) == (401, "NOT_LOGGED_IN")


def test_another_password_ends_the_sessions_of_the_old_one(door: Api) -> None:
    door.log_in()
    give_passwords(door)
    assert code(door.get("/api/request", None)) == (401, "NOT_LOGGED_IN")


def test_who_is_no_longer_active_is_out_at_once(door: Api) -> None:
    door.log_in()
    user = door.desk.people["clerk"]
    assert door.patch(f"/api/user/{user}", {"active": False}, "administrator").status_code == 200
    assert code(door.get("/api/request", None)) == (401, "NOT_LOGGED_IN")
    assert code(door.get("/api/request")) == (401, "NOT_LOGGED_IN"), "the token too"
    assert door.log_in().status_code == 401


def test_an_account_may_be_tried_so_often(door: Api) -> None:
    for _ in range(BY_ACCOUNT):
        assert door.log_in(password="wrong").status_code == 401
    answer = door.log_in()
    assert answer.status_code == 429, "also with the right password: else guessing would go on"
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert code(door.client.post("/login", json={"login": "CLERK", "password": "x"})) == (429, "TOO_OFTEN")
    assert door.log_in("boss").status_code == 303, "others are not locked out"


def test_a_success_forgives(door: Api) -> None:
    for _ in range(3):
        for _ in range(BY_ACCOUNT - 1):
            door.log_in(password="wrong")
        assert door.log_in().status_code == 303


def test_an_address_may_try_so_often(door: Api) -> None:
    for number in range(BY_ADDRESS):
        assert door.log_in(f"nobody {number}").status_code == 401
    assert door.log_in("boss").status_code == 429
