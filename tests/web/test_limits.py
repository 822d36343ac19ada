"""How often something may be tried."""

from __future__ import annotations

import pytest

from engine.errors import TooOften
from engine.web.limits import MOST_NAMES, Limit


class Watch:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(limit: Limit, name: str = "a") -> int | None:
    """For how many seconds the next attempt has to wait; None: it was taken."""
    try:
        limit.take(name)
    except TooOften as error:
        return int(error.headers["Retry-After"])
    return None


def test_so_many_within_so_long_and_each_name_for_itself() -> None:
    watch = Watch()
    limit = Limit(3, 60, watch)
    assert [refused(limit), refused(limit), refused(limit), refused(limit)] == [None, None, None, 60]
    assert refused(limit, "b") is None
    watch.now = 59.5
    assert refused(limit) == 1
    watch.now = 60.5
    assert [refused(limit), refused(limit), refused(limit), refused(limit)] == [None, None, None, 60]


def test_attempts_slide_out_one_by_one() -> None:
    watch = Watch()
    limit = Limit(2, 60, watch)
    for moment in (0.0, 30.0):
        watch.now = moment
        limit.take("a")
    watch.now = 61.0
    assert refused(limit) is None
    assert refused(limit) == 29


def test_what_was_good_does_not_count() -> None:
    limit = Limit(1, 60, Watch())
    for _ in range(3):
        limit.take("a")
        limit.give_back("a")
    limit.take("a")
    limit.forget("a")
    assert refused(limit) is None
    limit.give_back("never seen")


def test_names_without_number_do_not_fill_the_memory() -> None:
    limit = Limit(1, 60, Watch())
    for number in range(MOST_NAMES + 10):
        limit.take(number)
    assert len(limit._tried) == MOST_NAMES
    with pytest.raises(TooOften):
        limit.take(MOST_NAMES + 9)
