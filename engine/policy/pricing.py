"""What a record or its rows cost, and why: each list with the prices that it had, each rule, cap and floor."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.pricing import LIST, PRICE, Adjustment, PriceList, Pricing
from engine.errors import ExpressionError, Label, Refused, Span
from engine.fields.rows import RowsField
from engine.policy.values import identity
from engine.ports import Reason, Record, Values
from engine.source.formulas import formulas
from engine.source.shape import Formula
from engine.tables.columns import show

#: Prices of one list that were passed over and are told one by one; of the others it is told how many there are.
MOST_TOLD = 10

#: The prices of a list: of its model those whose fields are among these values.
Look = Callable[[PriceList, Mapping[str, Sequence[Any]]], Sequence[Record]]
Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """What a pricing has come to: a row (the record itself where it has no rows), its price, the fields to set."""

    row: Record
    name: str
    price: Decimal
    list: str
    values: Values


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one record, and why they are these."""

    priced: Sequence[Priced]
    reason: Reason

    @property
    def said(self) -> str:
        """The prices in words."""
        return _said(self.priced)


class Pricer:
    """One pricing, ready to price."""

    def __init__(self, catalog: Catalog, pricing: Pricing) -> None:
        self.pricing = pricing
        rows = catalog.fields(pricing.for_).get(pricing.of) if pricing.of is not None else None
        self._key = rows.key if isinstance(rows, RowsField) else None
        self.paths = {id(formula): _paths(formula) for formula in formulas(pricing)}
        of_rows = {pricing.as_, *pricing.let} if pricing.of is not None else set()
        #: The lists whose `if` says the same about all rows of a record.
        self.common = frozenset(
            each.name
            for each in pricing.lists.values()
            if each.if_ is not None and of_rows.isdisjoint(path[0] for path in each.if_.expression.scope_reads)
        )

    def price(self, record: Record, names: Values, look: Look) -> Prices:
        """The prices of the record as it stands. ``look`` is asked once for each list that is needed. Refused when
        there is no price, or one below a floor that refuses; nothing is set then."""
        names = {**names, "record": record, self.pricing.for_: record}
        rows = list(self._rows(record, names))
        for each in self.pricing.lists.values():
            open_rows = self._asking(each, [row for row in rows if row.price is None])
            if open_rows and each.has_entries:
                self._choose(each, open_rows, look)
            for row in open_rows if not each.has_entries else ():
                row.offered(each, row.worth(each.price, each.name), each.price.text)
        for row in rows:
            row.finish()
        parts = tuple(row.reason for row in rows)
        faulty = [row for row in rows if row.refusal is not None]
        if faulty:
            code, text = faulty[0].refusal or ("", "")
            reason = Reason(self.pricing.name, "refused", text, self.pricing.span, parts=parts)
            raise Refused(f"{self.pricing.name}: {text}", code=code, reasons=[reason])
        priced = [row.priced() for row in rows]
        return Prices(priced, Reason(self.pricing.name, "priced", _said(priced), self.pricing.span, parts=parts))

    def _asking(self, each: PriceList, rows: Sequence[_Row]) -> list[_Row]:
        """The rows that a list is for."""
        if each.name not in self.common or not rows:
            return [row for row in rows if row.asks(each)]
        first, before = rows[0], len(rows[0].told)
        if first.asks(each):
            return list(rows)
        for row in rows[1:]:
            row.told += first.told[before:]
        return []

    def _rows(self, record: Record, names: Values) -> Iterator[_Row]:
        pricing = self.pricing
        if pricing.of is None:
            yield _Row(self, record, record, "", dict(names))
            return
        for place, row in enumerate(record[pricing.of], 1):
            key = row.get(self._key) if self._key is not None else None
            yield _Row(self, record, row, str(key if key is not None else place), {**names, pricing.as_: row})

    def _choose(self, each: PriceList, rows: Sequence[_Row], look: Look) -> None:
        """Gives each row the best of the prices that are for it."""
        wanted = {row: row.matched(each) for row in rows}
        sought = [key for key in wanted.values() if None not in key.values()]
        if not sought and each.match:
            entries: Sequence[Record] = ()
        elif each.in_ is not None:
            entries = each.in_.expression(rows[0].record, rows[0].names) or ()
        else:
            entries = look(each, {name: _distinct(key[name] for key in sought) for name in each.match})
        at: dict[Key, list[Record]] = {}
        for entry in entries:
            at.setdefault(tuple(identity(entry[name]) for name in each.match), []).append(entry)
        for row, key in wanted.items():
            found = at.get(tuple(identity(value) for value in key.values()), []) if None not in key.values() else []
            row.choose(each, found)


