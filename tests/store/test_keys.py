"""Keys are UUIDs of version 7 that grow."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.store.keys import Keys, is_key, new_key

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(st.lists(st.timedeltas(timedelta(seconds=-9), timedelta(days=3)), min_size=2, max_size=50))
def test_keys_grow_while_the_clock_jitters(steps: list[timedelta]) -> None:
    keys, moment, made = Keys(), NOON, []
    for step in steps:
        made.append(keys(moment + step))
        moment = max(moment, moment + step)
    assert made == sorted(set(made))


def test_a_key_is_a_uuid_of_version_7_with_its_moment() -> None:
    key = Keys()(NOON + timedelta(microseconds=123_456))
    parsed = uuid.UUID(key)
    assert str(parsed) == key
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == NOON.timestamp() * 1000 + 123
    assert is_key(key)


def test_keys_follow_a_clock_that_has_been_set_back() -> None:
    keys = Keys()
    later = keys(NOON)
    assert keys(NOON - timedelta(days=1)) < later


def test_keys_of_one_microsecond_and_of_the_next_differ_in_time() -> None:
    keys = Keys()
    first, second = keys(NOON), keys(NOON + timedelta(microseconds=1))
    assert first[:18] < second[:18]


def test_threads_never_get_the_same_key() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: new_key(NOON), range(2_000)))
    assert len(set(made)) == len(made)


def test_two_processes_do_not_meet_at_one_moment() -> None:
    assert Keys()(NOON) != Keys()(NOON)


def test_other_texts_are_no_keys() -> None:
    assert not any(map(is_key, ["", "A1", "018bcfe5687b7000a000000000000000", "018BCFE5-687B-7000-A000-000000000000"]))
