"""``form``, ``view`` and ``access``: what people see and may do. None of these ever changes a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker, Key
from engine.errors import Label
from engine.expressions.types import BOOLEAN, TEXT
from engine.fields.rows import RowsField
from engine.registry import did_you_mean
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
    totals: tuple[Name, ...] = option(
        (),
        help="Amounts below the rows, the last one large; when absent, those that stand nowhere else",
    )

    def link(self, linker: DefinitionLinker, model: str) -> None:
        """Checks the rows, their columns and the totals."""
        field = linker.field(model, self.grid, self, "grid")
        if field is None:
            return
        if not isinstance(field, RowsField):
            linker.report("E405", f"'{self.grid}' holds no rows", self, "grid", "put it in `rows:` of a section")
            return
        for at, name in enumerate(self.columns):
            linker.field(model, f"{self.grid}.{name}", self, ("columns", at))
        for at, name in enumerate(self.totals):
            linker.field(model, name, self, ("totals", at))


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

    def link(self, linker: DefinitionLinker) -> None:
        model = self.for_
        if linker.reference("model", model, self, "for") is None:
            return
        for part in self.layout:
            if isinstance(part, Grid):
                part.link(linker, model)
            else:
                for row, names in enumerate(part.rows):
                    for column, name in enumerate(names):
                        linker.field(model, name, part, ("rows", row, column))
        scope = linker.scope(model)
        for name, changes in self.fields.items():
            field = linker.field(model, name, self, ("fields", name), is_key=True)
            linker.compile(changes.hidden_when, scope, BOOLEAN)
            if field is not None:
                linker.compile(changes.default, scope, field.expression_type(linker.shape))
        if self.submit is not None:
            linker.event(model, self.submit, self, "submit")


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

    def link(self, linker: DefinitionLinker) -> None:
        model = self.for_
        if linker.reference("model", model, self, "for") is None:
            return
        for at, path in enumerate(self.columns):
            linker.field(model, path, self, ("columns", at))
        linker.where(self.where, linker.scope(model))
        for at, entry in enumerate(self.sort):
            field = linker.field(model, entry.removeprefix("-"), self, ("sort", at))
            if isinstance(field, RowsField):
                linker.report(
                    "E404", f"rows have no order among records, so '{entry}' cannot sort them", self, ("sort", at)
                )
        for at, name in enumerate(self.search):
            field = linker.field(model, name, self, ("search", at))
            if field is not None and field.expression_type(linker.shape) != TEXT:
                linker.report("E404", f"'{name}' is no text to search in", self, ("search", at))


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
    create: Literal["all", "none"] | Formula = option(
        "none", help="`all`, or an expression that the new record must meet"
    )
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

    def link(self, linker: DefinitionLinker) -> None:
        for model, grant in self.can.items():
            if linker.reference("model", model, self, ("can", model), is_key=True) is not None:
                self._link_grant(linker, model, grant)

    def _link_grant(self, linker: DefinitionLinker, model: str, grant: Grant) -> None:
        scope = linker.scope(model)
        self._rows(linker, model, grant.read, grant, "read")
        self._rows(linker, model, grant.delete, grant, "delete")
        if isinstance(grant.create, Formula):
            linker.compile(grant.create, scope, BOOLEAN)
        if isinstance(grant.update, Update):
            self._rows(linker, model, grant.update.rows, grant.update, "rows")
            linker.compile(grant.update.when, scope, BOOLEAN)
            for at, name in enumerate(grant.update.only):
                linker.field(model, name, grant.update, ("only", at))
        else:
            self._rows(linker, model, grant.update, grant, "update")
        if grant.events != "all":
            for at, event in enumerate(grant.events):
                linker.event(model, event, grant, ("events", at))
        for at, action in enumerate(grant.run):
            linker.reference("action", action, grant, ("run", at))
        for at, name in enumerate(grant.hide):
            linker.field(model, name, grant, ("hide", at))

    def _rows(self, linker: DefinitionLinker, model: str, said: str, at: Located, key: Key) -> None:
        """Compiles the scope that a right names, for the model."""
        if said in ("all", "none"):
            return
        if said not in self.scopes:
            hint = did_you_mean(said, [*self.scopes, "all", "none"])
            linker.report("E302", f"there is no scope '{said}' in {self.name}", at, key, hint)
        else:
            linker.row_condition(self.name, said, self.scopes[said], model)
