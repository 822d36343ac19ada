"""The two clocks: the machine's, and one that is set by hand and stepped (tests, simulations, back-tests)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """A clock that stands still until somebody moves it. It never goes back."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware moment")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def step(self, by: timedelta) -> datetime:
        """The new present, ``by`` later."""
        if by < timedelta(0):
            raise ValueError("a clock does not go back")
        self._now += by
        return self._now
