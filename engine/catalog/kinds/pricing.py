"""``pricing``: what a record, or each of its rows, costs. Price lists, rules that adjust, a cap, a floor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.kinds.pricing_checks import check_bounds, check_circle, check_percent, check_turns
from engine.errors import Label
from engine.expressions.types import (
    BOOLEAN,
    DECIMAL,
    NUMBERS,
    TEXT,
    ListType,
    RecordType,
    Scope,
    Shape,
    Type,
)
from engine.fields.rows import RowsField
from engine.registry import did_you_mean
from engine.source.formulas import formulas
from engine.source.shape import Formula, Located, Name, option
from engine.steps.records import beside

Path = tuple[str, ...]
Paths = frozenset[Path]

#: What expressions after the lists know besides: the price as it stands, and the list that it comes from.
PRICE, LIST = "price", "list"
MOST_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class PriceList(Located):
    """Where a price may come from: records of a model, rows that the record leads to, or an expression."""

    __short__ = "price"
    __at_most_one__ = (("from", "in"),)

    from_: Name | None = option(None, key="from", help="The model whose records are prices")
    in_: Formula | None = option(None, key="in", help="A path from the record to the rows that are prices")
    if_: Formula | None = option(None, key="if", help="Whether the list is asked at all")
    match: Mapping[Name, Formula] = option(
        default_factory=dict, help="Fields of a price, and what they have to be equal to"
    )
    where: Formula | None = option(None, help="Only these prices count, over their fields")
    tiers: Mapping[Name, Formula] = option(
        default_factory=dict,
        help="Fields that say from how much on a price holds, and how much it is; the highest that is reached counts",
    )
    rank: tuple[str, ...] = option(
        (), one_or_many=True, help="Fields that put one price before another; `-` before one turns it round"
    )
    price: Formula
    fixed: bool = option(False, help="Whether the price is agreed: neither rules nor cap and floor touch it")

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def has_entries(self) -> bool:
        """Whether it chooses among prices."""
        return self.from_ is not None or self.in_ is not None


@dataclass(frozen=True, kw_only=True)
class Adjustment(Located):
    """A rule that changes the price as it stands."""

    __exactly_one__ = (("percent", "to"),)

    if_: Formula | None = option(None, key="if", help="When it does; unknown counts as no")
    percent: Formula | None = option(None, help="So many percent more, or less when negative")
    to: Formula | None = option(None, help="The new price; `price` is the one so far")
    message: Label | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Floor(Located):
    """The least that may be asked, and what happens to less."""

    __short__ = "at"

    at: Formula
    below: Literal["raise", "refuse", "keep"] = option(
        "raise", help="`raise` to it, `refuse` the act, or `keep` the price and only tell it"
    )


@dataclass(frozen=True, kw_only=True)
class Pricing(Definition):
    """What things cost. The first list that offers a price gives it; unless it is fixed, rules adjust it, each seeing
    what those before it have made of it; then it is rounded, and kept between floor and cap."""

    kind: ClassVar[str] = "pricing"
    link_order: ClassVar[int] = 30

    pricing: Name
    for_: Name = option(key="for")
    label: Label | None = None
    of: Name | None = option(None, help="The rows that have a price each; absent: the record itself has one")
    as_: Name = option("row", key="as", help="What the expressions call the row")
    let: Mapping[Name, Formula] = option(default_factory=dict, help="Values for each row that others then name")
    lists: Mapping[Name, PriceList]
    adjust: Mapping[Name, Adjustment] = option(default_factory=dict)
    cap: Formula | None = option(None, help="The most that may be asked; where it is below the floor, the floor counts")
    floor: Floor | None = None
    round: int = option(2, help="So many digits, half up")
    set: Mapping[Name, Formula] = option(help="The fields of the row that get something of it: `price`, `list`")

    @cached_property
    def reads(self) -> Paths:
        """The paths from the record that anything of it reads."""
        return self.read_by(self)

    @cached_property
    def found_by(self) -> Paths:
        """The paths from the record on which the price depends."""
        return self.read_by([self.let, self.lists, self.adjust, self.cap, self.floor])

    def read_by(self, part: object) -> Paths:
        """The paths from the record that expressions of a part read."""
        entries = {id(formula): each for each in self.lists.values() for formula in self._of_entries(each)}
        found: set[Path] = set()
        for formula in formulas(part):
            expression, among = formula.expression, entries.get(id(formula))
            own = [*expression.reads]
            if among is not None:
                start = self.way_to(among)
                own = [(*start, *path) for path in own] if start else []
            found.update(own)
            for path in expression.scope_reads:
                if path[0] in ("record", self.for_) and len(path) > 1:
                    found.add(path[1:])
                elif path[0] == self.as_ and self.of is not None and len(path) > 1:
                    found.add((self.of, *path[1:]))
        for each in self.lists.values():
            start = self.way_to(each)
            if start:
                found |= {(*start, name.removeprefix("-")) for name in (*each.match, *each.tiers, *each.rank)}
        return frozenset(found)

    def entry_reads(self, each: PriceList) -> Paths:
        """The paths from a price of the list that are read to choose it, and to say what it is."""
        ranked = (term.removeprefix("-") for term in each.rank)
        named = {(name,) for name in (*each.match, *each.tiers, *ranked)}
        return frozenset(path for formula in self._of_entries(each) for path in formula.expression.reads) | named

    def way_to(self, each: PriceList) -> Path:
        """The path from the record to the prices of a list; empty when they do not hang on it."""
        if each.in_ is None:
            return ()
        way = tuple(each.in_.text.strip().split("."))
        return way[1:] if way[0] in ("record", self.for_) else way

    @staticmethod
    def _of_entries(each: PriceList) -> Iterator[Formula]:
        """The expressions over the fields of a price."""
        if each.has_entries:
            yield from formulas([each.where, each.price])

    # Linking --------------------------------------------------------------------------------------------------------

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.for_, self, "for") is None:
            return
        around = linker.scope(self.for_)
        scope = self._rows_scope(linker, around)
        if scope is None:
            return
        for name, formula in self.let.items():
            found = linker.compile(formula, scope)
            if found is not None:
                scope = linker.naming(scope, name, found.type, self, "let")
        if not self.lists:
            linker.report("E105", "there is no list to take a price from", self, "lists", "name at least one")
        for each in self.lists.values():
            self._link_list(linker, each, around, scope)
        linker.compile(self.cap, scope, DECIMAL)
        if self.floor is not None:
            linker.compile(self.floor.at, scope, DECIMAL)
        priced = linker.naming(linker.naming(scope, PRICE, DECIMAL, self, "set"), LIST, TEXT, self, "set")
        for rule in self.adjust.values():
            linker.compile(rule.if_, priced, BOOLEAN)
            linker.compile(rule.percent, priced, DECIMAL)
            linker.compile(rule.to, priced, DECIMAL)
            check_percent(linker, rule)
        self._link_set(linker, priced)
        if not 0 <= self.round <= MOST_DIGITS:
            linker.report("E107", f"from 0 to {MOST_DIGITS} digits", self, "round")
        check_bounds(linker, self)
        check_turns(linker, self)

    def _rows_scope(self, linker: DefinitionLinker, around: Scope) -> Scope | None:
        """What expressions about a row may name; None when there are no such rows."""
        if self.of is None:
            return around
        found = linker.field(self.for_, self.of, self, "of")
        if found is None:
            return None
        if not isinstance(found, RowsField):
            linker.report("E404", f"'{self.of}' of {self.for_} holds no rows", self, "of")
            return None
        member = around.record.member(self.of) if around.record is not None else None
        if member is None or not isinstance(member.type, ListType):
            return None
        return linker.naming(around, self.as_, member.type.item, self, "as")

    def _link_list(self, linker: DefinitionLinker, each: PriceList, around: Scope, scope: Scope) -> None:
        linker.compile(each.if_, scope, BOOLEAN)
        if not each.has_entries:
            for key in ("match", "where", "tiers", "rank"):
                if getattr(each, key):
                    linker.report("E110", f"`{key}` needs prices to choose from", each, key, "say `from` or `in`")
            linker.compile(each.price, scope, DECIMAL)
            return
        shape = self._entries(linker, each, around)
        if shape is None:
            return
        if each.from_ is not None:
            if not each.match:
                hint = f"say which field of {each.from_} is equal to what"
                linker.report("E105", "without `match` every price would be read", each, "from", hint)
            linker.where(each.where, beside(shape, around))
        else:
            linker.compile(each.where, beside(shape, scope), BOOLEAN)
        linker.compile(each.price, beside(shape, scope), DECIMAL)
        for name, formula in each.match.items():
            found = _member(linker, each, "match", name, shape)
            linker.compile(formula, scope, found)
        for name, formula in each.tiers.items():
            found = _member(linker, each, "tiers", name, shape)
            if found is not None and found not in NUMBERS:
                linker.report("E205", f"a tier begins at a number, and {name} is {found}", each, ("tiers", name))
            linker.compile(formula, scope, DECIMAL)
        for entry in each.rank:
            found = _member(linker, each, "rank", entry.removeprefix("-"), shape)
            if isinstance(found, RecordType | ListType):
                linker.report("E205", f"{entry.removeprefix('-')} is {found}: that cannot be sorted", each, "rank")

    def _entries(self, linker: DefinitionLinker, each: PriceList, around: Scope) -> Shape | None:
        """The shape of the list's prices."""
        if each.from_ is not None:
            if linker.reference("model", each.from_, each, "from") is None:
                return None
            return linker.shape(each.from_)
        found = linker.compile(each.in_, around)
        if found is None or each.in_ is None:
            return None
        item = found.type.item if isinstance(found.type, ListType) else None
        if not isinstance(item, RecordType) or not each.in_.text.strip().replace(".", "_").isidentifier():
            hint = "such as `in: offer.rows`"
            linker.report("E205", f"`in` needs a path to rows, and this is {found.type}", each, "in", hint)
            return None
        return item.shape

    def _link_set(self, linker: DefinitionLinker, scope: Scope) -> None:
        fields = linker.fields(self.for_)
        rows = fields.get(self.of) if self.of is not None else None
        place = f"{self.for_}.{self.of}" if self.of is not None else self.for_
        known = rows.of if isinstance(rows, RowsField) else fields
        if not self.set:
            linker.report("E105", "nothing gets the price", self, "set", "say which field: `set: {FIELD: price}`")
        for name, formula in self.set.items():
            field = known.get(name)
            if field is None:
                linker.report_key(
                    "E303", f"{place} has no field '{name}'", self, ("set", name), did_you_mean(name, known)
                )
                continue
            if field.value is not None:
                linker.report_key("E405", f"'{name}' is worked out from other fields", self, ("set", name))
            linker.compile(formula, scope, field.expression_type(linker.shape))
        if all(formula.expression is not None for formula in formulas(self)):
            check_circle(linker, self, known, fields)


def _member(linker: DefinitionLinker, each: PriceList, key: str, name: str, shape: Shape) -> Type | None:
    """The type of a field of a price; a problem when there is none."""
    found = shape.member(name)
    if found is None:
        linker.report("E303", f"{shape.name} has no field '{name}'", each, key, did_you_mean(name, shape.names()))
        return None
    return found.type
