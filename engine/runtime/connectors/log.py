"""Messages to the log: for development, and for those who collect logs."""

from __future__ import annotations

import logging

from engine.ports import Message, Outcome

_log = logging.getLogger("orderloom.messages")


class LogConnector:
    """Writes each message to the logger ``orderloom.messages``. Texts for it come with personal data masked; whom they
    are for is not said."""

    def send(self, message: Message) -> Outcome:
        _log.info("%s %s: %s\n%s", message.name, message.key, message.subject, message.body)
        return Outcome("done")
