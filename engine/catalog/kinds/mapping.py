"""The map of a channel: from a raw record to the fields of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.catalog.kind import DefinitionLinker
from engine.catalog.paths import PathError, every, getter
from engine.expressions.types import Scope
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.moment import DateField, DateTimeField
from engine.fields.rows import RowsField
from engine.source.shape import Formula, Located, Name, option

#: Exactly one of these says where a value comes from.
ORIGINS = ("from", "const", "value", "lookup", "upsert", "alias", "each")


@dataclass(frozen=True, kw_only=True)
class Mapped(Located):
    """Where a field's value comes from: exactly one of `from const value lookup upsert alias each`."""

    __short__ = "from"

    from_: str | None = option(None, key="from", help="A path into the raw record: $.a.b, or a column's name as $.列名")
    const: Any = None
    value: Formula | None = option(None, help="An expression over the fields mapped so far")
    lookup: str | None = option(None, help="A model, or one of its fields (gb_pickup.address), found with `by`")
    upsert: str | None = option(None, help="A model whose record is found with `by`, or made with `by` and `set`")
    alias: str | None = option(
        None,
        help="A path whose value is looked up among the aliases of the link's model for this channel, then as its key",
    )
    each: str | None = option(None, help="A path of raw rows, each mapped by `map`; `$` starts at the row")
    map: Mapping[Name, Mapped] | None = None
    by: Mapping[Name, Mapped] | None = None
    set: Mapping[Name, Mapped] | None = None
    scale: Decimal | None = option(None, help="A factor: cents to money is 0.01")
    choices: Mapping[str, Any] | None = option(None, help="What each arriving text means; others are refused")
    format: str | None = option(None, help="How a date or time is written, as in strptime; ISO 8601 when absent")
    default: Any = option(None, help="Taken when the path leads nowhere or to an empty value")

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def origins(self) -> list[str]:
        """The keys among ORIGINS that were given."""
        given = {
            "from": self.from_, "const": self.const, "value": self.value, "lookup": self.lookup,
            "upsert": self.upsert, "alias": self.alias, "each": self.each,
        }  # fmt: skip
        return [key for key in ORIGINS if given[key] is not None]


def link_map(linker: DefinitionLinker, entries: Mapping[Name, Mapped], model: str, path: tuple[str, ...] = ()) -> None:
    """Links a map onto the fields of a model, or of the rows at that path in it."""
    scope = linker.rows_scope(model, path) if path else linker.scope(model)
    for name, entry in entries.items():
        if not path and name in linker.system_fields(model):
            linker.report_key("E405", f"'{name}' is a system column, which no channel may set", entry, ())
            continue
        field = linker.field(model, ".".join((*path, name)), entry, (), is_key=True)
        if field is not None:
            link_entry(linker, entry, field, model, path, scope)


def link_entry(
    linker: DefinitionLinker, entry: Mapped, field: Field, model: str, path: tuple[str, ...], scope: Scope
) -> None:
    """Links one entry: its origin, and what belongs to that."""
    if not check_origin(linker, entry):
        return
    check_reading(linker, entry, field)
    if field.read_only:
        linker.report_key("E405", f"'{field.name}' is worked out by the system", entry, ())
    match entry.origins[0]:
        case "value":
            linker.compile(entry.value, scope, field.expression_type(linker.shape))
        case "const":
            check_constant(linker, entry, field, entry.const, "const")
        case "lookup":
            link_lookup(linker, entry, scope)
        case "upsert":
            link_upsert(linker, entry, field, scope)
        case "alias" if not isinstance(field, LinkField):
            linker.report("E405", f"'{field.name}' is no link, so nothing has an alias for it", entry, "alias")
        case "each":
            if not isinstance(field, RowsField):
                linker.report("E405", f"'{field.name}' holds no rows", entry, "each")
            else:
                link_map(linker, entry.map or {}, model, (*path, field.name))
    for text, value in (entry.choices or {}).items():
        check_constant(linker, entry, field, value, "choices", text)


