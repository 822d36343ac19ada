"""Answers that are kept beside what was done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.store.answers import Answer, Answers, KeyTaken
from engine.store.store import Store
from tests.store.conftest import NOON, Desk

ANSWER = Answer("request-hash", 201, {"ETag": '"1"'}, '{"名": "1.10"}', NOON)


def test_an_answer_is_kept_as_it_was_sent(store: Store, desk: Desk) -> None:
    answers = Answers(store.database.engine.dialect)
    desk.write(lambda tx: answers.keep(tx, "caller", "key", ANSWER))
    assert desk.read(lambda tx: answers.find(tx, "caller", "key")) == ANSWER
    assert desk.read(lambda tx: answers.find(tx, "other", "key")) is None


def test_a_key_that_is_taken_undoes_what_was_done(store: Store, desk: Desk) -> None:
    answers = Answers(store.database.engine.dialect)

    def work(tx: object, key: str) -> None:
        answers.keep(tx, "caller", key, ANSWER)  # type: ignore[arg-type]

    desk.write(lambda tx: work(tx, "key"))
    with pytest.raises(KeyTaken):
        desk.write(lambda tx: [work(tx, "another"), work(tx, "key")])
    assert desk.read(lambda tx: answers.find(tx, "caller", "another")) is None


def test_old_answers_are_removed(store: Store, desk: Desk) -> None:
    answers = Answers(store.database.engine.dialect)
    desk.write(lambda tx: answers.keep(tx, "caller", "key", ANSWER))
    desk.write(lambda tx: answers.forget(tx, "caller", "key", NOON - timedelta(seconds=1)))
    assert desk.read(lambda tx: answers.find(tx, "caller", "key")) is not None
    desk.write(lambda tx: answers.forget(tx, "caller", "key", NOON))
    assert desk.read(lambda tx: answers.find(tx, "caller", "key")) is None
    desk.write(lambda tx: answers.keep(tx, "caller", "key", ANSWER))
    assert desk.write(lambda tx: answers.purge(tx, NOON - timedelta(seconds=1))) == 0
    assert desk.write(lambda tx: answers.purge(tx, NOON)) == 1
