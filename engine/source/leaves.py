"""What definitions are made of beyond text and numbers: names, expressions, durations, windows, rates, times of day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, NewType, TypeAlias

from engine.errors import Span
from engine.source.document import Document, Path

#: A name that definitions refer to: lower case letters, digits and underscores, starting with a letter.
#: For the type checker it is a text, since maps of names are read with texts; the grammar tells the two apart.
if TYPE_CHECKING:
    Name: TypeAlias = str
else:
    Name = NewType("Name", str)

#: Databases cut longer names off.
LONGEST_NAME = 63
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Formula:
    """An expression as it stands in a file. ``expression`` is what it was compiled to: None until ``bind``.

    Two formulas of the same text are different ones, since they stand in different places.
    """

    __slots__ = ("document", "expression", "path", "text")

    def __init__(self, text: str, document: Document, path: Path) -> None:
        self.text = text
        self.document = document
        self.path = path
        self.expression: Any = None

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    @property
    def span(self) -> Span:
        """The place of the whole expression."""
        return self.document.span(self.path)

    def within(self, start: int, end: int) -> Span:
        """The place of the characters start to end of its text."""
        return self.document.within(self.path, start, end)

    def bind(self, expression: Any) -> None:
        """Keeps what it was compiled to. A second time is a bug."""
        if self.expression is not None:
            raise RuntimeError(f"{self!r} is bound already")
        self.expression = expression


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time on the clock (``30 min``), or of working time (``8 work_hours``), which needs a calendar."""

    UNITS: ClassVar[dict[str, str]] = {
        "s": "s", "min": "min", "h": "h", "d": "d", "w": "w",
        "work_hour": "work_hours", "work_hours": "work_hours", "work_day": "work_days", "work_days": "work_days",
    }  # fmt: skip
    SECONDS: ClassVar[dict[str, int]] = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
    PATTERN: ClassVar[str] = r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(s|min|h|d|w|work_hours?|work_days?)"
    EXPECTED: ClassVar[str] = "a duration such as `30 min`, `8 work_hours`, `3 work_days` or `7 d`"

    amount: Decimal
    unit: str

    @classmethod
    def parse(cls, text: str) -> Duration:
        """The duration that the text spells. ValueError says what is wrong with it."""
        found = re.fullmatch(cls.PATTERN, text)
        if found is None:
            raise ValueError(f"units are {', '.join(dict.fromkeys(cls.UNITS.values()))}")
        return cls(Decimal(found[1]), cls.UNITS[found[2]])

    @property
    def of_working_time(self) -> bool:
        """Whether only a calendar can tell when it ends."""
        return self.unit not in self.SECONDS

    @property
    def timedelta(self) -> timedelta:
        """The length on the clock. ValueError for working time."""
        if self.of_working_time:
            raise ValueError(f"{self} depends on a calendar")
        return timedelta(seconds=float(self.amount * self.SECONDS[self.unit]))

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a time: ``20/s``."""

    PERIODS: ClassVar[dict[str, int]] = Duration.SECONDS
    PATTERN: ClassVar[str] = r"([1-9][0-9]{0,8}) ?/ ?(s|min|h|d|w)"
    EXPECTED: ClassVar[str] = "a rate such as `20/s` or `600/min`"

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate that the text spells. ValueError says what is wrong with it."""
        found = re.fullmatch(cls.PATTERN, text)
        if found is None:
            raise ValueError(f"a whole number above 0, `/`, and one of {', '.join(cls.PERIODS)}")
        return cls(int(found[1]), found[2])

    @property
    def period(self) -> timedelta:
        """The time in which ``amount`` may happen."""
        return timedelta(seconds=self.PERIODS[self.unit])

    def __str__(self) -> str:
        return f"{self.amount}/{self.unit}"


@dataclass(frozen=True, slots=True, order=True)
class TimeOfDay:
    """A time on the wall, from ``00:00`` to ``24:00``, the end of the day."""

    PATTERN: ClassVar[str] = r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00"
    EXPECTED: ClassVar[str] = "a time of day from `00:00` to `24:00`"

    minutes: int

    @classmethod
    def parse(cls, text: str) -> TimeOfDay:
        """The time that the text spells. ValueError says what is wrong with it."""
        found = re.fullmatch(cls.PATTERN, text)
        if found is None:
            raise ValueError("write hours and minutes with two digits each")
        return cls(int(found[1]) * 60 + int(found[2]) if found[1] else 24 * 60)

    @property
    def since_midnight(self) -> timedelta:
        """How far into the day it is."""
        return timedelta(minutes=self.minutes)

    def __str__(self) -> str:
        return f"{self.minutes // 60:02}:{self.minutes % 60:02}"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that ends with a moment (``last 60 min``, ``4 weeks``), or goes by its day (``day``,
    ``7 days before today``)."""

    UNITS: ClassVar[dict[str, str]] = {
        "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w", "weeks": "w",
        **{unit: unit for unit in Duration.SECONDS},
    }  # fmt: skip
    PATTERN: ClassVar[str] = (
        r"day|[1-9][0-9]{0,3} days? before today"
        r"|last [1-9][0-9]{0,5} (s|min|h|d|w|hours?|days?|weeks?)|[1-9][0-9]{0,5} (hours?|days?|weeks?)"
    )
    EXPECTED: ClassVar[str] = "a window such as `day`, `last 60 min`, `7 days before today` or `4 weeks`"

    amount: int
    unit: str
    #: By days of the wall: `day` is the one of the moment so far, `before today` those that are over.
    today: bool = False
    before: bool = False

    @classmethod
    def parse(cls, text: str) -> Window:
        """The window that the text spells. ValueError says what is wrong with it."""
        if re.fullmatch(cls.PATTERN, text) is None:
            raise ValueError("`day`, `N days before today`, or `last` and a number with one of " + ", ".join(cls.UNITS))
        words = text.removeprefix("last ").split()
        if words == ["day"]:
            return cls(1, "d", today=True)
        return cls(int(words[0]), cls.UNITS[words[1]], before=len(words) > 2)

    @property
    def days(self) -> Decimal:
        """Its length in days."""
        return Decimal(self.amount * Duration.SECONDS[self.unit]) / Duration.SECONDS["d"]

    def bounds(self, moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
        """The first and the last microsecond that belong to it, as of the moment: what happened exactly a window's
        length ago is out of it."""
        instant = timedelta(microseconds=1)
        if not self.today and not self.before:
            return moment - timedelta(seconds=self.amount * Duration.SECONDS[self.unit]) + instant, moment
        midnight = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self.today:
            return midnight.astimezone(UTC), moment
        # Days of the wall: that on which the clocks are changed is longer or shorter.
        return (midnight - timedelta(days=self.amount)).astimezone(UTC), midnight.astimezone(UTC) - instant

    def __str__(self) -> str:
        if self.today:
            return "day"
        return f"{self.amount} days before today" if self.before else f"last {self.amount} {self.unit}"


#: The leaf types that are spelled as a text with a grammar of its own.
SPELLED = (Duration, Rate, TimeOfDay, Window)
