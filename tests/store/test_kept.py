"""What is kept: the last things asked for, and no more of them than allowed."""

from __future__ import annotations

from engine.store.kept import Kept


def test_what_was_asked_for_last_is_kept() -> None:
    kept, built = Kept(2), list[str]()

    def get(key: str) -> str:
        return kept.get(key, lambda: (built.append(key), key.upper())[1])

    assert [get(key) for key in "abacab"] == ["A", "B", "A", "C", "A", "B"]
    assert built == ["a", "b", "c", "b"]  # b made room for c, being the least used
