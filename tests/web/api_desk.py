"""The purchase desk as programs see it: the whole web application, with accounts and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from engine.runtime.logins import Logins
from engine.web.app import create_app
from engine.web.settings import WebSettings
from tests.web.desk_app import Desk

PASSWORD = "correct horse"
#: What the secrets of the desk's channels are.
SECRETS = {"PORTAL_SECRET": "between us"}

#: What a browser says of a request that our own page has sent.
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}

Json = Any


class Api:
    """Everybody has a token; nobody has a session before logging in. ``client`` sends nothing of its own."""

    def __init__(self, desk: Desk, client: TestClient, logins: Logins) -> None:
        self.desk = desk
        self.client = client
        self.logins = logins
        self.tokens = {
            login: desk.write(lambda tx, user=user: logins.new_token(tx, user, "test")).text  # type: ignore[misc]
            for login, user in desk.people.items()
        }

    def send(self, method: str, path: str, who: str | None = "clerk", **options: Any) -> Json:
        """The answer to a request with that person's token."""
        headers = {**options.pop("headers", {})}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, who: str | None = "clerk", **options: Any) -> Json:
        return self.send("GET", path, who, **options)

    def post(self, path: str, json: Json = None, who: str | None = "clerk", **options: Any) -> Json:
        return self.send("POST", path, who, json=json, **options)

    def patch(self, path: str, json: Json, who: str | None = "clerk", **options: Any) -> Json:
        return self.send("PATCH", path, who, json=json, **options)

    def made(self, **values: Any) -> Json:
        """A new request of the clerk's, as the API answers it."""
        answer = self.post("/api/request", {**REQUEST, **values})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def count(self, model: str = "request") -> int:
        """How many records there are."""
        found = self.get(f"/api/{model}?count=exact", "administrator").json()
        return int(found["count"])

    def log_in(self, login: str = "clerk", password: str = PASSWORD, **headers: str) -> Json:
        """The answer to the form of the log-in page."""
        form = {"login": login, "password": password}
        return self.client.post("/login", data=form, headers={**SAME_SITE, **headers}, follow_redirects=False)


REQUEST = {"supplier": "S101", "wanted": "2026-12-24", "lines": [{"item": "P201", "quantity": "2"}]}


@contextmanager
def open_api(
    desk: Desk, settings: WebSettings | None = None, client: tuple[str, int] = ("203.0.113.7", 50000)
) -> Iterator[Api]:
    """The application over a desk, its background work included. ``client``: where requests come from."""
    logins = Logins(desk.engine.database, desk.engine.clock)
    # Nothing remembered: what has been changed counts at the next request.
    app = create_app(desk.engine, settings or WebSettings(cached=0.0), SECRETS.__getitem__)
    with TestClient(app, raise_server_exceptions=False, base_url="http://desk.example", client=client) as browser:
        yield Api(desk, browser, logins)


def give_passwords(api: Api) -> None:
    """Everybody can log in with the same password."""
    hashed = api.logins.hash(PASSWORD)
    for user in api.desk.people.values():
        api.desk.write(lambda tx, user=user: api.logins.set_password(tx, user, hashed))  # type: ignore[misc]


def code(answer: Json) -> tuple[int, str]:
    """The status and the code of a problem, after making sure that it is one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].endswith(problem["code"])
    return answer.status_code, problem["code"]


def places(answer: Json) -> dict[str, str]:
    """The complaints of a problem: place to code."""
    return {error["at"]: error["code"] for error in answer.json()["errors"]}
