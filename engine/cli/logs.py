"""Where the log of a command that stays goes."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: Messages whose way out is the log.
MESSAGES = "orderloom.messages"


def log_to_stderr() -> None:
    """Has warnings written to stderr, and messages that go to the log."""
    logging.basicConfig(format=FORMAT, level=logging.WARNING)
    logging.getLogger(MESSAGES).setLevel(logging.INFO)
