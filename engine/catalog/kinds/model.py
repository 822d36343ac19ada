"""``model`` and ``extend``: the shape of records."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.shapes import HOLDS, SCOPE_NAMES
from engine.errors import Label
from engine.expressions.types import BOOLEAN
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.source.shape import Formula, Located, Name, option

#: What the log of events calls acts that are no events of a workflow.
ACTS = frozenset({"create", "update", "delete", "restore", "release", "migrate"})


@dataclass(frozen=True, kw_only=True)
class Check(Located):
    """A condition that every saved record meets. Unknown (a null in it) passes: make the field required to forbid
    that."""

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
class Arising(Located):
    """An event that nobody fires: it arises when one of these fields of a saved record becomes another."""

    __short__ = "of"

    of: tuple[Name, ...] = option(one_or_many=True)
    label: Label | None = None

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
    routing: Name | None = option(None, help="The routing of its records, unless their channel names another")
    fields: Mapping[Name, Field]
    unique: tuple[tuple[Name, ...], ...] = ()
    index: tuple[tuple[Name, ...], ...] = ()
    checks: Mapping[Name, Check] = option(default_factory=dict)
    changes: Mapping[Name, Arising] = option(default_factory=dict, help="Events that arise when fields change")
    was: Name | None = option(None, help="The name it had before; renames the table instead of dropping it")

    def link(self, linker: DefinitionLinker) -> None:
        if self.title is not None:
            linker.field(self.name, self.title, self, "title")
        if self.key is not None:
            field = linker.field(self.name, self.key, self, "key")
            if field is not None and not field.unique and (self.key,) not in self.unique:
                linker.report(
                    "E404", f"the key '{self.key}' is not unique", self, "key", "say `unique: true` at the field"
                )
        for kind, name in (("workflow", self.workflow), ("routing", self.routing)):
            found = linker.reference(kind, name, self, kind)
            if found is not None and found.for_ != self.name:
                linker.report("E405", f"the {kind} {name} is for {found.for_}, not for {self.name}", self, kind)
        if self.was is not None and linker.get("model", self.was) is not None:
            linker.report("E405", f"there still is a model '{self.was}', so this one was not it before", self, "was")
        link_parts(linker, self.name, self)


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
    changes: Mapping[Name, Arising] = option(default_factory=dict, help="Events that arise when fields change")

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.extend, self, "extend") is not None:
            link_parts(linker, self.extend, self)


def link_parts(linker: DefinitionLinker, model: str, part: Model | Extend) -> None:
    """Links what a model and an extension of it have in common: fields, constraints, checks."""
    scope = linker.scope(model)
    for name, field in part.fields.items():
        check_field_name(linker, model, name, field)
        field.link(linker, scope)
        if field.was is not None and field.was in linker.fields(model):
            linker.report(
                "E405", f"{model} still has a field '{field.was}', so this one was not it before", field, "was"
            )
    check_constraint(linker, model, part, "unique", part.unique)
    check_constraint(linker, model, part, "index", part.index)
    for check in part.checks.values():
        linker.compile(check.require, scope, BOOLEAN)
        linker.compile(check.when, scope, BOOLEAN)
        if check.at is not None:
            linker.field(model, check.at, check, "at")
    for arising in part.changes.values():
        check_arising(linker, model, arising)


def check_arising(linker: DefinitionLinker, model: str, arising: Arising) -> None:
    """Reports an event that could not arise, or that is another's."""
    if arising.name in linker.fired(model) or arising.name in ACTS:
        linker.report_key(
            "E304", f"'{arising.name}' is an event of {model} already", arising, (), "choose another name"
        )
    for at, name in enumerate(arising.of):
        field = linker.field(model, name, arising, ("of", at))
        if field is not None and (isinstance(field, RowsField) or not field.stored):
            linker.report("E404", f"'{name}' is no column of its own, so its change is no event", arising, ("of", at))


def check_field_name(linker: DefinitionLinker, model: str, name: str, field: Field) -> None:
    """Reports a field whose name would hide something else, or could not stand in an expression."""
    if name in linker.system_fields(model):
        linker.report_key("E304", f"every record has a '{name}' of its own", field, (), "choose another name")
    elif name == HOLDS or name in SCOPE_NAMES:
        linker.report_key(
            "E304",
            f"the field '{name}' would hide what every expression knows by that name",
            field,
            (),
            "choose another name",
        )
    check_writable_name(linker, name, field)


def check_writable_name(linker: DefinitionLinker, name: str, field: Field) -> None:
    """Reports a name that the grammar of expressions keeps for itself, in the field and in its rows."""
    if keyword.iskeyword(name) or name in ("true", "false", "null"):
        linker.report_key(
            "E304", f"'{name}' is a word of the language of expressions", field, (), "choose another name"
        )
    if isinstance(field, RowsField):
        for inner, child in field.of.items():
            if inner == "id":
                linker.report_key("E304", "every row has an 'id' of its own", child, (), "choose another name")
            check_writable_name(linker, inner, child)


def check_constraint(
    linker: DefinitionLinker,
    model: str,
    at: Located,
    key: Literal["unique", "index"],
    groups: Iterable[tuple[Name, ...]],
) -> None:
    """Reports columns that a constraint or an index cannot have."""
    for row, names in enumerate(groups):
        for column, name in enumerate(names):
            field = linker.field(model, name, at, (key, row, column))
            if field is None:
                continue
            if isinstance(field, RowsField) or not field.stored:
                linker.report(
                    "E404", f"'{name}' is no column of its own, so it cannot be in `{key}`", at, (key, row, column)
                )
        if len(set(names)) < len(names):
            linker.report("E404", f"a field stands twice in `{key}`", at, (key, row))


def back_links(fields: Mapping[str, Field]) -> Iterable[tuple[LinkField, str]]:
    """The links among the fields that name their other side, each with that name."""
    for field in fields.values():
        if isinstance(field, LinkField) and field.back is not None:
            yield field, field.back
