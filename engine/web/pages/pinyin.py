"""Finding Chinese titles by their pinyin: ``jsjc`` and ``jinsheng`` both find 金盛建材.

The index of a model is kept in memory, and before each search brought up to date with what has changed since.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

from engine.runtime.reading import Reading
from engine.runtime.service import SYSTEM
from engine.store.database import Transaction

#: Models with more records than this are searched by key and title only.
MOST_RECORDS = 20_000

#: How many records are read at a time.
CHUNK = 500

_LATIN = re.compile(r"[a-z]+(?: [a-z]+)*", re.IGNORECASE)


def is_latin(text: str) -> bool:
    """Whether the text may be pinyin."""
    return _LATIN.fullmatch(text) is not None


def sounds(text: str) -> str:
    """A text's pinyin, and its first letters: ``jinsheng js``."""
    library = _library()
    whole = "".join(library.lazy_pinyin(text)).lower()
    initials = "".join(library.lazy_pinyin(text, style=library.Style.FIRST_LETTER)).lower()
    return f"{whole} {initials}"


@cache
def _library() -> Any:
    """pypinyin, when somebody searches for the first time: its dictionaries take longer to load than all the rest."""
    return import_module("pypinyin")


class PinyinIndex:
    """The sounds of all titles of one model."""

    def __init__(self, model: str, title: str) -> None:
        self._model = model
        self._title = title
        self._sounds: dict[str, str] = {}
        self._until = datetime(1970, 1, 1, tzinfo=UTC)
        self._too_many = False
        self._lock = Lock()

    def find(self, tx: Transaction, reading: Reading, text: str, limit: int) -> list[str]:
        """The ids of records whose title sounds like the text, at most ``limit``. Their rights are the caller's
        business."""
        with self._lock:
            self._catch_up(tx, reading)
        wanted = text.lower().replace(" ", "")
        found = [key for key, sound in self._sounds.items() if wanted in sound]
        return found[:limit]

    def _catch_up(self, tx: Transaction, reading: Reading) -> None:
        """Reads what has changed since the last time; changes of that very moment once more."""
        after: str | None = None
        since = self._until.isoformat().replace("+00:00", "Z")
        while not self._too_many:
            page = reading.page(
                tx,
                SYSTEM,
                self._model,
                where=f'updated_at >= "{since}"',
                sort=("updated_at",),
                limit=CHUNK,
                after=after,
            )
            for record in page.records:
                self._sounds[record["id"]] = sounds(str(record[self._title] or ""))
                self._until = max(self._until, record["updated_at"])
            self._too_many = len(self._sounds) > MOST_RECORDS
            after = page.next
            if after is None:
                return
