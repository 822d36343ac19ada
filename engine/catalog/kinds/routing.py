"""``routing``: from which places a record is supplied. Candidates in tiers, rules that they must meet, a rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.kinds.routing_checks import check_rank, check_tiers
from engine.errors import Label
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, DECIMAL, INTEGER, ListType, Member, RecordType, Scope, SimpleShape
from engine.fields.field import Linker
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.source.formulas import formulas
from engine.source.shape import Formula, Located, Name, option
from engine.steps.records import beside

#: What rules and ranks know about a candidate besides its fields: how much is wanted, and how much of it it has.
AMOUNTS = SimpleShape("amounts", {"quantity": Member(DECIMAL, nullable=False), "rows": Member(INTEGER, nullable=False)})
Paths = frozenset[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Need(Located):
    """What is wanted, for each row: over the row's fields."""

    item: Formula
    quantity: Formula = option(help="How much of it; nothing is needed where this is null, or not above 0")
    partial: Formula | None = option(
        None, help="Where this is true a row may be supplied in part; otherwise it gets all that it needs, or nothing"
    )


@dataclass(frozen=True, kw_only=True)
class Supply(Located):
    """Who has how much of what: records of a model, each of one item at one place."""

    from_: Name = option(key="from", help="The model that says who has what")
    at: Name = option(help="Its link to the place")
    item: Name = option(help="Its field with the item")
    quantity: Formula = option(help="How much can be taken, over its fields")
    where: Formula | None = option(None, help="Only these records count")


@dataclass(frozen=True, kw_only=True)
class Candidates(Located):
    """A tier of places. One that stands later is tried when those before it cannot supply everything."""

    from_: Name = option(key="from")
    where: Formula | None = option(None, help="Which places, over their fields; `record` is the one to be supplied")
    if_: Formula | None = option(None, key="if", help="Whether this tier is for the record at all")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Constraint(Located):
    """A condition that a place must meet, over its fields. Places that do not are told with the message."""

    __short__ = "require"

    require: Formula
    unknown: Literal["pass", "fail"] | None = option(
        None, help="`pass` or `fail` (unless said) when the condition is unknown because of a null"
    )
    message: Label | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class Allotted(Located):
    """Where it is written what was taken from which place for which record: what `consolidate_by` looks into."""

    from_: Name = option(key="from")
    of: Name = option(help="Its link to the record that was supplied")
    at: Name = option(help="Its link to the place")
    where: Formula | None = option(None, help="Only these count: what is still waiting to be sent")


