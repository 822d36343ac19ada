"""The purchase desk for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from tests.web.api_desk import Api, open_api
from tests.web.desk_app import Desk, open_desk


@pytest.fixture(scope="module", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A log-in that takes no time: hundreds of them are tried here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.runtime.logins.PasswordHasher", partial(PasswordHasher, 1, 8, 1))
        yield


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The application with its master data and nothing else; the clerk makes the requests."""
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def visitor(desk: Desk) -> TestClient:
    """A browser without JavaScript, reading Chinese."""
    return TestClient(desk.application, headers={"Accept-Language": "zh-CN"}, follow_redirects=False)


@pytest.fixture
def api(desk: Desk) -> Iterator[Api]:
    """The whole web application over the desk, for programs."""
    with open_api(desk) as opened:
        yield opened
