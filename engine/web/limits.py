"""How often something may be tried: attempts to log in, counted by address and by account."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from engine.errors import TooOften

#: So many names are kept; a flood of new ones drops the oldest.
MOST_NAMES = 20_000


class Limit:
    """At most ``most`` attempts of a name within ``seconds``. Each process counts for itself."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._tried: OrderedDict[Hashable, list[float]] = OrderedDict()
        self._lock = Lock()

    def take(self, name: Hashable) -> None:
        """Counts an attempt, before it is known how it ends: else many at once would all go through. TooOften, with
        ``Retry-After``, where there have been too many."""
        with self._lock:
            now = self._clock()
            moments = [moment for moment in self._tried.get(name, ()) if moment > now - self._seconds]
            if len(moments) >= self._most:
                wait = max(math.ceil(moments[0] + self._seconds - now), 1)
                raise TooOften(f"too many attempts; try again in {wait} s", headers={"Retry-After": str(wait)})
            self._tried[name] = [*moments, now]
            self._tried.move_to_end(name)
            while len(self._tried) > MOST_NAMES:
                self._tried.popitem(last=False)

    def give_back(self, name: Hashable) -> None:
        """Takes the last attempt back: it was a good one."""
        with self._lock:
            if self._tried.get(name):
                self._tried[name].pop()

    def forget(self, name: Hashable) -> None:
        """Starts again from nothing."""
        with self._lock:
            self._tried.pop(name, None)
