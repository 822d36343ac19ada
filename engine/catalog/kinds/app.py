"""``app``, ``calendar`` and ``test``: the application as a whole, its working time, and its examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from engine.catalog.kind import Definition
from engine.errors import Label
from engine.source.shape import Located, Name, TimeOfDay, option


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
    intake: Name | None = option(None, help="The model that channels feed unless they say `for`")
    menu: tuple[MenuGroup, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Calendar(Definition):
    """Working time as data: a week's pattern, holidays, make-up workdays."""

    kind: ClassVar[str] = "calendar"

    calendar: Name
    label: Label | None = None
    timezone: str | None = None
    week: Mapping[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], tuple[tuple[TimeOfDay, TimeOfDay], ...]]
    holidays: Mapping[str, Label] = option(default_factory=dict, help="Dates that are off, with their names")
    workdays: Mapping[str, Label] = option(default_factory=dict, help="Dates that are worked though the week says otherwise")
    confirmed_until: str | None = option(None, help="Past this date the week's pattern holds, and results are provisional")


@dataclass(frozen=True, kw_only=True)
class Test(Definition):
    """An example that must come out: read only by `orderloom test`."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test"

    test: str
    for_: Name | None = option(None, key="for")
    clock: str | None = option(None, help="The moment at which it starts, with its zone")
    settings: Mapping[str, Any] = option(default_factory=dict)
    given: tuple[Mapping[str, Any], ...] = option((), help="Records, each {model: {field: value}}; links by key")
    do: tuple[Mapping[str, Any], ...] = option((), help="create, update, fire, intake, wait")
    expect: tuple[Mapping[str, Any], ...] = ()
