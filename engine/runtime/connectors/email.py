"""Messages by e-mail, over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal, get_args

from engine.errors import EngineError
from engine.ports import Clock, Message, Outcome
from engine.runtime.settings import Settings

HOST, PORT, SECURITY = "ORDERLOOM_SMTP_HOST", "ORDERLOOM_SMTP_PORT", "ORDERLOOM_SMTP_SECURITY"
USER, PASSWORD, SENDER = "ORDERLOOM_SMTP_USER", "ORDERLOOM_SMTP_PASSWORD", "ORDERLOOM_MAIL_FROM"

Security = Literal["none", "starttls", "tls"]
#: The usual port for each.
PORTS = {"none": 25, "starttls": 587, "tls": 465}
#: Seconds for each answer of the server. A worker waits meanwhile.
TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail is handed in, and in whose name."""

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> MailServer:
        """The server that the settings name; encrypted with STARTTLS unless they say otherwise. Raises EngineError."""
        security = settings.get(SECURITY) or "starttls"
        if security not in get_args(Security):
            raise EngineError(f"{SECURITY} is one of {', '.join(get_args(Security))}")
        port = settings.get(PORT) or str(PORTS[security])
        if not port.isdecimal():
            raise EngineError(f"{PORT} is no number")
        sender = settings.setting(SENDER)
        if "@" not in parseaddr(sender)[1]:
            raise EngineError(f"{SENDER} is no e-mail address")
        user = settings.get(USER)
        password = settings.secret(PASSWORD) if user is not None else None
        return cls(settings.setting(HOST), int(port), security, sender, user, password)  # type: ignore[arg-type]


class EmailConnector:
    """Sends each message as one e-mail, whose Message-ID is made of the key: a mailbox that gets it twice can tell."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def send(self, message: Message) -> Outcome:
        """What became of it. Only what the server says of this one message may end its attempts: a wrong password, or a
        server that knows nothing of us, is the installation's fault and will be mended."""
        try:
            server = MailServer.of(self._settings)
        except EngineError as error:
            return Outcome("retry", f"e-mail is not set up: {error}")
        if message.to is None:
            return Outcome("failed", "there is no e-mail address to send it to")
        try:
            session = _open(server)
        except (OSError, smtplib.SMTPException) as error:
            return _later(server, error)
        try:
            return self._hand_in(session, server, message)
        finally:
            session.close()

    def _hand_in(self, session: smtplib.SMTP, server: MailServer, message: Message) -> Outcome:
        try:
            session.send_message(compose(message, server.sender, self._clock.now()))
        except smtplib.SMTPRecipientsRefused as refused:
            return _refused(*next(iter(refused.recipients.values())))
        except smtplib.SMTPDataError as refused:
            return _refused(refused.smtp_code, refused.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            return Outcome("failed", str(error))  # an address in letters that the server does not know
        except (OSError, smtplib.SMTPException) as error:
            return _later(server, error)
        # From here on it is the server's: however badly the parting goes, it has been sent.
        with suppress(OSError, smtplib.SMTPException):
            session.quit()
        return Outcome("done")


def _open(server: MailServer) -> smtplib.SMTP:
    """A session in which the server takes e-mail from us."""
    context = ssl.create_default_context()
    if server.security == "tls":
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=context)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    try:
        if server.security == "starttls":
            session.starttls(context=context)
        if server.user is not None and server.password is not None:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session


def compose(message: Message, sender: str, moment: datetime) -> EmailMessage:
    """The message as an e-mail."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(moment)
    mail["Message-ID"] = f"<{message.key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that no absence note answers
    mail.set_content(message.body)
    return mail


def _refused(code: int, text: bytes | str) -> Outcome:
    """4xx says later, 5xx never."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return Outcome("retry" if code < 500 else "failed", f"{code} {said}")


def _later(server: MailServer, error: Exception) -> Outcome:
    return Outcome("retry", f"{server.host}:{server.port}: {type(error).__name__}: {error}")
