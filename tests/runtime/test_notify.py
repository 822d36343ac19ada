"""What messages say, to whom, in which language, and what never leaves in a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError, UndefinedError

from engine.catalog.templates import template_environment
from engine.ports import Message, Outcome
from engine.runtime.connectors.log import LogConnector
from engine.runtime.jobs.worker import LADDER
from engine.runtime.messages import Shown
from engine.runtime.service import SYSTEM
from engine.store.jobs import DEAD, DONE
from tests.runtime.post import Post, open_post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with open_post(f"sqlite:///{tmp_path / 'post.db'}") as opened:
        yield opened


def test_a_message_is_written_for_its_receiver(post: Post) -> None:
    items = [{"text": "Tea", "worth": "20"}, {"text": "Cups", "worth": "1000.5"}]
    post.fire(post.parcel(items=items), "arrive")
    post.later(hours=3)
    [mail] = post.email.sent
    assert (mail.name, mail.to, mail.subject) == ("arrived", "ann@example.com", "Parcel P1 is here")
    assert mail.body == (
        "Dear Ann Miller, parcel of 2026-11-21 04:30 for 1,234.50: Tea (20.00) Cups (1,000.50)\n"
        "It is 2026-11-22 (2026-11-22) for en."
    )


def test_the_log_gets_no_personal_data(post: Post) -> None:
    post.fire(post.parcel(), "arrive")
    post.run()
    [line] = post.log.sent
    assert "Miller" not in line.body
    assert "Dear A" in line.body
    assert "Miller" in post.email.sent[0].body


def test_a_receiver_without_an_address_or_a_language(post: Post) -> None:
    post.fire(post.parcel(receiver="bo"), "arrive")
    post.run()
    [mail] = post.email.sent
    assert (mail.to, mail.subject, mail.body) == (None, "包裹 P1 已到", "王波，您好：请付 1,234.50 元。")


def test_nobody_to_tell(post: Post) -> None:
    post.fire(post.parcel(receiver=None, fee=None), "arrive")
    post.run()
    # A path through nothing is nothing, in templates as in expressions.
    assert post.log.sent[0].body == "，您好：请付  元。"
    assert post.email.sent[0].to is None


def test_a_role_is_everybody_who_has_it(post: Post) -> None:
    for login, active in (("kim", True), ("lee", True), ("moe", False)):
        roles = [{"role": "clerk"}] if login != "lee" else [{"role": "clerk"}, {"role": "boss"}]
        post.put("user", login=login, name=login, email=f"{login}@post.example", active=active, roles=roles)
    post.put("user", login="ned", name="Ned", email="ned@post.example", roles=[{"role": "boss"}])
    post.fire(post.parcel(contact="c@example.com"), "lose")
    post.run()
    assert sorted(message.to or "" for message in post.log.sent) == ["kim@post.example", "lee@post.example"]
    assert post.log.sent[0].subject == "包裹丢失"
    assert post.log.sent[0].body == "P1 of A*********<c@example.com>: {}"


def test_a_role_that_nobody_has(post: Post) -> None:
    post.fire(post.parcel(), "lose")
    post.run()
    assert [message.to for message in post.log.sent] == [None]


def test_a_subject_is_one_line(post: Post) -> None:
    post.fire(post.parcel(number="P1"), "arrive")
    post.write(lambda tx: tx.core(post.engine.service.store.tables["parcel"].update().values(number="P1\r\nBcc: x")))
    post.run()
    assert post.email.sent[0].subject == "Parcel P1 Bcc: x is here"


def test_what_was_sent_stands_in_the_log_of_the_record(post: Post) -> None:
    parcel = post.fire(post.parcel(), "arrive")
    post.email.answers = [Outcome("retry", "busy")]
    post.run()
    post.later(seconds=LADDER[0].total_seconds())
    told = [event["input"] for event in post.rows("event") if event["name"] == "arrived"]
    assert [(entry["way"], entry["to"], entry["result"]) for entry in told] == [
        ("log", "ann@example.com", "done"),
        ("email", "ann@example.com", "done"),
    ]
    assert {event["record"] for event in post.rows("event") if event["name"] == "arrived"} == {parcel["id"]}


def test_a_message_about_a_record_in_the_trash_is_sent(post: Post) -> None:
    parcel = post.fire(post.parcel(), "arrive")
    post.write(lambda tx: post.engine.service.delete(tx, SYSTEM, "parcel", parcel["id"]))
    post.run()
    assert post.email.sent[0].subject == "Parcel P1 is here"


def test_a_message_about_a_record_that_is_gone_is_dead(post: Post) -> None:
    post.fire(post.parcel(), "arrive")
    post.write(lambda tx: tx.core(post.engine.service.store.tables["parcel"].delete()))
    post.run()
    [job] = post.queue("message")
    assert job["state"] == DEAD
    assert job["last_error"].startswith("there is no parcel ")


def test_a_message_that_cannot_be_written_is_dead_and_says_why(post: Post) -> None:
    payload = {"message": "lost", "user": None, "model": None, "record": None, "to": None, "data": {}}
    post.write(lambda tx: post.engine.service.store.jobs.put(tx, "message", payload, post.clock.now()))
    post.run()
    [job] = post.queue("message")
    assert (job["state"], job["last_error"]) == (DEAD, "the message lost cannot be written: 'parcel' is undefined")


def test_a_message_of_former_definitions(post: Post) -> None:
    payload = {"message": "former", "user": None, "model": None, "record": None, "to": None, "data": {}}
    post.write(lambda tx: post.engine.service.store.jobs.put(tx, "message", payload, post.clock.now()))
    post.run()
    assert post.queue("message")[0]["last_error"] == "there is no message former any more"


@pytest.mark.parametrize("text", ["{{ record.__class__ }}", "{{ record._record }}", "{{ record['__init__'] }}"])
def test_templates_stay_in_their_sandbox(post: Post, text: str) -> None:
    record = Shown(post.engine.catalog, "parcel", {"id": "x"}, masked=False)
    with pytest.raises((SecurityError, UndefinedError)):
        template_environment().from_string(text).render(record=record)


def test_a_message_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "orderloom.messages"):
        outcome = LogConnector().send(Message("k-1", "arrived", "ann@example.com", "Here", "It is here."))
    assert outcome.result == "done"
    assert caplog.messages == ["arrived k-1: Here\nIt is here."]


def test_sending_ends_jobs(post: Post) -> None:
    post.fire(post.parcel(), "arrive")
    post.run()
    assert {job["state"] for job in post.rows()} == {DONE}