@dataclass(eq=False)
class _Row:
    """A row on its way to its price. What fails is told, and leaves the price as it was without that."""

    pricer: Pricer
    record: Record
    row: Record
    name: str
    names: dict[str, Any]
    price: Decimal | None = None
    taken: PriceList | None = None
    refusal: tuple[str, str] | None = None
    told: list[Reason] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pricing = self.pricer.pricing
        for name, formula in self.pricing.let.items():
            self.names[name] = self.value(formula, name)

    @property
    def about(self) -> str:
        """The row, as people know it."""
        return self.name or self.pricing.for_

    def tell(
        self,
        name: str,
        outcome: str,
        message: Label | None,
        span: Span | None,
        read: Values | None = None,
        parts: Sequence[Reason] = (),
    ) -> None:
        self.told.append(Reason(f"{self.pricing.name}.{name}", outcome, message, span, read or {}, tuple(parts)))

    def value(self, formula: Formula, name: str, entry: Record | None = None) -> Any:
        """What an expression comes to; null, and told, when it cannot be worked out."""
        try:
            return formula.expression(self.record if entry is None else entry, self.names)
        except ExpressionError as error:
            self.tell(name, "failed", f"{formula.text}: {error.message}", formula.span)
            return None

    def worth(self, formula: Formula, name: str, entry: Record | None = None) -> Decimal | None:
        """The price that an expression comes to; null when there is none. A price below nothing is none."""
        value = self.value(formula, name, entry)
        if value is not None and value < 0:
            self.tell(name, "failed", f"{formula.text}: {show(value)} is below nothing", formula.span)
            return None
        return Decimal(value) if value is not None else None

    def read(self, formulas: Sequence[Formula | None]) -> dict[str, Any]:
        """The values of the names that expressions mention: of ``let``, of the price, of fields of the row."""
        found: dict[str, Any] = {}
        for formula in formulas:
            if formula is None:
                continue
            own, around = self.pricer.paths[id(formula)]
            for name, path in own:
                found[name] = _at(self.record, path)
            for name, path in around:
                if path[0] in self.names:
                    found[name] = _at(self.names, path)
        return {name: value for name, value in found.items() if value is not MANY}

    # Lists ----------------------------------------------------------------------------------------------------------

    def asks(self, each: PriceList) -> bool:
        """Whether the list is for this row."""
        if each.if_ is None or self.value(each.if_, each.name) is True:
            return True
        self.tell(each.name, "not asked", each.if_.text, each.if_.span, self.read([each.if_]))
        return False

    def matched(self, each: PriceList) -> dict[str, Any]:
        """What the fields of a price have to be equal to."""
        return {name: self.value(formula, each.name) for name, formula in each.match.items()}

    def choose(self, each: PriceList, entries: Sequence[Record]) -> None:
        """Takes the best of the prices: by rank, then by the highest tiers, then the newest."""
        amounts = {name: self.value(formula, each.name) for name, formula in each.tiers.items()}
        candidates, parts = [], []
        for entry in entries:
            missed = self._missed(each, entry, amounts)
            if missed is None:
                candidates.append(entry)
            else:
                parts.append(self._passed(each, entry, missed))
        candidates.sort(key=lambda entry: str(entry["id"]), reverse=True)
        for name in reversed(list(each.tiers)):
            candidates.sort(key=lambda entry, name=name: entry[name] or 0, reverse=True)  # type: ignore[misc]
        for term in reversed(each.rank):
            _sort(candidates, term)
        for place, entry in enumerate(candidates):
            price = self.worth(each.price, each.name, entry)
            if price is None:
                parts.append(self._passed(each, entry, f"no price: {each.price.text}"))
                continue
            parts += [self._passed(each, other, "behind the one that was taken") for other in candidates[place + 1 :]]
            read = {**self._named(each, entry), **{f"for {name}": value for name, value in amounts.items()}}
            self.offered(each, price, each.price.text, read, self._some(each, parts))
            return
        text = f"{len(entries)} prices, and none for this" if entries else "no price for this"
        self.tell(each.name, "no price", text, each.span, parts=self._some(each, parts))

    def offered(
        self,
        each: PriceList,
        price: Decimal | None,
        text: str,
        read: Values | None = None,
        parts: Sequence[Reason] = (),
    ) -> None:
        """Takes the price of a list, if it has one."""
        if price is None:
            self.tell(each.name, "no price", text, each.span)
            return
        self.price, self.taken = price, each
        fixed = ", fixed" if each.fixed else ""
        self.tell(each.name, "taken", f"{show(price)}{fixed}", each.span, read or self.read([each.price]), parts)

    def _missed(self, each: PriceList, entry: Record, amounts: Values) -> str | None:
        """Why a price is not for this row; None when it is."""
        if each.in_ is not None and each.where is not None and self.value(each.where, each.name, entry) is not True:
            return each.where.text
        for name, amount in amounts.items():
            begins = entry[name]
            if begins is not None and (amount is None or amount < begins):
                return f"from {name} {show(begins)}, and this is {show(amount)}"
        return None

    def _passed(self, each: PriceList, entry: Record, why: str) -> Reason:
        name = f"{self.pricing.name}.{each.name}"
        return Reason(name, "passed over", why, each.span, self._named(each, entry))

    def _named(self, each: PriceList, entry: Record) -> dict[str, Any]:
        """The fields by which a price of a list was chosen."""
        own = {path[0] for path in each.price.expression.reads if len(path) == 1}
        names = [*(name.removeprefix("-") for name in each.rank), *each.tiers, *sorted(own)]
        return {"id": entry["id"], **{name: entry[name] for name in names}}

    def _some(self, each: PriceList, parts: Sequence[Reason]) -> Sequence[Reason]:
        more = len(parts) - MOST_TOLD
        if more <= 0:
            return parts
        rest = Reason(f"{self.pricing.name}.{each.name}", f"{more} more", "passed over", each.span)
        return [*parts[:MOST_TOLD], rest]

    # Rules ----------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Adjusts and bounds the price."""
        pricing = self.pricing
        if self.price is None or self.taken is None:
            self.refusal = ("NO_PRICE", f"no list has a price for {self.about}")
            return
        self.names |= {PRICE: self.price, LIST: self.taken.name}
        if self.taken.fixed:
            return
        for rule in pricing.adjust.values():
            self._adjust(rule)
        self.price = self.names[PRICE] = self._bounded(self.names[PRICE])

    def _adjust(self, rule: Adjustment) -> None:
        if rule.if_ is not None and self.value(rule.if_, rule.name) is not True:
            self.tell(rule.name, "not met", rule.if_.text, rule.span, self.read([rule.if_]))
            return
        before: Decimal = self.names[PRICE]
        read = self.read([rule.if_, rule.percent, rule.to])
        if rule.to is not None:
            after = self.worth(rule.to, rule.name)
        else:
            percent = self.value(rule.percent, rule.name) if rule.percent is not None else None
            after = before * (100 + Decimal(percent)) / 100 if percent is not None else None
            if after is not None and after < 0:
                self.tell(rule.name, "failed", f"{show(percent)} percent leave less than nothing", rule.span)
                return
        if after is None:
            self.tell(rule.name, "left out", "it comes to nothing known", rule.span, read)
            return
        self.names[PRICE] = after
        read["changed"] = f"{show(before)} → {show(after)}"
        self.tell(rule.name, "applied", rule.message or read["changed"], rule.span, read)

    def _bounded(self, price: Decimal) -> Decimal:
        """The price, rounded and between the bounds: the cap rounded down and the floor up, so that it stays there."""
        pricing, unit = self.pricing, Decimal(1).scaleb(-self.pricing.round)
        price = price.quantize(unit, ROUND_HALF_UP)
        if pricing.cap is not None:
            cap = self.worth(pricing.cap, "cap")
            if cap is not None and price > cap:
                price = cap.quantize(unit, ROUND_FLOOR)
                self.tell("cap", "lowered", f"to {show(price)}", pricing.cap.span, self.read([pricing.cap]))
        floor = pricing.floor
        least = self.worth(floor.at, "floor") if floor is not None else None
        if floor is None or least is None or price >= least:
            return price
        read = self.read([floor.at])
        if floor.below == "raise":
            price = least.quantize(unit, ROUND_CEILING)
            self.tell("floor", "raised", f"to {show(price)}", floor.span, read)
        elif floor.below == "refuse":
            self.refusal = ("PRICE_BELOW_FLOOR", f"{show(price)} for {self.about} is below the floor")
            self.tell("floor", "refused", f"{show(price)} is below it", floor.span, read)
        else:
            self.tell("floor", "below", f"{show(price)} is below it, and stays", floor.span, read)
        return price

    # The answer -----------------------------------------------------------------------------------------------------

    def priced(self) -> Priced:
        """The price, and what it sets."""
        if self.price is None or self.taken is None:
            raise RuntimeError("a row without a price is refused before")
        values = {name: formula.expression(self.record, self.names) for name, formula in self.pricing.set.items()}
        return Priced(self.row, self.name, self.price, self.taken.name, values)

    @property
    def reason(self) -> Reason:
        """Why it came out so: all that was told on the way."""
        let = {name: value for name in self.pricing.let if not isinstance(value := self.names[name], list | dict)}
        name = f"{self.pricing.name}.{self.about}"
        if self.price is None or self.refusal is not None:
            return Reason(name, "refused", (self.refusal or ("", ""))[1], self.pricing.span, let, tuple(self.told))
        where = f", {self.taken.name}" if self.taken is not None else ""
        return Reason(name, "priced", f"{show(self.price)}{where}", self.pricing.span, let, tuple(self.told))