def check_origin(linker: DefinitionLinker, entry: Mapped) -> bool:
    """Reports an entry with no origin or several, and keys that its origin does not take."""
    origins = entry.origins
    if len(origins) != 1:
        found = f"found {' and '.join(origins)}" if origins else "found none"
        linker.report_key(
            "E110", f"exactly one of {', '.join(ORIGINS)} says where the value comes from; {found}", entry, ()
        )
        return False
    needs = {"lookup": ("by",), "upsert": ("by",), "each": ("map",)}.get(origins[0], ())
    given = {"by": entry.by, "set": entry.set, "map": entry.map}
    for key in needs:
        if not given[key]:
            linker.report("E105", f"`{origins[0]}` needs `{key}`", entry, origins[0])
    takes = {"lookup": ("by",), "upsert": ("by", "set"), "each": ("map",)}.get(origins[0], ())
    for key, value in given.items():
        if value is not None and key not in takes:
            linker.report_key("E110", f"`{key}` has no meaning beside `{origins[0]}`", entry, key)
    return True


def check_reading(linker: DefinitionLinker, entry: Mapped, field: Field) -> None:
    """Reports paths that are none, and a way of writing that no moment has."""
    for key, path in (("from", entry.from_), ("alias", entry.alias)):
        check_path(linker, path, entry, key)
    check_path(linker, entry.each, entry, "each", many=True)
    if entry.format is None:
        return
    if not isinstance(field, DateField | DateTimeField):
        linker.report("E405", f"'{field.name}' is no date and no time, so it has no format", entry, "format")
        return
    try:
        datetime.strptime("", entry.format)  # noqa: DTZ007  only its complaint is wanted
    except ValueError as error:
        # The empty text fits almost no format; what is wrong with the format itself is said otherwise.
        if not str(error).startswith("time data"):
            linker.report("E107", f"this is no way to write a moment: {error}", entry, "format")


def check_path(linker: DefinitionLinker, path: str | None, at: Located, key: str, *, many: bool = False) -> None:
    """Reports a path that cannot be followed. Only with ``many`` may it lead to several values."""
    if path is None:
        return
    try:
        (every if many else getter)(path)
    except PathError as error:
        linker.report("E107", str(error), at, key)


def check_constant(linker: DefinitionLinker, entry: Mapped, field: Field, value: Any, *key: str) -> None:
    """Reports a constant that the field refuses. A link's is a text that is looked up when it arrives."""
    if value is None or isinstance(field, LinkField | RowsField):
        return
    try:
        field.parse(value)
    except ValueFault as fault:
        code = "E402" if fault.code == "VALUE_CHOICE" else "E107"
        linker.report(code, f"'{field.name}' does not take this value: {fault.message}", entry, key)


def link_lookup(linker: DefinitionLinker, entry: Mapped, scope: Scope) -> None:
    """Links `lookup: model` or `lookup: model.field`, and the fields it is found by."""
    model, _, path = (entry.lookup or "").partition(".")
    if linker.reference("model", model, entry, "lookup") is None:
        return
    if path:
        linker.field(model, path, entry, "lookup")
    link_found_by(linker, entry.by or {}, model, scope)


def link_upsert(linker: DefinitionLinker, entry: Mapped, field: Field, scope: Scope) -> None:
    """Links `upsert: model`: the field must link there, the record is found by some fields and made with others."""
    model = entry.upsert or ""
    if linker.reference("model", model, entry, "upsert") is None:
        return
    if not isinstance(field, LinkField) or field.target != model:
        linker.report("E405", f"'{field.name}' is no link to {model}", entry, "upsert")
    link_found_by(linker, entry.by or {}, model, scope)
    link_found_by(linker, entry.set or {}, model, scope)


def link_found_by(linker: DefinitionLinker, entries: Mapping[Name, Mapped], model: str, scope: Scope) -> None:
    """Links the fields of another model that are given values; these see the record that is being mapped."""
    for name, inner in entries.items():
        field = linker.field(model, name, inner, (), is_key=True)
        if field is None or not check_origin(linker, inner):
            continue
        check_reading(linker, inner, field)
        if inner.origins[0] not in ("from", "const", "value", "alias"):
            linker.report("E110", f"`{inner.origins[0]}` cannot stand inside another one", inner, inner.origins[0])
        linker.compile(inner.value, scope, field.expression_type(linker.shape))
        if inner.const is not None:
            check_constant(linker, inner, field, inner.const, "const")
