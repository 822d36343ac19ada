"""Keys of records: UUIDs of version 7, which sort by the moment they were made.

RFC 9562, 5.7: 48 bits of Unix milliseconds, the version, 12 bits, the variant, 62 bits. The 12 bits hold the fraction
of the millisecond and the rest is a counter that starts at random (6.2, methods 1 and 3), so that the keys of one
process grow, and those of several processes do not meet.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from struct import calcsize, unpack
from threading import Lock

KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_VERSION, _VARIANT = 7 << 12, 2 << 62
#: A counter starts in the lower half of its bits, and grows by at most this much.
_START_BITS, _END_BITS = 61, 62
#: Random numbers drawn at once, 32 bits each.
_DRAWN = "256I"
#: In ticks of 1/4096 ms. Acts that overlap differ by less; a clock further back has been set, and keys follow it.
_JITTER = 10_000 << 12


class Keys:
    """Makes keys of given moments, each greater than all before it, also where the moment is the same, or earlier by so
    little that the acts overlap. Safe to share among threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tick = 0
        self._low = 0
        #: How the keys of this tick begin.
        self._head = ""
        self._drawn: list[int] = []
        #: The moment of the last key, and its tick: an act makes many keys of one moment.
        self._last = (_EPOCH, 0)

    def __call__(self, moment: datetime) -> str:
        """The next key, as lower case text with hyphens."""
        last, tick = self._last
        if moment is not last:
            tick = (((moment - _EPOCH) // _MICROSECOND) << 12) // 1_000
            self._last = (moment, tick)
        with self._lock:
            if self._tick - _JITTER < tick <= self._tick:
                self._low += 1 + self._random()
                tick = self._tick + (self._low >> _END_BITS)
            if tick != self._tick:
                self._tick = tick
                self._low = (self._random() << 32 | self._random()) >> (64 - _START_BITS)
                head = f"{(tick >> 12) << 16 | _VERSION | tick & 0xFFF:016x}"
                self._head = f"{head[:8]}-{head[8:12]}-{head[12:]}"
            head, tail = self._head, f"{self._low | _VARIANT:016x}"
        return f"{head}-{tail[:4]}-{tail[4:]}"

    def _random(self) -> int:
        """32 random bits. Asking the system for them costs more than all the rest, so it is asked for many at once."""
        if not self._drawn:
            self._drawn = list(unpack(_DRAWN, secrets.token_bytes(calcsize(_DRAWN))))
        return self._drawn.pop()


#: The maker of this process: what must not repeat is the process's keys, whoever asks for them.
new_key = Keys()


def is_key(text: str) -> bool:
    """Whether the text is written as keys are."""
    return KEY.fullmatch(text) is not None