def _said(priced: Sequence[Priced]) -> str:
    return "; ".join(f"{each.name} {show(each.price)} {each.list}".strip() for each in priced) or "nothing"


#: Stands for what is no single value: lists, and what lies behind them.
MANY = object()
#: Paths, each with its name as people read it.
Named = Sequence[tuple[str, tuple[str, ...]]]


def _paths(formula: Formula) -> tuple[Named, Named]:
    """The paths that an expression reads, from the record and from names of the scope; nothing of who is at it."""
    expression = formula.expression
    own, around = sorted(expression.reads), sorted(path for path in expression.scope_reads if path[0] != "user")
    return [(".".join(path), path) for path in own], [(".".join(path), path) for path in around]


def _at(found: Any, path: Sequence[str]) -> Any:
    """What a path leads to, where it leads to one thing; of a record its id."""
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return None if found is None else MANY
        found = found[name]
    return found["id"] if isinstance(found, dict) else MANY if isinstance(found, list) else found


def _distinct(values: Iterator[Any]) -> list[Any]:
    return list({identity(value): value for value in values}.values())


def _sort(entries: list[Record], term: str) -> None:
    """Sorts by a field, the smallest first, or with ``-`` the largest; what has none of it comes last."""
    name = term.removeprefix("-")
    there = [entry for entry in entries if entry[name] is not None]
    there.sort(key=lambda entry: entry[name], reverse=term.startswith("-"))
    entries[:] = [*there, *(entry for entry in entries if entry[name] is None)]
