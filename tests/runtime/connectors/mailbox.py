"""A mail server for tests: it speaks SMTP on a local port, keeps what it gets, and refuses what it is told to."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any


@dataclass
class Mailbox:
    """``answers`` are those to commands (``RCPT``, ``DATA``, ``end`` of the text …) that differ from the usual."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server on a free port of this machine."""
    box = Mailbox()

    class Session(StreamRequestHandler):
        def handle(self) -> None:
            converse(self, box)

    with ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield box
        server.shutdown()
        thread.join()


def converse(session: Any, box: Mailbox) -> None:
    """One session, to its QUIT or the end of the connection."""

    def say(command: str, usual: str) -> bool:
        answer = box.answers.get(command, usual)
        if answer == "hang up":
            return False
        session.wfile.write(f"{answer}\r\n".encode())
        return True

    sender = receiver = ""
    going = say("connect", "220 mailbox.example")
    while going and (line := session.rfile.readline().decode().strip()):
        command = line.split(" ")[0].upper()
        match command:
            case "EHLO":
                going = say("EHLO", "250-mailbox.example\r\n250 AUTH PLAIN")
            case "AUTH":
                _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                box.logins.append((user, password))
                going = say("AUTH", "235 welcome")
            case "MAIL":
                sender = line
                going = say("MAIL", "250 fine")
            case "RCPT":
                receiver = line
                going = say("RCPT", "250 fine")
            case "DATA":
                going = say("DATA", "354 go on")
                if box.answers.get("DATA") is None:
                    # A line of one dot ends the text; of a line that begins with one, it has been doubled.
                    lines = iter(session.rfile.readline, b".\r\n")
                    text = b"".join(line.removeprefix(b".") for line in lines)
                    mail = message_from_bytes(text, policy=policy.default)
                    assert isinstance(mail, EmailMessage)
                    box.mails.append(mail)
                    box.envelopes.append((sender, receiver))
                    going = say("end", "250 taken")
            case "QUIT":
                say("QUIT", "221 bye")
                going = False
            case _:
                going = say(command, "250 fine")
