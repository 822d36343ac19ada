"""``price``: asks a pricing what the record, or each of its rows, costs, and sets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.expressions.types import Scope
from engine.fields.field import Linker
from engine.ports import Change, Price
from engine.source.shape import Name
from engine.steps.flow import Aimed
from engine.steps.step import Frame, Steps


@dataclass(frozen=True, kw_only=True)
class PriceStep(Aimed):
    """Works out prices, and sets the fields that the pricing names, as the record's editor would."""

    word: ClassVar[str] = "price"

    price: Name

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        pricing = linker.reference("pricing", self.price, self, "price")
        about = self.aim(linker, model, scope)
        if pricing is not None and about is not None and about != pricing.for_:
            linker.report("E405", f"{self.price} is for {pricing.for_}, and this is about {about}", self, "price")
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        if about is not None:
            values, rows = yield Price(self.price, *about, frame.names)
            yield Change(*about, values, rows)
