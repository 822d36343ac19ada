"""``model`` and ``extend``: the shape of records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition
from engine.errors import Label
from engine.fields.field import Field
from engine.source.shape import Formula, Located, Name, option


@dataclass(frozen=True, kw_only=True)
class Check(Located):
    """A condition that every saved record meets. Unknown (a null in it) passes: make the field required to forbid that."""

    __short__ = "require"

    require: Formula
    when: Formula | None = option(None, help="The check only counts where this is true")
    at: str | None = option(None, help="The field that the complaint points at")
    message: Label | None = None
    code: str | None = option(None, help="A stable code for programs; CHECK_FAILED when absent")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Model(Definition):
    """A declared shape of records: a table, endpoints, pages."""

    kind: ClassVar[str] = "model"
    link_order: ClassVar[int] = 10

    model: Name
    label: Label | None = None
    title: str | None = option(None, help="The field that names a record for people; the key when absent")
    key: Name | None = option(None, help="The unique field that a text stands for where a link is expected")
    lock: Literal["version"] | bool = option("version", help="Whether an update must name the version it has read")
    workflow: Name | None = option(None, help="The workflow that new records start, unless their channel names another")
    fields: Mapping[Name, Field]
    unique: tuple[tuple[Name, ...], ...] = ()
    index: tuple[tuple[Name, ...], ...] = ()
    checks: Mapping[Name, Check] = option(default_factory=dict)
    was: Name | None = option(None, help="The name it had before; renames the table instead of dropping it")
    # `system` models come with the engine; set by the builder, not by authors: see catalog/system.py


@dataclass(frozen=True, kw_only=True)
class Extend(Definition):
    """More fields, checks, indexes for a model that stands elsewhere."""

    kind: ClassVar[str] = "extend"
    link_order: ClassVar[int] = 5

    extend: Name
    fields: Mapping[Name, Field] = option(default_factory=dict)
    unique: tuple[tuple[Name, ...], ...] = ()
    index: tuple[tuple[Name, ...], ...] = ()
    checks: Mapping[Name, Check] = option(default_factory=dict)