@dataclass(frozen=True, kw_only=True)
class Routing(Definition):
    """From which places a record is supplied. One that says neither `need` nor `supply` is laid over another: that
    which it `extends`, else the one that its model names; whatever it says itself takes the place of what stands
    there."""

    kind: ClassVar[str] = "routing"
    link_order: ClassVar[int] = 30

    routing: Name
    for_: Name = option(key="for")
    label: Label | None = None
    extends: Name | None = option(None, help="The routing over which this one is laid; its model's when absent")
    of: Name | None = option(None, help="The rows that need something; absent: the record itself does")
    need: Need
    supply: Supply
    candidates: Mapping[Name, Candidates]
    rules: Mapping[Name, Constraint] = option(default_factory=dict)
    rank: Mapping[Name, Formula] = option(
        default_factory=dict, help="What makes one place better than another: the least first, the first that differs"
    )
    split: Literal["fewest"] | bool = option(
        "fewest",
        help="`fewest`: as few places as can be; `true`: each row from the best place for it; `false`: all from one",
    )
    whole: bool = option(False, help="Whether nothing is taken as long as anything is missing")
    consolidate_by: str | None = option(
        None, help="A path: records that share its value are sent from the same place where they can"
    )
    allotted: Allotted | None = option(None, help="Where it stands what was taken before; for `consolidate_by`")

    # What it is -----------------------------------------------------------------------------------------------------

    @property
    def place(self) -> str:
        """The model of the places."""
        return next(iter(self.candidates.values())).from_

    def part_type(self, linker: Linker) -> RecordType | None:
        """The type of one part of the answer: from which record of the supply it comes, from where, what, how much, for
        which row."""
        return self._answer(linker, "part", (self.supply.at, self.supply.item), self.supply.from_)

    def missing_type(self, linker: Linker) -> RecordType | None:
        """The type of what could not be had: what, how much, for which row."""
        return self._answer(linker, "missing", (self.supply.item,))

    def _answer(
        self, linker: Linker, what: str, names: tuple[Name, ...], store: Name | None = None
    ) -> RecordType | None:
        shape, around = linker.shape(self.supply.from_), linker.shape(self.for_)
        members: dict[str, Member] = {"quantity": Member(DECIMAL, nullable=False)}
        if shape is not None and store is not None:
            members[store] = Member(RecordType.of(shape), nullable=False)
        for name in names:
            found = shape.member(name) if shape is not None else None
            if found is None:
                return None
            members[name] = Member(found.type, nullable=False)
        rows = around.member(self.of) if around is not None and self.of is not None else None
        if rows is not None and isinstance(rows.type, ListType):
            members["row"] = Member(rows.type.item, nullable=False)
        return RecordType.of(SimpleShape(f"{self.name} {what}", members))

    @cached_property
    def place_reads(self) -> Paths:
        """The paths from a place that rules and ranks read."""
        return frozenset(read for each in self._of_places() for read in each.reads)

    @cached_property
    def record_reads(self) -> Paths:
        """The paths from the record that anything of it reads."""
        own: set[tuple[str, ...]] = set()
        conditions = [tier.if_ for tier in self.candidates.values()]
        for formula in formulas(conditions):
            own |= formula.expression.reads
        for formula in formulas(self.need):
            own |= {(self.of, *path) if self.of is not None else path for path in formula.expression.reads}
        around = ("record", self.for_)
        elsewhere = [tier.where for tier in self.candidates.values()] + [self.supply.where]
        beyond = [*self._of_places(), *(formula.expression for formula in formulas([elsewhere, self.need]))]
        own |= {path[1:] for each in beyond for path in each.scope_reads if path[0] in around and len(path) > 1}
        if self.consolidate_by is not None:
            own.add(tuple(self.consolidate_by.split(".")))
        return frozenset(own)

    def _of_places(self) -> Iterator[Expression]:
        for formula in formulas([self.rules, self.rank]):
            yield formula.expression

    # Linking --------------------------------------------------------------------------------------------------------

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.for_, self, "for") is None:
            return
        place = self._link_supply(linker)
        self._link_need(linker)
        scope = linker.scope(self.for_)
        for tier in self.candidates.values():
            self._link_tier(linker, tier, scope, place)
        if not self.candidates:
            linker.report("E105", "there is no place to choose from", self, "candidates", "name at least one tier")
        self._link_places(linker, scope, place)
        self._link_consolidation(linker, place)
        check_tiers(linker, self)
        if self.whole and self.need.partial is not None:
            linker.report("E110", "with `whole` nothing is taken in part", self.need, "partial")

    def _link_need(self, linker: DefinitionLinker) -> None:
        scope = linker.scope(self.for_)
        if self.of is not None:
            found = linker.field(self.for_, self.of, self, "of")
            if found is None:
                return
            if not isinstance(found, RowsField):
                linker.report("E404", f"'{self.of}' of {self.for_} holds no rows", self, "of")
                return
            scope = linker.rows_scope(self.for_, (self.of,))
        item = linker.compile(self.need.item, scope)
        linker.compile(self.need.quantity, scope, DECIMAL)
        linker.compile(self.need.partial, scope, BOOLEAN)
        if linker.get("model", self.supply.from_) is None:
            return
        shape = linker.shape(self.supply.from_)
        had = shape.member(self.supply.item) if shape is not None else None
        if item is not None and had is not None and item.type != had.type:
            message = f"{self.supply.item} of {self.supply.from_} is {had.type}, and what is needed is {item.type}"
            linker.report("E205", message, self.need, "item")

    def _link_supply(self, linker: DefinitionLinker) -> str | None:
        """The model of the places, as the supply tells it."""
        supply = self.supply
        if linker.reference("model", supply.from_, supply, "from") is None:
            return None
        scope = beside(linker.scope(supply.from_).record, linker.scope(self.for_))  # type: ignore[arg-type]
        linker.queried(supply.quantity, scope, DECIMAL)
        linker.where(supply.where, scope)
        linker.field(supply.from_, supply.item, supply, "item")
        for key, name in (("at", supply.at), ("item", supply.item)):
            if name in ("row", "quantity", supply.from_):
                linker.report("E304", f"a part of the answer has a '{name}' of its own", supply, key)
        return link_target(linker, supply, supply.from_, "at", supply.at)

    def _link_tier(self, linker: DefinitionLinker, tier: Candidates, scope: Scope, place: str | None) -> None:
        linker.compile(tier.if_, scope, BOOLEAN)
        if linker.reference("model", tier.from_, tier, "from") is None:
            return
        if place is not None and tier.from_ != place:
            message = f"{self.supply.at} of {self.supply.from_} leads to {place}, not to {tier.from_}"
            linker.report("E405", message, tier, "from", f"say `from: {place}`")
            return
        linker.where(tier.where, beside(linker.scope(tier.from_).record, scope))  # type: ignore[arg-type]

    def _link_places(self, linker: DefinitionLinker, scope: Scope, place: str | None) -> None:
        """Compiles what is asked about each place."""
        if place is None:
            return
        over = beside(linker.scope(place).record, scope)  # type: ignore[arg-type]
        amounts = RecordType.of(AMOUNTS)
        for name in ("need", "supply"):
            over = linker.naming(over, name, amounts, self, "candidates")
        for rule in self.rules.values():
            linker.compile(rule.require, over, BOOLEAN)
        for name, formula in self.rank.items():
            check_rank(linker, self, name, linker.compile(formula, over))

    def _link_consolidation(self, linker: DefinitionLinker, place: str | None) -> None:
        if self.consolidate_by is not None:
            found = linker.field(self.for_, self.consolidate_by, self, "consolidate_by")
            if isinstance(found, RowsField):
                linker.report("E404", "rows are no value that records share", self, "consolidate_by")
            if self.allotted is None:
                hint = "say `allotted: {from: MODEL, of: LINK, at: LINK}`"
                linker.report(
                    "E110", "it is not said where it stands what was taken before", self, "consolidate_by", hint
                )
        allotted = self.allotted
        if allotted is None or linker.reference("model", allotted.from_, allotted, "from") is None:
            return
        linker.where(allotted.where, beside(linker.scope(allotted.from_).record, linker.scope(self.for_)))  # type: ignore[arg-type]
        for key, name, model in (("of", allotted.of, self.for_), ("at", allotted.at, place)):
            target = link_target(linker, allotted, allotted.from_, key, name)
            if target is not None and model is not None and target != model:
                linker.report("E405", f"{name} of {allotted.from_} leads to {target}, not to {model}", allotted, key)


def link_target(linker: DefinitionLinker, at: Located, model: str, key: str, name: str) -> str | None:
    """The model to which a link leads; a problem where the field is none."""
    found = linker.field(model, name, at, key)
    if found is None:
        return None
    if not isinstance(found, LinkField):
        linker.report("E404", f"'{name}' of {model} is no link", at, key)
        return None
    return found.target
