"""``app`` and ``calendar``: the application as a whole, and its working time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from engine.catalog.kind import Definition, DefinitionLinker, Key
from engine.errors import Label
from engine.expressions.calendars import WorkingTime
from engine.source.shape import Located, Name, TimeOfDay, option

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, kw_only=True)
class MenuGroup(Located):
    """A heading of the side bar, and the models or views below it."""

    group: Label
    items: tuple[Name, ...]


@dataclass(frozen=True, kw_only=True)
class App(Definition):
    """The application's name and what holds everywhere in it. At most one document of this kind."""

    kind: ClassVar[str] = "app"
    link_order: ClassVar[int] = 1

    app: Name
    label: Label | None = None
    languages: tuple[str, ...] = ("zh", "en")
    timezone: str = "UTC"
    currency: str = "CNY"
    calendar: Name | None = option(None, help="Whose working time expressions mean; the only one there is when absent")
    intake: Name | None = option(None, help="The model that channels feed unless they say `for`")
    menu: tuple[MenuGroup, ...] = ()

    def link(self, linker: DefinitionLinker) -> None:
        check_timezone(linker, self, self.timezone)
        linker.reference("model", self.intake, self, "intake")
        linker.reference("calendar", self.calendar, self, "calendar")
        for group in self.menu:
            for at, item in enumerate(group.items):
                if linker.get("view", item) is None:
                    linker.reference("model", item, group, ("items", at))


@dataclass(frozen=True, kw_only=True)
class Calendar(Definition):
    """Working time as data: a week's pattern, holidays, make-up workdays."""

    kind: ClassVar[str] = "calendar"

    calendar: Name
    label: Label | None = None
    timezone: str | None = None
    week: Mapping[Weekday, tuple[tuple[TimeOfDay, TimeOfDay], ...]]
    holidays: Mapping[str, Label] = option(default_factory=dict, help="Dates that are off, with their names")
    workdays: Mapping[str, Label] = option(
        default_factory=dict, help="Dates that are worked though the week says otherwise"
    )
    confirmed_until: str | None = option(
        None, help="Past this date the week's pattern holds, and results are provisional"
    )

    def working_time(self, timezone: str) -> WorkingTime:
        """The calendar as expressions use it. ``timezone``: where the calendar names none."""
        until = self.confirmed_until
        return WorkingTime(
            self.timezone or timezone,
            tuple(
                tuple((opens.since_midnight, closes.since_midnight) for opens, closes in self.week.get(day, ()))
                for day in WEEKDAYS
            ),
            frozenset(map(date.fromisoformat, self.holidays)),
            frozenset(map(date.fromisoformat, self.workdays)),
            date.fromisoformat(until) if until is not None else None,
        )

    def link(self, linker: DefinitionLinker) -> None:
        if self.timezone is not None:
            check_timezone(linker, self, self.timezone)
        for weekday, spans in self.week.items():
            end = None
            for at, (opens, closes) in enumerate(spans):
                if opens >= closes or (end is not None and opens < end):
                    linker.report(
                        "E107",
                        "each span ends after it begins, and begins after the one before",
                        self,
                        ("week", weekday, at),
                    )
                end = closes
        for key, days in (("holidays", self.holidays), ("workdays", self.workdays)):
            for day in days:
                check_date(linker, self, day, (key, day), is_key=True)
        if self.confirmed_until is not None:
            check_date(linker, self, self.confirmed_until, "confirmed_until")
        if not any(self.week.values()):
            hint = 'such as `monday: [["09:00", "18:00"]]`'
            linker.report("E107", "nobody ever works by this calendar: no day has hours", self, "week", hint)
        self._check_days(linker)

    def _check_days(self, linker: DefinitionLinker) -> None:
        """Reports days that are said to be off and worked, and those that are announced though nothing is yet."""
        for day in self.workdays:
            if day in self.holidays:
                linker.report_key("E405", f"{day} is among the holidays as well", self, ("workdays", day))
        until = self.confirmed_until
        for key, days in (("holidays", self.holidays), ("workdays", self.workdays)):
            for day in days:
                if until is not None and day > until and _is_date(day) and _is_date(until):
                    text = f"{day} is announced, though the calendar is confirmed until {until} only"
                    linker.report_key("E405", text, self, (key, day), "move `confirmed_until` with the announcement")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def check_timezone(linker: DefinitionLinker, at: Located, name: str) -> None:
    """Reports a ``timezone`` that is none of the IANA database."""
    try:
        ZoneInfo(name)
    except (
        LookupError,
        ValueError,
        OSError,
    ):  # ZoneInfo reads a file of that name: a folder's or a foreign path's is no zone
        linker.report("E107", f"'{name}' is no time zone", at, "timezone", "such as Asia/Shanghai or UTC")


def check_date(linker: DefinitionLinker, at: Located, text: str, key: Key, *, is_key: bool = False) -> None:
    """Reports what is no date."""
    try:
        date.fromisoformat(text)
    except ValueError:
        report = linker.report_key if is_key else linker.report
        report("E107", f"'{text}' is no date", at, key, "such as 2026-10-01")
