"""What files hold, on both databases."""

from __future__ import annotations

from engine.store.store import Store
from tests.store.conftest import Desk


def test_the_same_content_is_kept_once_and_comes_back_as_it_was(store: Store, desk: Desk) -> None:
    content = bytes(range(256)) * 3
    keys = [desk.write(lambda tx: store.contents.keep(tx, content)) for _ in range(2)]
    assert keys[0] == keys[1]
    assert desk.read(lambda tx: store.contents.find(tx, keys[0])) == content
    assert desk.read(lambda tx: store.contents.find(tx, "0" * 64)) is None
