"""E-mail against a real server: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.ports import Message, Outcome
from engine.runtime.clock import SetClock
from engine.runtime.connectors import connectors
from engine.runtime.connectors import email as email_module
from engine.runtime.settings import Settings
from tests.runtime.connectors.mailbox import Mailbox, mail_server

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MESSAGE = Message("0199-key", "arrived", "ann@example.com", "包裹已到", "您好：\n请取。\n.\n完")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def send(box: Mailbox, message: Message = MESSAGE, **more: str) -> Outcome:
    plain = {
        "ORDERLOOM_SMTP_HOST": "127.0.0.1",
        "ORDERLOOM_SMTP_PORT": str(box.port),
        "ORDERLOOM_SMTP_SECURITY": "none",
        "ORDERLOOM_MAIL_FROM": "Post office <post@example.org>",
    }
    settings = Settings({**plain, **more}, {"ORDERLOOM_SMTP_PASSWORD": "s3cret"})
    return connectors(settings, SetClock(NOON))["email"].send(message)


def test_what_arrives(mailbox: Mailbox) -> None:
    assert send(mailbox) == Outcome("done")
    [mail] = mailbox.mails
    assert mail["Subject"] == "包裹已到"
    assert mail["From"] == "Post office <post@example.org>"
    assert mail["To"] == "ann@example.com"
    assert mail["Message-ID"] == "<0199-key@example.org>"
    assert mail["Date"].datetime == NOON
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == "您好：\n请取。\n.\n完\n"
    assert mailbox.envelopes == [("mail FROM:<post@example.org>", "rcpt TO:<ann@example.com>")]


def test_the_same_message_has_the_same_id(mailbox: Mailbox) -> None:
    send(mailbox)
    send(mailbox)
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 1


def test_with_a_password(mailbox: Mailbox) -> None:
    assert send(mailbox, ORDERLOOM_SMTP_USER="post").result == "done"
    assert mailbox.logins == [("post", "s3cret")]


@pytest.mark.parametrize(
    ("command", "answer", "result"),
    [
        ("RCPT", "550 no such mailbox", "failed"),
        ("RCPT", "450 busy", "retry"),
        ("end", "554 looks like spam", "failed"),
        ("end", "451 disk full", "retry"),
        # What the installation has to mend must not lose the message:
        ("MAIL", "553 we do not know you", "retry"),
        ("connect", "554 go away", "retry"),
        ("connect", "hang up", "retry"),
        ("end", "hang up", "retry"),
    ],
)
def test_what_the_server_refuses(mailbox: Mailbox, command: str, answer: str, result: str) -> None:
    mailbox.answers[command] = answer
    outcome = send(mailbox)
    assert outcome.result == result
    if answer != "hang up":
        assert answer.partition(" ")[2] in outcome.detail


def test_a_wrong_password_is_mended_some_day(mailbox: Mailbox) -> None:
    mailbox.answers["AUTH"] = "535 no"
    outcome = send(mailbox, ORDERLOOM_SMTP_USER="post")
    assert outcome.result == "retry"
    assert "s3cret" not in outcome.detail
    assert mailbox.mails == []


def test_what_was_taken_has_been_sent_whatever_comes_after(mailbox: Mailbox) -> None:
    mailbox.answers["QUIT"] = "421 bye already"
    assert send(mailbox).result == "done"


def test_nothing_is_sent_in_the_open_unless_said_so(mailbox: Mailbox) -> None:
    outcome = send(mailbox, ORDERLOOM_SMTP_SECURITY="")
    assert outcome.result == "retry"
    assert "STARTTLS" in outcome.detail
    assert mailbox.mails == []


def test_no_server(mailbox: Mailbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = send(mailbox, ORDERLOOM_SMTP_PORT=str(taken.getsockname()[1]))
    assert outcome.result == "retry"
    assert "ConnectionRefusedError" in outcome.detail


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    monkeypatch.setattr(email_module, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = send(mailbox, ORDERLOOM_SMTP_PORT=str(silent.getsockname()[1]))
    assert outcome.result == "retry"
    assert "timed out" in outcome.detail


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ORDERLOOM_SMTP_HOST", "", "the setting ORDERLOOM_SMTP_HOST is not set"),
        ("ORDERLOOM_MAIL_FROM", "", "the setting ORDERLOOM_MAIL_FROM is not set"),
        ("ORDERLOOM_MAIL_FROM", "nobody", "ORDERLOOM_MAIL_FROM is no e-mail address"),
        ("ORDERLOOM_SMTP_PORT", "smtp", "ORDERLOOM_SMTP_PORT is no number"),
        ("ORDERLOOM_SMTP_SECURITY", "some", "ORDERLOOM_SMTP_SECURITY is one of none, starttls, tls"),
    ],
)
def test_what_is_not_set_up_says_what_is_missing(mailbox: Mailbox, name: str, value: str, said: str) -> None:
    assert send(mailbox, **{name: value}) == Outcome("retry", f"e-mail is not set up: {said}")


def test_nobody_to_send_to(mailbox: Mailbox) -> None:
    nobody = Message("k", "arrived", None, "s", "b")
    assert send(mailbox, nobody) == Outcome("failed", "there is no e-mail address to send it to")
