"""``form``, ``view`` and ``access``: what people see and may do. None of these ever changes a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition
from engine.errors import Label
from engine.source.shape import Formula, Located, Name, option


@dataclass(frozen=True, kw_only=True)
class Section(Located):
    """A card of a form: rows of fields beside each other."""

    section: Label | None = None
    rows: tuple[tuple[Name, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Grid(Located):
    """The child rows of a record as a table that is edited in place."""

    grid: Name
    label: Label | None = None
    columns: tuple[Name, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FormField(Located):
    """What a form changes about a field; never its type."""

    label: Label | None = None
    help: Label | None = None
    default: Formula | None = None
    required: bool | None = None
    read_only: bool = False
    hidden_when: Formula | None = None


@dataclass(frozen=True, kw_only=True)
class Form(Definition):
    """How a record is put in."""

    kind: ClassVar[str] = "form"

    form: Name
    for_: Name = option(key="for")
    label: Label | None = None
    audience: tuple[Name, ...] = option((), one_or_many=True, help="Roles that get this form")
    layout: tuple[Section | Grid, ...]
    fields: Mapping[Name, FormField] = option(default_factory=dict)
    submit: Name | None = option(None, help="The event that the main button fires after saving")


@dataclass(frozen=True, kw_only=True)
class View(Definition):
    """A saved list: columns, condition, sorting. Also what `export` writes."""

    kind: ClassVar[str] = "view"

    view: Name
    for_: Name = option(key="for")
    label: Label | None = None
    columns: tuple[str, ...] = option(help="Fields, or paths to one such as owner.name")
    where: Formula | None = None
    sort: tuple[str, ...] = option((), one_or_many=True, help="Field names; `-` before one turns it round")
    search: tuple[Name, ...] = option((), one_or_many=True, help="Text fields that the search box looks in")
    audience: tuple[Name, ...] = option((), one_or_many=True)


@dataclass(frozen=True, kw_only=True)
class Update(Located):
    """When a record may be changed, and which fields."""

    rows: str = option("all", help="A scope's name, or `all`")
    when: Formula | None = None
    only: tuple[Name, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grant(Located):
    """What a role may do with a model's records. What is not said is denied."""

    read: str = option("none", help="`all`, `none`, or the name of a scope")
    create: Literal["all", "none"] | Formula = option("none", help="`all`, or an expression that the new record must meet")
    update: Literal["all", "none"] | Name | Update = option("none", help="`all`, a scope, or `{rows, when, only}`")
    delete: str = option("none", help="`all`, `none`, or the name of a scope")
    events: tuple[Name, ...] | Literal["all"] = option((), help="The events it may fire, or `all`")
    run: tuple[Name, ...] = option((), help="The actions it may run")
    hide: tuple[Name, ...] = option((), help="Fields it never sees")
    private: bool = option(False, help="Whether it sees private data unmasked, and may export it")
    export: bool = False


@dataclass(frozen=True, kw_only=True)
class Access(Definition):
    """What the role of this name may do."""

    kind: ClassVar[str] = "access"

    access: Name
    label: Label | None = None
    everything: bool = option(False, help="All rights on all models")
    scopes: Mapping[Name, Formula] = option(default_factory=dict, help="Named conditions on rows")
    can: Mapping[Name, Grant] = option(default_factory=dict)
